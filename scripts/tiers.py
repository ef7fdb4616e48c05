"""Runs one C program natively and in every tier, and says where they differ: what scripts/csmith.py and
test/programs/ share.

    tools = Tools.of_build(build_folder)
    result = compare(tools, tiers_of(tools), "program.c", ["-O2"], folder)
"""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

CLANG = "clang-19"
# Functions climb through all tiers while a short program runs.
LOW_THRESHOLDS = "1,2,4,8"
NATIVE_SECONDS = 2
TIER_SECONDS = 60
COMPILER_SECONDS = 60


class Broken(Exception):
    """A step that must work did not; the text says which and how."""


@dataclass
class Tools:
    lower: Path
    run: Path

    @classmethod
    def of_build(cls, folder):
        folder = Path(folder).absolute()
        return cls(folder / "src/microjit/lower/bf-lower", folder / "src/tools/bf-run")


@dataclass
class Result:
    """What became of a program: `kind` is passed, skipped (too slow natively), timeout, failed, or
    clang: the native program is wrong, because clang's code without optimisation does what ours does,
    or never ends: then C lets a compiler take the endless loop for one that is not reached, and what
    comes after it for anything at all. undefined: the program does what C does not define, and the
    tiers agree about it."""
    kind: str
    words: list = field(default_factory=list)


def run(command, seconds, folder):
    """Status, standard output and standard error; raises subprocess.TimeoutExpired."""
    done = subprocess.run([str(word) for word in command], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def must(command, folder):
    try:
        status, _, errors = run(command, COMPILER_SECONDS, folder)
    except subprocess.TimeoutExpired:
        raise Broken(f"{Path(command[0]).name} takes more than {COMPILER_SECONDS} s") from None
    if status != 0:
        raise Broken(f"{Path(command[0]).name}: status {status}: {errors.strip()[:400]}")


def build(tools, source, options, folder):
    """Makes program.native and program.bfir in the folder, of the same bitcode.

    It is optimised once; the second time clang only generates code."""
    must([CLANG, *options, "-w", "-emit-llvm", "-c", source, "-o", "program.bc"], folder)
    code = [option for option in options if option.startswith(("-O", "-march"))]
    must([CLANG, *code, "-Xclang", "-disable-llvm-passes", "program.bc", "-o", "program.native",
          "-lm", "-lpthread"], folder)
    must([tools.lower, "program.bc", "-o", "program.bfir"], folder)


def tier_command(tools, tier):
    low = ["--thresholds", LOW_THRESHOLDS] if tier == "auto" else []
    return [tools.run, "--tier", tier, *low, "program.bfir"]


def _difference(tier, native, ours):
    output = "the same output" if ours[1] == native[1] else (
        f"output ...{ours[1][-60:]!r}, natively ...{native[1][-60:]!r}")
    return f"{tier}: status {ours[0]}, natively {native[0]}; {output} {ours[2].strip()[-200:]}"


def _without_optimisation(source, options, folder):
    """Status and output of what clang makes of the program at -O0; None where it does not end."""
    plain = [option for option in options if not option.startswith(("-O", "-march"))]
    must([CLANG, *plain, "-O0", "-w", source, "-o", "program.plain", "-lm", "-lpthread"], folder)
    try:
        return run(["./program.plain"], TIER_SECONDS, folder)[:2]
    except subprocess.TimeoutExpired:
        return None


def _converts_out_of_range(source, options, folder):
    """Whether the program turns a float into an integer that cannot hold it: then C says nothing about
    what it does, and compilers differ."""
    plain = [option for option in options if not option.startswith(("-O", "-march"))]
    command = [CLANG, *plain, "-O1", "-w", "-fsanitize=float-cast-overflow", source, "-o",
               "program.checked", "-lm", "-lpthread"]
    if subprocess.run(command, cwd=folder, stderr=subprocess.DEVNULL).returncode != 0:
        return False
    try:
        return "outside the range of representable values" in run(["./program.checked"], TIER_SECONDS,
                                                                   folder)[2]
    except subprocess.TimeoutExpired:
        return False


def compare(tools, tiers, source, options, folder):
    """Builds the program and runs it everywhere."""
    build(tools, source, options, folder)
    try:
        native = run(["./program.native"], NATIVE_SECONDS, folder)
    except subprocess.TimeoutExpired:
        return Result("skipped")
    wrong, slow, others = [], [], set()
    for tier in tiers:
        try:
            ours = run(tier_command(tools, tier), TIER_SECONDS, folder)
        except subprocess.TimeoutExpired:
            slow.append(f"{tier}: no end after {TIER_SECONDS} s")
            continue
        if ours[:2] != native[:2]:
            wrong.append(_difference(tier, native, ours))
        others.add(ours[:2])
    if wrong and not slow and len(others) == 1:
        plain = _without_optimisation(source, options, folder)
        if plain is None:
            return Result("clang", ["without optimisation, the program does not end"])
        if others == {plain}:
            return Result("clang", ["every tier does what clang's code at -O0 does"])
        if _converts_out_of_range(source, options, folder):
            return Result("undefined", ["a float is converted to an integer that cannot hold it"])
    return Result("failed" if wrong else "timeout" if slow else "passed", wrong + slow)


def this_processor_knows(processor):
    """Whether native programs for an -march can run here."""
    flags = next((line for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("flags")), "").split()
    return {"x86-64": True, "x86-64-v3": "avx2" in flags and "bmi2" in flags,
            "x86-64-v4": "avx512vl" in flags and "avx512bw" in flags}[processor]


def tiers_of(tools):
    """Those that bf-run names in its help, `auto` last."""
    words = subprocess.run([str(tools.run), "--help"], stdout=subprocess.PIPE, text=True,
                           check=True).stdout
    line = next(line for line in words.splitlines() if line.startswith("tiers: "))
    names = line.removeprefix("tiers: ").split()
    return [name for name in names if name != "auto"] + ["auto"]
