"""Random C programs of Csmith's, natively and in every tier: same output, same status.

    scripts/csmith.py --count 2000 --jobs 2            # fresh seeds; the first one is printed
    scripts/csmith.py --seed 17 --count 1              # that program again
    scripts/csmith.py --seeds test/csmith/seeds.txt

A seed alone decides everything about its program: what Csmith generates, the level of optimisation
and the processor it is compiled for. Programs whose native run takes more than seconds are skipped;
those that end natively but not in a tier are time-outs, counted apart from mismatches.

Tiers are run one process each; `auto` runs with thresholds so low that functions climb through all of
them, and loops are left in the middle, while the program runs.
"""

import argparse
import concurrent.futures
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLANG = "clang-19"
HEADERS = "/usr/include/csmith"
LEVELS = ("-O0", "-O1", "-O2", "-O3")
PROCESSORS = ("x86-64", "x86-64-v3", "x86-64-v4")
LOW_THRESHOLDS = "1,2,4,8"
# Small enough that most programs end within a second, even interpreted.
CSMITH_OPTIONS = ("--max-funcs", "8", "--max-array-dim", "2", "--max-array-len-per-dim", "8",
                  "--quiet", "--concise")
NATIVE_SECONDS = 2
TIER_SECONDS = 60
PROGRESS_SECONDS = 20
COMPILER_SECONDS = 60


@dataclass
class Case:
    """A program: its seed, and how it is compiled."""
    seed: int
    level: str
    processor: str

    @classmethod
    def of_seed(cls, seed):
        # A hash spreads the combinations over neighbouring seeds.
        number = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:4], "little")
        return cls(seed, LEVELS[number % 4], PROCESSORS[number // 4 % 3])

    @property
    def options(self):
        floats = ("--float",) if self.seed % 2 else ()
        return ("--seed", str(self.seed), *CSMITH_OPTIONS, *floats)

    def __str__(self):
        return f"seed {self.seed} ({self.level} -march={self.processor})"


@dataclass
class Outcome:
    """What became of a case: `kind` is passed, skipped, timeout or failed."""
    case: Case
    kind: str
    words: list = field(default_factory=list)


class Broken(Exception):
    """A step that must work did not; the text says which and how."""


def run(command, seconds, folder):
    """Status and standard output; raises subprocess.TimeoutExpired."""
    done = subprocess.run([str(word) for word in command], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def must(command, folder):
    try:
        status, output, errors = run(command, COMPILER_SECONDS, folder)
    except subprocess.TimeoutExpired:
        raise Broken(f"{Path(command[0]).name} takes more than {COMPILER_SECONDS} s") from None
    if status != 0:
        raise Broken(f"{Path(command[0]).name}: status {status}: {errors.strip()[:400]}")
    return output


def build(case, tools, folder):
    """Generates and compiles a program: files program.native and program.bfir."""
    must(["csmith", *case.options, "--output", "program.c"], folder)
    must([CLANG, case.level, f"-march={case.processor}", "-w", "-I", HEADERS, "-emit-llvm", "-c",
          "program.c", "-o", "program.bc"], folder)
    # Optimised once: the second time only code is generated.
    must([CLANG, case.level, f"-march={case.processor}", "-Xclang", "-disable-llvm-passes",
          "program.bc", "-o", "program.native", "-lm"], folder)
    must([tools.lower, "program.bc", "-o", "program.bfir"], folder)


def tier_command(tools, tier):
    low = ["--thresholds", LOW_THRESHOLDS] if tier == "auto" else []
    return [tools.run, "--tier", tier, *low, "program.bfir"]


def compare(case, tools, tiers, folder):
    """The outcome of one case in all tiers."""
    build(case, tools, folder)
    try:
        native = run(["./program.native"], NATIVE_SECONDS, folder)
    except subprocess.TimeoutExpired:
        return Outcome(case, "skipped")
    wrong, slow = [], []
    for tier in tiers:
        try:
            result = run(tier_command(tools, tier), TIER_SECONDS, folder)
        except subprocess.TimeoutExpired:
            slow.append(f"{tier}: no end after {TIER_SECONDS} s")
            continue
        if result[:2] != native[:2]:
            wrong.append(f"{tier}: status {result[0]} {result[1][-60:]!r}, natively {native[0]} "
                         f"{native[1][-60:]!r} {result[2].strip()[-200:]}")
    return Outcome(case, "failed" if wrong else "timeout" if slow else "passed", wrong + slow)


def check(case, tools, tiers, keep):
    """compare() in a folder of its own, which is kept where something is wrong."""
    with tempfile.TemporaryDirectory(prefix="csmith-") as folder:
        try:
            outcome = compare(case, tools, tiers, folder)
        except Broken as broken:
            outcome = Outcome(case, "failed", [str(broken)])
        if keep and outcome.kind in ("failed", "timeout"):
            shutil.copytree(folder, Path(keep) / f"seed-{case.seed}", dirs_exist_ok=True)
        return outcome


def read_seeds(path):
    """Rows `seed level processor # why`: programs that once failed."""
    rows = (line.split("#")[0].split() for line in Path(path).read_text().splitlines())
    return [Case(int(row[0]), row[1], row[2]) for row in rows if row]


def report(outcome, tiers):
    """One line, and the command that repeats it."""
    if outcome.kind in ("failed", "timeout"):
        print(f"{outcome.kind}: {outcome.case}: {'; '.join(outcome.words)}\n"
              f"    again: scripts/csmith.py --seed {outcome.case.seed} --level {outcome.case.level} "
              f"--march {outcome.case.processor} --tiers {','.join(tiers)} --keep-failures kept",
              flush=True)


def check_all(cases, arguments, tools):
    """Runs the cases side by side; returns how many of each kind there were, and the failures."""
    counts = dict.fromkeys(("passed", "skipped", "timeout", "failed"), 0)
    failures = []
    last = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        waiting = [pool.submit(check, case, tools, arguments.tiers, arguments.keep_failures)
                   for case in cases]
        for done in concurrent.futures.as_completed(waiting):
            outcome = done.result()
            counts[outcome.kind] += 1
            report(outcome, arguments.tiers)
            if outcome.kind in ("failed", "timeout"):
                failures.append({"seed": outcome.case.seed, "level": outcome.case.level,
                                 "march": outcome.case.processor, "kind": outcome.kind,
                                 "words": outcome.words})
            if time.monotonic() - last > PROGRESS_SECONDS:
                last = time.monotonic()
                print(f"{sum(counts.values())} of {len(cases)}: {counts}", file=sys.stderr, flush=True)
    return counts, failures


def this_processor_knows(processor):
    """Whether native programs for it can run here."""
    flags = next((line for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("flags")), "").split()
    return {"x86-64": True, "x86-64-v3": "avx2" in flags and "bmi2" in flags,
            "x86-64-v4": "avx512vl" in flags and "avx512bw" in flags}[processor]


def tiers_of(tools):
    """Those that bf-run names in its help."""
    words = subprocess.run([str(tools.run), "--help"], stdout=subprocess.PIPE, text=True,
                           check=True).stdout
    line = next(line for line in words.splitlines() if line.startswith("tiers: "))
    names = line.removeprefix("tiers: ").split()
    return [name for name in names if name != "auto"] + ["auto"]


@dataclass
class Tools:
    lower: Path
    run: Path


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build", help="the build directory")
    parser.add_argument("--count", type=int, default=120, metavar="N", help="programs (default: 120)")
    parser.add_argument("--seed", type=int, metavar="N", help="the first seed (default: the time)")
    parser.add_argument("--seeds", metavar="FILE", help="the programs of a table instead")
    parser.add_argument("--level", choices=LEVELS, help="instead of what the seed decides")
    parser.add_argument("--march", choices=PROCESSORS, help="instead of what the seed decides")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="at a time (default: 2)")
    parser.add_argument("--tiers", metavar="A,B", help="only these (default: all, and auto)")
    parser.add_argument("--keep-failures", metavar="DIR", help="where their files go")
    parser.add_argument("--json", metavar="FILE", help="the result for machines")
    return parser.parse_args()


def chosen_cases(arguments):
    if arguments.seeds:
        return read_seeds(arguments.seeds)
    first = int(time.time()) if arguments.seed is None else arguments.seed
    print(f"seeds {first} to {first + arguments.count - 1}", flush=True)
    cases = [Case.of_seed(seed) for seed in range(first, first + arguments.count)]
    for case in cases:
        case.level = arguments.level or case.level
        case.processor = arguments.march or case.processor
        if not arguments.march and not this_processor_knows(case.processor):
            case.processor = PROCESSORS[0]
    return cases


def main():
    arguments = parse()
    if not shutil.which("csmith"):
        print("csmith is not installed (Debian packages csmith and libcsmith-dev)")
        return 77
    folder = Path(arguments.build).absolute()
    tools = Tools(folder / "src/microjit/lower/bf-lower", folder / "src/tools/bf-run")
    arguments.tiers = arguments.tiers.split(",") if arguments.tiers else tiers_of(tools)
    cases = [case for case in chosen_cases(arguments) if this_processor_knows(case.processor)]
    if not cases:
        print("no programs")
        return 77
    start = time.monotonic()
    counts, failures = check_all(cases, arguments, tools)
    result = {"counts": counts, "tiers": arguments.tiers, "failures": failures,
              "seconds": round(time.monotonic() - start)}
    print(f"{len(cases)} programs in {result['seconds']} s, tiers {','.join(arguments.tiers)}: " +
          ", ".join(f"{number} {kind}" for kind, number in counts.items()))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(result, indent=2) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
