"""The results at 80 columns, for a terminal and for Markdown."""

import re
import textwrap
from pathlib import Path

from .speed import INTERPRETER, NATIVE, ORC

BEHIND = Path(__file__).resolve().parents[1] / "BEHIND.md"
NOTE = re.compile(r"^- ([a-z0-9_]+): (.*(?:\n  .*)*)", re.MULTILINE)
PEERS = (ORC,)

# What the project promises of a tier, as a geometric mean over the programs; native is 1.
PROMISED_SPEED = {INTERPRETER: 1 / 12, "baseline": 0.40, "opt": 0.90, "spec": 0.90, "tuned": 0.90,
                  "auto": 0.90}
PROMISED_COMPILE = {"baseline": 40, "opt": 10, "spec": 10, "tuned": 10}


def notes():
    """Why a program is behind, by name: kept by hand."""
    text = BEHIND.read_text() if BEHIND.exists() else ""
    return {name: re.sub(r"\s+", " ", note) for name, note in NOTE.findall(text)}


def _speed(engine, row):
    """One cell: times slower for the interpreter, speed for the others."""
    if "wrong" in row:
        return "fails"
    return f"{1 / row['speed']:.1f}x" if engine == INTERPRETER else f"{row['speed']:.2f}"


def _mean(engine, mean):
    return "-" if mean is None else _speed(engine, {"speed": mean})


def _line(name, native, cells, engines):
    """Seven engines fit into 80 columns."""
    return f"{name:<14}{native:>7}" + "".join(
        f"{cell:>{max(8, len(engine) + 1)}}" for engine, cell in zip(engines, cells))


def speed(result):
    """Lines: programs down, engines across."""
    engines = result["engines"]
    lines = [_line("program", "native", engines, engines)]
    for name, row in result["programs"].items():
        lines.append(_line(name, f"{row[NATIVE]['seconds']:.3f}",
                           [_speed(engine, row[engine]) for engine in engines], engines))
    means = result["geomean"]
    lines.append(_line("geometric mean", "", [_mean(engine, means[engine]) for engine in engines],
                       engines))
    lines.append(_line("promised", "", [_mean(engine, PROMISED_SPEED.get(engine))
                                        for engine in engines], engines))
    return lines


def behind(result):
    """Lines about every program whose best tier is slower than the native program."""
    reasons, lines = notes(), []
    tiers = [engine for engine in result["engines"] if engine not in PEERS]
    for name, row in result["programs"].items():
        best = max((row[tier].get("speed", 0) for tier in tiers), default=0)
        if best < 0.995:
            text = f"{name} {best:.2f}: {reasons.get(name, 'not looked at yet')}"
            lines += textwrap.wrap(text, 80, subsequent_indent="  ")
    return lines


def failures(result):
    """What went wrong, one line each."""
    return [f"{name}, {engine}: {row['wrong']}" for name, rows in result["programs"].items()
            for engine, row in rows.items() if "wrong" in row]


def compile_time(result):
    lines = [f"{'tier':<12}{'programs':>9}{'ns/IR':>8}{'LLVM':>9}{'bytes/IR':>10}"
             f"{'faster':>9}{'least':>8}{'promised':>10}"]
    for tier, row in result["totals"].items():
        if row:
            promised = PROMISED_COMPILE.get(tier, "")
            lines.append(f"{tier:<12}{row['programs']:>9}{row['ns_per_ir_instruction']:>8.0f}"
                         f"{row['llvm_ns_per_ir_instruction']:>9.0f}"
                         f"{row['bytes_per_ir_instruction']:>10.1f}{row['faster']:>8.0f}x"
                         f"{row['least_faster']:>7.0f}x{promised:>9}{'x' if promised else ''}")
    return lines


def memory(result):
    lines = [f"{'tier':<12}{'functions':>10}{'IR':>9}{'image':>10}{'loaded':>11}{'compiled':>11}"
             f"{'code':>11}"]
    for tier, row in result["tiers"].items():
        lines.append(f"{tier:<12}{row['functions']:>10,}{row['instructions']:>9,}"
                     f"{result['image_bytes']:>10,}{row['load_bytes']:>11,}"
                     f"{row['compile_bytes']:>11,}{row['code_bytes']:>11,}")
    return lines


MEASURES = {"time": "time (median of pairs)", "least_time": "least times",
            "instructions": "user instructions"}


def profiling(result):
    """Lines: for each tier, what each way of measuring says, and of which program it says most."""
    lines = [f"{'tier':<10}{'by':<24}{'geometric mean':>15}{'most':>8}  in"]
    for tier, programs in result["programs"].items():
        for measure in result["measures"] if programs else ():
            worst = max(programs, key=lambda name, by=measure: programs[name][by])
            lines.append(f"{tier:<10}{MEASURES[measure]:<24}"
                         f"{result['geomean'][tier][measure] - 1:>+15.1%}"
                         f"{programs[worst][measure] - 1:>+8.1%}  {worst}")
    if "instructions" not in result["measures"]:
        lines.append("(this machine does not count user instructions for `perf stat`)")
    return lines


def interpreters(result):
    programs = result["programs"]
    if not programs:
        return ["LLVM's interpreter ran none of the programs."]
    lines = [f"{name:<15}{ratio:>9.0f}x" for name, ratio in programs.items()]
    return lines + [f"{'geometric mean':<15}{result['geomean']:>9.0f}x"]


TITLES = (("speed", "Speed: native (in seconds) is 1, the interpreter is times slower", speed),
          ("speed", "Behind the native program, and why", behind),
          ("compile_time", "Compile time: nanoseconds per IR instruction, against LLVM -O2",
           compile_time),
          ("memory", "Memory in bytes for a program of a thousand functions", memory),
          ("profiling", "What profiling adds to the running time", profiling),
          ("interpreters", "LLVM's interpreter takes longer than ours", interpreters))


def all_of(results):
    """Title and lines of each table whose result there is."""
    return {title: table(results[key]) for key, title, table in TITLES if results.get(key)}


# ---- The README ----------------------------------------------------------------------------------

def summary(results):
    """The table in the README."""
    lines = ["| | measured | promised |", "|---|---|---|"]
    count = len(results["speed"]["programs"])
    for engine in results["speed"]["engines"]:
        mean = results["speed"]["geomean"][engine]
        if mean is None:
            continue
        promised = PROMISED_SPEED.get(engine)
        if engine == INTERPRETER:
            lines.append(f"| interpreter | {1 / mean:.1f} times slower | 12 times at most |")
        elif engine in PEERS:
            lines.append(f"| LLVM's ORC JIT, for comparison | {mean:.2f} | |")
        else:
            lines.append(f"| tier `{engine}`, {count} programs | {mean:.2f} of clang -O2 | "
                         f"{promised:.2f} |" if promised else
                         f"| tier `{engine}`, {count} programs | {mean:.2f} of clang -O2 | |")
    for tier, row in results.get("compile_time", {}).get("totals", {}).items():
        if row:
            lines.append(f"| compile time, `{tier}`, against LLVM -O2 | {row['faster']:.0f} times "
                         f"faster | {PROMISED_COMPILE.get(tier, '')} |")
    for tier, means in results.get("profiling", {}).get("geomean", {}).items():
        if means["time"]:
            lines.append(f"| profiling, `{tier}` | {means['time'] - 1:+.1%} | 1 % in the top "
                         "tier |")
    return lines
