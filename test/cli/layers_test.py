"""The rule checker finds what breaks the layers, and the sources break none."""

import subprocess
import sys
import unittest

from support import ROOT, SCRIPTS, main

import check_includes

BROKEN = (
    ("runtime/heap.cpp", '#include "microjit/microjit.h"'),
    ("runtime/heap.cpp", '#include "arch/host/bring_up.h"'),
    ("arch/x86/clock.cpp", '#include "runtime/heap.h"'),
    ("arch/x86/clock.cpp", '#include "arch/host/bring_up.h"'),
    ("inference/model.cpp", '#include "runtime/base.h"'),
    ("inference/model.cpp", '#include "microjit/link.h"'),
    ("microjit/microjit.cpp", '#include "arch/x86/gdt.h"'),
    ("microjit/microjit.cpp", "#include <asmjit/x86.h>"),
    ("microjit/tiers/baseline.cpp", "#include <llvm/IR/Module.h>"),
    ("microjit/ir/module.cpp", "#include <unistd.h>"),
    ("microjit/ir/ops.def", '#include "runtime/base.h"'),
    ("elsewhere/new.cpp", '#include "runtime/base.h"'),
)
ALLOWED = (
    ("inference/types.h", '#include "runtime/program_abi.h"'),
    ("arch/host/processor.cpp", '#include "runtime/options.h"'),
    ("boot/run.cpp", '#include "microjit/microjit.h"'),
    ("boot/host_main.cpp", '#include "arch/host/command_line.h"'),
    ("microjit/tiers/baseline.cpp", "#include <asmjit/x86.h>"),
    ("microjit/lower/lower.cpp", "#include <llvm/IR/Module.h>"),
    ("runtime/cpu_features.cpp", '#include "runtime/cpu_features.def"'),
)


class Layers(unittest.TestCase):
    def test_what_breaks_a_rule_is_found(self):
        for path, text in BROKEN:
            with self.subTest(f"{path}: {text}"):
                self.assertEqual(len(list(check_includes.problems(path, text))), 1)

    def test_what_keeps_the_rules_passes(self):
        for path, text in ALLOWED:
            with self.subTest(f"{path}: {text}"):
                self.assertEqual(list(check_includes.problems(path, text)), [])

    def test_the_sources_keep_the_rules(self):
        process = subprocess.run([sys.executable, SCRIPTS / "check_includes.py", ROOT],
                                 capture_output=True, text=True)
        self.assertEqual(process.returncode, 0, process.stdout)


if __name__ == "__main__":
    main()
