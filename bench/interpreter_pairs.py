"""Which cells of the interpreter run one after the other: what superinstructions are chosen from.

    bench/interpreter_pairs.py [--save]

Runs every program of bench/programs/ at a small size, and the inference program for a few tokens, in an
engine whose interpreter counts (src/microjit/interp/count_cells.cpp). Every program weighs the same.
Prints handlers, pairs and triples by the share of all cells that they are; --save writes
bench/RESULTS-pairs.md. Pairs are cells that stand next to each other: only these could be one.
"""

import argparse
import bisect
import collections
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "scripts"), str(ROOT / "bench")]

from cli import packages, places
from cli.build import build
from jit import programs

RUN = places.BUILD / "bench" / "bf-run-counting"
HOST = places.BUILD / "bench" / "bf-host-counting"
RESULTS = ROOT / "bench" / "RESULTS-pairs.md"
TOP = 40
FORMS = ("slot slot", "acc slot", "slot acc", "slot imm", "acc imm")
TYPES = {"unsigned char": "8", "unsigned short": "16", "unsigned int": "32", "unsigned long": "64",
         "signed char": "s8", "short": "s16", "int": "s32", "long": "s64", "float": "f32", "double": "f64"}
HEAD = """\
# Pairs of the interpreter's cells

Written by `bench/interpreter_pairs.py --save`. Share of all cells that ran, in per cent, the mean of the
programs of `bench/programs/` and the inference program; `slot`, `acc` and `imm` are where operands are,
`keep` says that the result goes to the frame as well. No cells are joined here: this is what
`src/microjit/interp/superinstructions.def` was chosen from.
"""


class Symbols:
    """The names of a binary's functions, by address, short enough for a table."""

    def __init__(self, binary):
        lines = subprocess.run(["nm", "-C", "--defined-only", binary], stdout=subprocess.PIPE, text=True,
                               check=True).stdout.splitlines()
        rows = sorted((int(row[0], 16), row[2]) for row in (line.split(" ", 2) for line in lines)
                      if len(row) == 3)
        base = next(address for address, name in rows if name == "__executable_start")
        self.addresses = [address - base for address, _ in rows]
        self.names = [name for _, name in rows]

    def name(self, address):
        return short(self.names[bisect.bisect_right(self.addresses, address) - 1])


def short(name):
    """`binary<sem::add, unsigned int, (Form)3, true>(...)` as `add.32 slot imm keep`."""
    name = name.split("(bf::microjit::interp::Cell const*")[0].replace("bf::microjit::", "")
    name = name.replace("interp::", "").replace("(anonymous namespace)::", "").replace("u64 ", "")
    name = name.removeprefix("unsigned long ")
    name = re.sub(r"\(Form\)(\d)", lambda m: FORMS[int(m[1])], name)
    address = re.search(r"AddressForm\{([^}]*)\}", name)
    if address:
        name = name.replace(address[0], f"[{address_words(address[1])}]")
    name = re.sub(r"\(Source\)(\d)", lambda m: ("slot", "acc", "imm")[int(m[1])], name)
    for long, brief in TYPES.items():
        name = re.sub(rf"\b{long}\b(?! \w)", brief, name)
    name = re.sub(r"sem::(\w+?)_?, ", r"\1.", name)
    return name.replace(", true>", " keep>" if "branch" not in name else " back>").replace(", false>", ">")


def address_words(fields):
    """`(Base)0, (Index)1, true` as `slot+acc`; what is zero at the end is left out by compilers."""
    base, index, in_acc, by_size = (fields.replace("(Base)", "").replace("(Index)", "").split(", ")
                                    + ["", "", "", ""])[:4]
    words = ("slot", "acc", "imm")[int(base or 0)]
    if index in ("", "0"):
        return words
    words += "+" + ("acc" if in_acc == "true" else "slot") + ("", "", " s32", " u32")[int(index)]
    return words + ("*size" if by_size == "true" else "")


def count(command):
    """Shares by tuple of handler addresses, of one run."""
    with tempfile.NamedTemporaryFile("r", suffix=".cells") as file:
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                       env={**os.environ, "BAREFLOW_CELLS": file.name})
        rows = [line.split() for line in file.read().splitlines()]
    counts = {tuple(int(word, 16) for word in row[1:]): int(row[0]) for row in rows}
    total = sum(number for step, number in counts.items() if len(step) == 1)
    return {step: number / total for step, number in counts.items()}, total


def measure(say):
    """The mean share of every step, by names."""
    folder = places.BUILD / "bench-jit"
    folder.mkdir(exist_ok=True)
    runs = [(RUN, name, [RUN, "--tier", "interp", "--no-profile",
                         programs.make(name, folder, places.LOWER_TOOL).image, program_size(name, folder)])
            for name in programs.names()]
    runs.append((HOST, "inference", [HOST, "--blob", f"program={places.PROGRAM}", "--blob",
                                     f"model={places.DEFAULT_MODEL}", "--text", "prompt=Once", "--option",
                                     "temp=0", "--option", "n=2", "--option", "tier=interp"]))
    symbols = {binary: Symbols(binary) for binary in (RUN, HOST)}
    means = collections.Counter()
    for binary, name, command in runs:
        shares, total = count(command)
        say(f"{name}: {total:,} cells")
        for step, share in shares.items():
            means[tuple(symbols[binary].name(address) for address in step)] += share / len(runs)
    return means


def program_size(name, folder):
    return programs.make(name, folder, places.LOWER_TOOL).small_size


def table(means, length, top=TOP):
    rows = [(share, step) for step, share in means.items() if len(step) == length]
    rows.sort(reverse=True)
    return [f"{share * 100:6.2f}  {'  ;  '.join(step)}" for share, step in rows[:top]]


def page(means):
    """Everything, as Markdown."""
    parts = [HEAD]
    for length, title in ((1, "Cells"), (2, "Pairs"), (3, "Triples")):
        parts.append(f"## {title}\n\n```\n" + "\n".join(table(means, length)) + "\n```\n")
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", action="store_true", help="write bench/RESULTS-pairs.md")
    arguments = parser.parse_args()
    packages.require(packages.BENCH_JIT_SET)
    build(RUN, HOST, places.LOWER_TOOL, places.PROGRAM)
    means = measure(lambda text: print(text, file=sys.stderr, flush=True))
    text = page(means)
    print(text)
    if arguments.save:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
