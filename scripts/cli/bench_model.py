"""`./bareflow bench --model F`: tokens a second, as llama-bench has them, and against llama.cpp."""

import json
import os
import platform
import re
import subprocess
import sys
from contextlib import ExitStack

from cli import packages, places, results, settings
from cli.build import build
from cli.report import Failure, Step

sys.path.append(str(places.ROOT / "bench"))

from model import measure, profile, tables
from model.engines import Engine, EngineFailed
from model.facts import Facts

PREFACE = """\
# Results of models

Written by `./bareflow bench --model ... --save`. `bench/README.md` says how to read it;
each section is of the version that it was measured with.
"""
WORK = {"pp": "prompt", "tg": "generate"}
OURS, PEER, READER = "BareFlow", "llama.cpp", "reading"
LEAST_TO_READ = 64 << 20    # bytes; less may stay in caches


def machine():
    with open("/proc/cpuinfo") as lines:
        found = re.search(r"^model name\s*: (.*)$", lines.read(), re.MULTILINE)
    name = found.group(1) if found else platform.processor()
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def _output(*command):
    process = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    if process.returncode != 0:
        raise Failure(process.stderr.strip().removeprefix("error: ") or f"{command[0]} failed")
    return process.stdout


def _bareflow(model, arguments, profile_file, most):
    options = [f"threads={arguments.threads}", "bench=1", f"context={most}"]
    options += [f"{key}={value}" for key in ("tier", "isa", "batch")
                if (value := getattr(arguments, key, None)) is not None]
    line = [places.HOST_ENGINE, "--blob", f"program={places.PROGRAM}", "--blob", f"model={model}",
            "--stream", f"profile={profile_file}"]
    return line + [word for option in options for word in ("--option", option)]


def _engines(name, tokens, model, facts, peer, arguments, folder):
    """Who takes turns: we, llama.cpp if asked for, and for decoding one who only reads the weights."""
    yield Engine(OURS, _bareflow(model, arguments, folder / "profile.json", max(tokens, 128)),
                 folder / "bareflow.log")
    if peer:
        yield Engine(PEER, peer.command(model, arguments.threads, "serve"), folder / "llama.log")
    if name.startswith("tg") and facts.bytes_per_token() >= LEAST_TO_READ:
        yield Engine(READER, [places.LIMITS, arguments.threads, facts.bytes_per_token()],
                     folder / "reading.log")


def _test(name, tokens, model, facts, peer, arguments, folder):
    """One row: all engines at once, so that they may take turns."""
    kind = WORK[name[:2]]
    engines, first = [], None
    with Step(f"{name}: BareFlow" + (" and llama.cpp in turn" if peer else "")), ExitStack() as stack:
        for engine in _engines(name, tokens, model, facts, peer, arguments, folder):
            engines.append(stack.enter_context(engine))
            if kind == "generate" and engine.name == OURS:
                first = measure.first_tokens(engine)
            measure.warm_up(engine, kind, tokens)
        times = measure.in_turn(engines, kind, tokens, arguments.repeat)
        peak = engines[0].peak_bytes()
    row = {"test": name, "tokens": tokens,
           "speeds": {engine: measure.speeds(taken, tokens) for engine, taken in times.items()
                      if engine != READER},
           "functions": profile.shares(folder / "profile.json"),
           "memory": {"peak": peak, "weights": facts.bytes, "kv_cache": facts.kv_bytes(tokens)}}
    if first:
        row["first_tokens"] = first
    if peer:
        row["ratio"] = measure.ratio(times[OURS], times[PEER])
    if READER in times:
        row["reading"] = measure.speeds(times[READER], tokens)
        row["reached"] = measure.ratio(times[OURS], times[READER])
    return row


class _Limits:
    """Measured before, between and after the tests, because the machine may be busy meanwhile: the
    best of each counts."""

    def __init__(self, threads):
        self._threads = threads
        self.best = {}
        self.measure()

    def measure(self):
        for name, value in json.loads(_output(places.LIMITS, self._threads)).items():
            known = self.best.get(name, value)
            self.best[name] = value if isinstance(value, str) else max(value, known)


def _tests(arguments):
    """("pp128", 128), ("tg32", 32), ..."""
    counts = {"pp": arguments.prompt_tokens, "tg": arguments.generated_tokens or [32]}
    return [(f"{kind}{tokens}", tokens) for kind in counts for tokens in counts[kind] if tokens]


def _measure(model, facts, peer, arguments):
    folder = places.BUILD / "bench-model"
    folder.mkdir(exist_ok=True)
    limits, tests = _Limits(arguments.threads), []
    for name, tokens in _tests(arguments):
        tests.append(_test(name, tokens, model, facts, peer, arguments, folder))
        limits.measure()
    for row in tests:
        row["at_most"] = (row["reading"]["best"] if "reading" in row else
                          facts.at_most(limits.best, row["test"][:2], row["tokens"]))
        row.setdefault("reached", row["speeds"][OURS]["best"] / row["at_most"])
    return {"machine": machine(), "threads": arguments.threads, "limits": limits.best,
            "peer": f"llama.cpp {peer.version}" if peer else None,
            "model": facts.summary(), "tests": tests}


def _section(result):
    return [f"### {title}\n\n```\n" + "\n".join(lines) + "\n```\n"
            for title, lines in tables.all_tables(result).items()]


def main(arguments):
    model = settings.model(arguments)
    if arguments.threads is None:
        arguments.threads = len(os.sched_getaffinity(0))
    packages.require(packages.HOST_SET)
    build(places.HOST_ENGINE, places.PROGRAM, places.GGUF_TOOL, places.LIMITS)
    facts = Facts(json.loads(_output(places.GGUF_TOOL, "inspect", "--json", model)))
    peer = None
    if arguments.peer:
        from cli import llama_peer
        peer = llama_peer.ready()
    try:
        result = _measure(model, facts, peer, arguments)
    except EngineFailed as failed:
        raise Failure(str(failed)) from None
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        print("\n\n".join("\n".join(lines) for lines in tables.all_tables(result).values()))
    if arguments.save:
        results.keep("model", PREFACE, result["model"]["name"], result, _section)
    return 0
