"""GDB sees compiled functions: names, lines and frames in a backtrace, through its JIT interface; and
perf's map names them.

    gdb_test.py GDB DEBUGGEE
"""

import re
import subprocess
import sys
import unittest
from pathlib import Path

GDB, DEBUGGEE = sys.argv[1:3]


class Gdb(unittest.TestCase):
    def test_backtrace(self):
        commands = ["set debuginfod enabled off", "set confirm off", "break stop_here", "run", "bt",
                    "info symbol $pc", "up", "info frame", "info line *$pc", "break jit_outer",
                    "delete", "continue"]
        arguments = [word for command in commands for word in ("-ex", command)]
        done = subprocess.run([GDB, "--batch", "-nx", *arguments, DEBUGGEE], timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        out = done.stdout
        frames = re.findall(r"^#\d+ .*? in ([\w.]+)|^#\d+ +(\w+) \(", out, re.MULTILINE)
        names = [a or b for a, b in frames][:6]
        # First calls are timed.
        self.assertEqual(names, ["stop_here", "jit_inner", "jit_inner.timed", "jit_outer",
                                 "jit_outer.timed", "main"], out)
        self.assertRegex(out, r"jit_inner \(\) at program\.c:11", out)
        self.assertRegex(out, r"jit_outer \(\) at program\.c:20", out)
        self.assertRegex(out, r"exited normally", out)

    def test_perf_map(self):
        process = subprocess.Popen([DEBUGGEE])
        self.assertEqual(process.wait(timeout=60), 0)
        map_file = Path(f"/tmp/perf-{process.pid}.map")
        lines = map_file.read_text().splitlines()
        map_file.unlink()
        self.assertEqual(len(lines), 2)
        for line, name in zip(lines, ("jit_inner", "jit_outer")):
            self.assertRegex(line, rf"^[0-9a-f]+ [0-9a-f]+ {name}@baseline$")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
