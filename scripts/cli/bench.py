"""`./bareflow bench`: what is promised in numbers, measured by counting."""

import json
import sys

from cli import disc, packages, places, settings
from cli.build import build
from cli.report import Step

sys.path.append(str(places.ROOT / "bench"))

import guest
import instructions
import sizes

RESULTS = places.ROOT / "bench" / "RESULTS.md"
PREFACE = """\
# Results

Written by `./bareflow bench --save` on the default model, `models/story.gguf`.
Everything is counted, nothing is timed: the same checkout gives the same
numbers on any machine, but for the last digits. `bench/instructions.py` and
`bench/guest.py` say how.
"""


def _measure(model, with_guest):
    """Every result, and the table about it, by name."""
    results, tables = {}, {}
    image = disc.cached(model)
    results["sizes"] = sizes.measure(places.KERNEL, places.PROGRAM, image, model)
    tables["Sizes"] = sizes.table(results["sizes"])
    with Step("counting the host's instructions"):
        results["engines"] = instructions.measure(places, model)
        results["profiler_overhead"] = instructions.overheads(results["engines"])
    tables["Instructions per token"] = instructions.table(results["engines"])
    if with_guest:
        with Step("counting the guest's instructions"):
            results["guest"] = guest.measure(image)
        tables["Guest instructions"] = guest.table(results["guest"])
    return results, tables


def _too_much(results):
    """What is over its limit."""
    over = sizes.too_large(results["sizes"]) + instructions.over_limit(results["engines"])
    return over + guest.over_limit(results["guest"]) if "guest" in results else over


def _page(tables):
    parts = [f"## {title}\n\n```\n" + "\n".join(lines) + "\n```\n"
             for title, lines in tables.items()]
    return PREFACE + "\n" + "\n".join(parts)


def main(arguments):
    if arguments.subject == "jit":
        from cli import bench_jit
        return bench_jit.main(arguments)
    if arguments.subject == "model" or arguments.model is not None:
        from cli import bench_model
        return bench_model.main(arguments)
    model = settings.model(arguments)
    packages.require(packages.BENCH_SET)
    build(places.HOST_ENGINE, places.NATIVE_PROGRAM, places.PROGRAM, places.KERNEL)
    results, tables = _measure(model, not arguments.no_guest)
    if arguments.json:
        print(json.dumps(results, indent=2))
    else:
        print("\n\n".join("\n".join([title] + lines) for title, lines in tables.items()))
    if arguments.save:
        RESULTS.write_text(_page(tables))
    over = _too_much(results)
    if over:
        print("error: over the limit: " + ", ".join(over), file=sys.stderr)
    return 1 if over else 0
