"""Engines against the native program: the same bitcode, in turn, in one run.

The time of an engine is that of a run at the program's size, less that of a run at size 1: starting
the process, loading, and (where a tier compiles everything first) compiling are in both. `auto`
compiles while it runs, and that counts as its running time.
"""

import math
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cli.report import say

from . import timing

NATIVE = "native"
ORC = "orc"
LLVM_INTERPRETER = "lli-19"
INTERPRETER = "interp"
SIZE_OF_NOTHING = 1


@dataclass
class Tools:
    """The binaries that the benchmark calls."""
    run: Path
    orc: Path
    cost: Path
    lower: Path


def tiers_of(tools):
    """The tiers that the engine has, from the lowest up, and `auto`."""
    return subprocess.run([tools.cost, "tiers"], stdout=subprocess.PIPE, check=True,
                          text=True).stdout.split()


def command(tools, engine, program, size, profile=True):
    """The command line that runs a program in an engine; tiers of ours go by their name."""
    if engine == NATIVE:
        return [program.native, size]
    if engine == ORC:
        return [tools.orc, "run", program.bitcode, size]
    if engine == LLVM_INTERPRETER:
        return [LLVM_INTERPRETER, "-force-interpreter", program.bitcode, size]
    profiling = [] if profile else ["--no-profile"]
    return [tools.run, "--tier", engine, *profiling, program.image, size]


def _running_time(long, short):
    return max(long.least - short.least, 1e-4)


def _row(long, short, native_long, native_short):
    """The result of one engine for one program."""
    for sample in (long, short):
        if isinstance(sample, timing.Wrong):
            return {"wrong": str(sample)}
    if long.output != native_long.output:
        return {"wrong": "its output is not the native program's"}
    seconds = _running_time(long, short)
    return {"seconds": seconds, "start_seconds": short.least, "spread": long.spread,
            "speed": _running_time(native_long, native_short) / seconds}


def measure_program(tools, program, engines, repeat):
    """Seconds and speed (native is 1) of each engine for one program."""
    def sampled(size):
        return timing.sample_in_turn(
            {engine: command(tools, engine, program, size) for engine in [NATIVE, *engines]}, repeat)

    long, short = sampled(program.size), sampled(SIZE_OF_NOTHING)
    if isinstance(long[NATIVE], timing.Wrong):
        raise RuntimeError(f"the native {program.name} fails: {long[NATIVE]}")
    return {engine: _row(long[engine], short[engine], long[NATIVE], short[NATIVE])
            for engine in long}


def geometric_mean(numbers):
    return math.exp(sum(map(math.log, numbers)) / len(numbers)) if numbers else None


def _means(programs, engines):
    """The geometric mean of each engine's speed, over the programs that all of them ran."""
    complete = [row for row in programs.values() if all("speed" in row[e] for e in engines)]
    return {engine: geometric_mean([row[engine]["speed"] for row in complete])
            for engine in engines}


def measure(tools, programs, engines, repeat):
    """Every program in every engine, and the geometric means."""
    results = {}
    for number, program in enumerate(programs, 1):
        results[program.name] = measure_program(tools, program, engines, repeat)
        words = ", ".join(f"{engine} {row['speed']:.2f}" if "speed" in row else
                          f"{engine}: {row['wrong']}"
                          for engine, row in results[program.name].items() if engine != NATIVE)
        say(f"{number}/{len(programs)} {program.name}: {words}")
    return {"engines": engines, "repeat": repeat, "programs": results,
            "geomean": _means(results, engines)}


# ---- What profiling costs ------------------------------------------------------------------------

PROFILED_TIERS = ("baseline", "tuned", "auto")
LEAST_PAIRS = 5


def _profiling_cost(tools, program, tier, repeat, count_instructions):
    """What the profiler multiplies by, in one tier: time of pairs of runs, the least times, and the
    instructions. None if a run failed."""
    commands = {profile: command(tools, tier, program, program.size, profile)
                for profile in (True, False)}
    samples = timing.sample_in_turn(commands, max(repeat, LEAST_PAIRS))
    on, off = samples[True], samples[False]
    if isinstance(on, timing.Wrong) or isinstance(off, timing.Wrong):
        return None
    row = {"time": statistics.median(a / b for a, b in zip(on.seconds, off.seconds)),
           "least_time": on.least / off.least}
    if count_instructions:
        row["instructions"] = (timing.user_instructions(commands[True]) /
                               timing.user_instructions(commands[False]))
    return row


def measure_profiling(tools, programs, tiers, repeat):
    """Each tier with its profiler against the same without, by program.

    A run with the profiler and one without make a pair: what slows the machine slows both. The
    median of the pairs' ratios counts. Where the processor counts instructions for us, their ratio
    is there too; it does not depend on what else runs."""
    count_instructions = timing.counts_instructions()
    results = {tier: {} for tier in tiers}
    for program in programs:
        for tier in tiers:
            row = _profiling_cost(tools, program, tier, repeat, count_instructions)
            if row:
                results[tier][program.name] = row
        say(f"profiling in {program.name}: " + ", ".join(
            f"{tier} {results[tier][program.name]['time'] - 1:+.1%}"
            if program.name in results[tier] else f"{tier} fails" for tier in tiers))
    measures = ("time", "least_time") + ("instructions",) * count_instructions
    return {"programs": results, "measures": measures,
            "geomean": {tier: {measure: geometric_mean([row[measure] for row in rows.values()])
                               for measure in measures} for tier, rows in results.items()}}


# ---- LLVM's interpreter --------------------------------------------------------------------------

def measure_interpreters(tools, programs, repeat):
    """How many times as fast as LLVM's interpreter ours is, at small sizes.

    LLVM's runs few of the programs: it knows no vectors, and not all intrinsics."""
    engines = (INTERPRETER, LLVM_INTERPRETER)
    results = {}
    for program in programs:
        long, short = (timing.sample_in_turn(
            {engine: command(tools, engine, program, size) for engine in engines}, repeat, 20)
            for size in (program.small_size, SIZE_OF_NOTHING))
        samples = [by_engine[engine] for by_engine in (long, short) for engine in engines]
        if any(isinstance(sample, timing.Wrong) for sample in samples):
            continue
        ours, theirs = (_running_time(long[engine], short[engine]) for engine in engines)
        if long[INTERPRETER].output == long[LLVM_INTERPRETER].output and ours > 0.002:
            results[program.name] = theirs / ours
            say(f"interpreters on {program.name}: LLVM's takes {theirs / ours:.0f} times as long")
    return {"programs": results, "geomean": geometric_mean(list(results.values()))}
