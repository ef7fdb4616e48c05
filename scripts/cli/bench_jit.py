"""`./bareflow bench jit`: the engine as a compiler, against clang, LLVM's JIT and interpreter."""

import json
import platform
import re
import sys

from cli import packages, places
from cli.build import build
from cli.report import BAD_INPUT, Failure, Step

sys.path.append(str(places.ROOT / "bench"))

from jit import compile_time, memory, programs, speed, tables

RESULTS = places.ROOT / "bench" / "RESULTS-jit.md"
RESULTS_JSON = places.ROOT / "bench" / "RESULTS-jit.json"
README = places.ROOT / "README.md"
MARKERS = ("<!-- bench jit -->", "<!-- end of bench jit -->")
PREFACE = """\
# Results of the JIT

Written by `./bareflow bench jit --save` on {machine}.
Everything is a ratio against a peer in the same run; `bench/README.md` says how
to read it.
"""


def _selected(what, asked, there):
    """The names that were asked for, all that there are if none; an unknown one ends the command."""
    if not asked:
        return there
    names = [name for word in asked for name in word.split(",")]
    for name in names:
        if name not in there:
            raise Failure(f"there is no {what} '{name}' (there are {', '.join(there)})")
    return [name for name in there if name in names]


def _tools():
    tools = speed.Tools(run=places.RUN_TOOL, orc=places.ORC_PEER, cost=places.ENGINE_COST,
                        lower=places.LOWER_TOOL)
    build(tools.run, tools.orc, tools.cost, tools.lower)
    return tools


def _machine():
    """The processor's name."""
    with open("/proc/cpuinfo") as lines:
        found = re.search(r"^model name\s*: (.*)$", lines.read(), re.MULTILINE)
    return found.group(1) if found else platform.processor()


def _measure(tools, names, tiers, arguments):
    folder = places.BUILD / "bench-jit"
    folder.mkdir(exist_ok=True)
    with Step("making the programs"):
        chosen = [programs.make(name, folder, tools.lower) for name in names]
    compiled = [tier for tier in tiers if tier not in (speed.INTERPRETER, "auto")]
    parts = arguments.parts
    results = {"machine": _machine()}
    if "speed" in parts:
        with Step("running the programs"):
            results["speed"] = speed.measure(tools, chosen, [*tiers, speed.ORC], arguments.repeat)
    if "compile" in parts:
        with Step("compiling the programs"):
            results["compile_time"] = compile_time.measure(tools, chosen, compiled)
    if "memory" in parts:
        results["memory"] = memory.measure(tools, folder, [speed.INTERPRETER, *compiled])
    if "profiling" in parts:
        with Step("running with the profiler and without"):
            profiled = [tier for tier in tiers if tier in speed.PROFILED_TIERS]
            results["profiling"] = speed.measure_profiling(tools, chosen, profiled,
                                                           arguments.repeat)
    if "interpreters" in parts:
        with Step("running LLVM's interpreter"):
            results["interpreters"] = speed.measure_interpreters(tools, chosen, 2)
    return results


def _page(results):
    parts = [f"## {title}\n\n```\n" + "\n".join(lines) + "\n```\n"
             for title, lines in tables.all_of(results).items()]
    return PREFACE.format(machine=results["machine"]) + "\n" + "\n".join(parts)


def _save(results):
    RESULTS.write_text(_page(results))
    RESULTS_JSON.write_text(json.dumps(results, indent=1) + "\n")
    text = README.read_text()
    start, end = (text.find(marker) for marker in MARKERS)
    if 0 <= start < end:
        table = "\n".join(tables.summary(results))
        README.write_text(f"{text[:start]}{MARKERS[0]}\n{table}\n{text[end:]}")


def main(arguments):
    packages.require(packages.BENCH_JIT_SET)
    tools = _tools()
    names = _selected("program", arguments.programs, programs.names())
    tiers = _selected("tier", arguments.tiers, speed.tiers_of(tools))
    results = _measure(tools, names, tiers, arguments)
    if arguments.json:
        print(json.dumps(results, indent=2))
    else:
        print("\n\n".join("\n".join([title] + lines)
                          for title, lines in tables.all_of(results).items()))
    if arguments.save:
        _save(results)
    wrong = tables.failures(results["speed"]) if "speed" in results else []
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    return BAD_INPUT if wrong else 0
