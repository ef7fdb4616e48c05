"""`./bareflow bench kernels`: does the JIT earn its place? Kernels one by one, beside the same sources
compiled ahead of time, versions in intrinsics, and llama.cpp's."""

import json
import subprocess
import sys

from cli import packages, places, results
from cli.bench_model import machine
from cli.build import build
from cli.report import BAD_INPUT, Failure, Step

sys.path.append(str(places.ROOT / "bench"))

from model import kernels

PREFACE = """\
# Results of kernels

Written by `./bareflow bench kernels --save`, with the instruction set avx2 or with all of it.
`bench/README.md` says how to read it; each section is of the version that it was measured with.
"""
WITHOUT_AVX512 = ("sse2", "avx2", "avxvnni")


def _run(*command):
    """What it prints, and whether its versions agreed."""
    process = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    try:
        return json.loads(process.stdout), process.returncode == 0
    except json.JSONDecodeError:
        lines = process.stderr.strip().splitlines()
        raise Failure(lines[-1].removeprefix("error: ") if lines else
                      f"{command[0]} failed") from None


def _measure(tool, arguments):
    options = ["--formats", arguments.formats] if arguments.formats else []
    if arguments.isa:
        options += ["--isa", arguments.isa]
    if arguments.peer:
        from cli import llama_peer
        options += ["--ggml", llama_peer.shared_objects()]
    before, _ = _run(places.LIMITS, 1)
    with Step("running kernels"):
        rows, agree = _run(tool, places.PROGRAM, *options)
    after, _ = _run(places.LIMITS, 1)
    limits = {name: value if isinstance(value, str) else max(value, before[name])
              for name, value in after.items()}
    return {"machine": machine(), "isa": arguments.isa or "all of it", "limits": limits,
            "agree": agree, "kernels": rows}


def _section(result):
    return ["```\n" + "\n".join(kernels.table(result)) + "\n```\n"]


def main(arguments):
    tool = places.KERNELS_BENCH
    if arguments.isa in WITHOUT_AVX512:
        tool = tool.with_name(tool.name + "-avx2")
    packages.require(packages.HOST_SET)
    build(tool, places.PROGRAM, places.LIMITS)
    result = _measure(tool, arguments)
    print(json.dumps(result, indent=2) if arguments.json else "\n".join(kernels.table(result)))
    if arguments.save:
        results.keep("kernels", PREFACE, result["isa"], result, _section)
    for line in kernels.failures(result):
        print(f"error: {line}", file=sys.stderr)
    return 0 if result["agree"] else BAD_INPUT
