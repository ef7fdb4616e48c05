"""Whole C programs, natively and in every tier, at several levels of optimisation: same output, same
status. Every .c and .ll file of this folder is one.

    programs_test.py BUILD_FOLDER [NAME...]
"""

import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1] / "scripts"))

import tiers

LEVELS = (("-O0",), ("-O1",), ("-O2",), ("-O3", "-march=x86-64-v3"), ("-O3", "-march=x86-64-v4"))


def problems(tools, names, source):
    """A line for each level at which something differs."""
    for level in LEVELS:
        if not all(tiers.this_processor_knows(word.removeprefix("-march="))
                   for word in level if word.startswith("-march")):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                result = tiers.compare(tools, names, source, ["-std=gnu17", *level], folder)
            except tiers.Broken as broken:
                result = tiers.Result("failed", [str(broken)])
        if result.kind != "passed":
            yield f"{source.name} {' '.join(level)}: {result.kind}: " + "; ".join(result.words)


def main():
    tools = tiers.Tools.of_build(sys.argv[1])
    names = tiers.tiers_of(tools)
    sources = sorted(source for source in FOLDER.iterdir() if source.suffix in (".c", ".ll")
                     and (len(sys.argv) == 2 or source.stem in sys.argv[2:]))
    found = 0
    for source in sources:
        for line in problems(tools, names, source):
            print(line, flush=True)
            found += 1
    print(f"{len(sources)} programs in tiers {', '.join(names)}: {found} problems")
    return 1 if found or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
