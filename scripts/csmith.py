"""Random C programs of Csmith's, natively and in every tier: same output, same status.

    scripts/csmith.py --count 2000 --jobs 2            # fresh seeds; the first one is printed
    scripts/csmith.py --seed 17 --count 1              # that program again
    scripts/csmith.py --seeds test/csmith/seeds.txt

A seed alone decides everything about its program: what Csmith generates, the level of optimisation
and the processor it is compiled for. Programs whose native run takes more than seconds are skipped;
those that end natively but not in a tier are time-outs, counted apart from mismatches. So are programs
that clang itself gets wrong: there, all tiers do what its code at -O0 does (seed 50067 with -O3
-march=x86-64-v4 is one); and those that C leaves undefined, because they convert a float to an integer
that cannot hold it, which Csmith does not prevent: all tiers agree, and no two compilers (seed 3001343
with -O2 -march=x86-64).

Tiers are run one process each; `auto` runs with thresholds so low that functions climb through all of
them, and loops are left in the middle, while the program runs.
"""

import argparse
import concurrent.futures
import hashlib
import json
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import tiers as engines

ROOT = Path(__file__).resolve().parents[1]
HEADERS = "/usr/include/csmith"
LEVELS = ("-O0", "-O1", "-O2", "-O3")
PROCESSORS = ("x86-64", "x86-64-v3", "x86-64-v4")
# Small enough that most programs end within a second, even interpreted.
CSMITH_OPTIONS = ("--max-funcs", "8", "--max-array-dim", "2", "--max-array-len-per-dim", "8",
                  "--quiet", "--concise")
PROGRESS_SECONDS = 20


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


def compare(case, tools, tiers, folder):
    """Generates the program and runs it everywhere."""
    engines.must(["csmith", *case.options, "--output", "program.c"], folder)
    options = [case.level, f"-march={case.processor}", "-I", HEADERS]
    return engines.compare(tools, tiers, "program.c", options, folder)


def check(case, tools, tiers, keep):
    """The result of one case; its files are kept where something is wrong."""
    with tempfile.TemporaryDirectory(prefix="csmith-") as folder:
        try:
            result = compare(case, tools, tiers, folder)
        except engines.Broken as broken:
            result = engines.Result("failed", [str(broken)])
        if keep and result.kind in ("failed", "timeout"):
            shutil.copytree(folder, Path(keep) / f"seed-{case.seed}", dirs_exist_ok=True)
        return result


def read_seeds(path):
    """Rows `seed level processor # why`: programs that once failed."""
    rows = (line.split("#")[0].split() for line in Path(path).read_text().splitlines())
    return [Case(int(row[0]), row[1], row[2]) for row in rows if row]


def report(case, result, tiers):
    """What is wrong, and the command that repeats it."""
    print(f"{result.kind}: {case}: {'; '.join(result.words)}\n"
          f"    again: scripts/csmith.py --seed {case.seed} --count 1 --level={case.level} "
          f"--march {case.processor} --tiers {','.join(tiers)} --keep-failures kept", flush=True)


def check_all(cases, arguments, tools):
    """Runs the cases side by side; returns how many of each kind there were, and the failures."""
    counts = dict.fromkeys(("passed", "skipped", "clang", "undefined", "timeout", "failed"), 0)
    failures = []
    last = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        cases_of = {pool.submit(check, case, tools, arguments.tiers, arguments.keep_failures): case
                    for case in cases}
        for done in concurrent.futures.as_completed(cases_of):
            case, result = cases_of[done], done.result()
            counts[result.kind] += 1
            if result.words:
                report(case, result, arguments.tiers)
            if result.kind in ("failed", "timeout"):
                failures.append({"seed": case.seed, "level": case.level, "march": case.processor,
                                 "kind": result.kind, "words": result.words})
            if time.monotonic() - last > PROGRESS_SECONDS:
                last = time.monotonic()
                print(f"{sum(counts.values())} of {len(cases)}: {counts}", file=sys.stderr, flush=True)
    return counts, failures


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
        if not arguments.march and not engines.this_processor_knows(case.processor):
            case.processor = PROCESSORS[0]
    return cases


def main():
    arguments = parse()
    if not shutil.which("csmith"):
        print("csmith is not installed (Debian packages csmith and libcsmith-dev)")
        return 77
    tools = engines.Tools.of_build(arguments.build)
    arguments.tiers = arguments.tiers.split(",") if arguments.tiers else engines.tiers_of(tools)
    cases = [case for case in chosen_cases(arguments) if engines.this_processor_knows(case.processor)]
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
