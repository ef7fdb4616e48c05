"""Looking inside with bf-run: every option, on a program whose functions climb through all tiers.

    run_test.py BF_RUN BF_LOWER [GDB]
"""

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

RUN, LOWER = (str(Path(word).absolute()) for word in sys.argv[1:3])
GDB = sys.argv[3] if len(sys.argv) > 3 else None
LOW = ["--thresholds", "10,40,120,300"]
# Size 1 spins long enough for some hundred samples.
PROGRAM = """\
#include <stdio.h>
#include <stdlib.h>
static unsigned table[256];
__attribute__((noinline)) unsigned spin(unsigned x, unsigned rounds) {
  for (unsigned i = 0; i < rounds; ++i) {
    x = x * 1664525 + table[x >> 24];
    table[x & 255] ^= x;
  }
  return x;
}
__attribute__((noinline)) void say(unsigned x) {
  printf("%u\\n", x);
  fflush(stdout);
}
int main(int count, char **words) {
  unsigned x = 1;
  for (int i = 0; i < 400; ++i) x = spin(x, count > 1 ? 200000 : 20);
  say(x);
  return 7;
}
"""


class BfRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.temporary.name)
        (cls.folder / "program.c").write_text(PROGRAM)
        subprocess.run(["clang-19", "-O2", "-g", "-emit-llvm", "-c", "program.c", "-o", "program.bc"],
                       cwd=cls.folder, check=True)
        subprocess.run([LOWER, "program.bc", "-o", "program.bfir"], cwd=cls.folder, check=True)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def run_program(self, *options, size=()):
        """What it said on standard error; output and status are the program's in any case."""
        process = subprocess.Popen([RUN, *options, "program.bfir", *size], cwd=self.folder, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        output, errors = process.communicate(timeout=120)
        self.assertRegex(output, r"^\d+\n$", errors)
        self.assertEqual(process.returncode, 7, errors)
        self.pid = process.pid
        return errors

    def test_tier_log(self):
        self.assertEqual(self.run_program(*LOW, "--tier-log", "log"), "")
        lines = [line.split() for line in (self.folder / "log").read_text().splitlines()]
        self.assertTrue(all(len(line) == 7 for line in lines), lines)
        spin = [line[2:5] for line in lines if line[1] == "spin"]
        self.assertEqual(spin[0], ["interp", "baseline", "calls"])
        self.assertGreater(len(spin), 1)

    def test_trace(self):
        self.run_program(*LOW, "--trace", "trace.json")
        events = json.loads((self.folder / "trace.json").read_text())["traceEvents"]
        spans = [e for e in events if e["ph"] == "X"]
        self.assertTrue({"baseline"} < {e["name"] for e in spans}, spans)
        for event in spans:
            self.assertGreaterEqual(event["dur"], 0)
        lanes = {e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
        self.assertTrue({"spin", "compiler"} <= lanes, lanes)

    def test_disassemble(self):
        listing = self.run_program(*LOW, "--disassemble", "spin")
        tiers = re.findall(r"^; spin@(\w+)(?: from block \d+ on)? at [0-9a-f]+, [\d,]+ bytes$", listing,
                           re.MULTILINE)
        self.assertEqual(tiers[0], "baseline", listing)
        self.assertGreater(len(tiers), 1)
        self.assertRegex(listing, r"(?m)^; .*program\.c:[67]$")
        self.assertRegex(listing, r"(?m)^ +[0-9a-f]+:  imul ")
        one = self.run_program(*LOW, "--disassemble", "spin@baseline")
        self.assertEqual(set(re.findall(r"^; spin@(\w+)", one, re.MULTILINE)), {"baseline"})
        self.assertIn("no tier has compiled", self.run_program("--disassemble", "nobody"))

    def test_annotate(self):
        listing = self.run_program("--tier", "opt", "--annotate", "spin", size=["1"])
        head = re.search(r"^; spin@opt at [0-9a-f]+, [\d,]+ bytes, ([\d,]+) samples, ([\d,]+) cycles$",
                         listing, re.MULTILINE)
        self.assertTrue(head, listing)
        samples, cycles = (int(number.replace(",", "")) for number in head.groups())
        self.assertGreater(samples, 10)
        lines = re.findall(r"^ *(\d+\.\d) % +([\d,]+) +[0-9a-f]+:  ", listing, re.MULTILINE)
        shares = sum(float(share) for share, _ in lines)
        self.assertTrue(95 < shares <= 100, listing)
        self.assertEqual(sum(int(number.replace(",", "")) for _, number in lines), cycles, listing)

    def test_perf_map(self):
        self.run_program("--tier", "baseline", "--perf-map")
        path = Path(f"/tmp/perf-{self.pid}.map")
        lines = path.read_text().splitlines()
        path.unlink()
        names = {re.fullmatch(r"[0-9a-f]+ [0-9a-f]+ (\w+)@baseline", line)[1] for line in lines}
        self.assertTrue({"main", "spin", "say"} <= names, lines)

    def test_stats(self):
        lines = self.run_program("--tier", "baseline", "--stats").splitlines()
        self.assertTrue(any(re.search(r"\b400\b.* spin$", line) for line in lines), lines)
        self.assertTrue(any(line.endswith(" main") for line in lines), lines)

    def test_dump_after(self):
        text = self.run_program("--tier", "opt", "--dump-after", "gvn")
        self.assertRegex(text, r"(?m)^func @spin \(i32, i32\) -> \(i32\)")
        self.assertRegex(text, r"(?m)^b1\(")

    @unittest.skipUnless(GDB, "no gdb here")
    def test_gdb(self):
        commands = ["set debuginfod enabled off", "set confirm off", "set breakpoint pending on",
                    "break fflush", "run", "bt", "info line say", "disable", "continue"]
        arguments = [word for command in commands for word in ("-ex", command)]
        done = subprocess.run([GDB, "--batch", "-nx", *arguments, "--args", RUN, "--tier", "baseline",
                               "--gdb", "program.bfir"], cwd=self.folder, timeout=180,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        self.assertRegex(done.stdout, r"#\d+ +0x\w+ in say \(\) at .*program\.c:1[345]")
        self.assertRegex(done.stdout, r"#\d+ +0x\w+ in main \(\) at .*program\.c:\d+")
        self.assertRegex(done.stdout, r"exited with code 07")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
