"""`./bareflow bench`: what is promised in numbers, measured by counting."""

import json
import sys

from cli import disc, machine, packages, places, settings
from cli.build import build
from cli.report import Failure, Step
from cli.results import replace_sections

sys.path.append(str(places.ROOT / "bench"))

import cores
import guest
import instructions
import platforms
import sizes

RESULTS = places.ROOT / "bench" / "RESULTS.md"
PREFACE = """\
# Results

Written by `./bareflow bench --save` on the default model, `models/story.gguf`,
and by `./bareflow bench --instructions --model F --save` for others.
Everything is counted, nothing is timed: the same checkout gives the same
numbers on any machine, but for the last digits. `bench/instructions.py`,
`bench/guest.py` and `bench/platforms.py` say how.
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


def _measure_platforms(model, arguments):
    """Instructions per token on both platforms."""
    asked = {key: value for key, value in (("isa", arguments.isa),
                                           ("tokens", (arguments.generated_tokens or [None])[0]))
             if value is not None}
    with Step(f"counting instructions per token of {model.name} on host and guest"):
        result = platforms.measure(places.HOST_ENGINE, places.PROGRAM, model, disc.cached(model),
                                   machine.usual_memory(model), **asked)
    title = f"Instructions per token of {model.name}, {result['isa']}, host and guest"
    return result, {title: platforms.table(result)}


def _bench_cores(arguments):
    model = settings.model(arguments)
    packages.require(packages.BENCH_SET)
    build(places.PROGRAM, places.KERNEL)
    with Step(f"running {model.name} on machines of one, two and eight cores"):
        result = cores.measure(model, arguments.repeat)
    title = f"Cores in QEMU, {model.name}"
    return _report({"cores": result}, {title: cores.table(result)}, cores.over_limit(result), arguments)


def _too_much(results):
    """What is over its limit."""
    over = sizes.too_large(results["sizes"]) + instructions.over_limit(results["engines"])
    return over + guest.over_limit(results["guest"]) if "guest" in results else over


def _save(tables):
    """What was measured now; sections about something else stay as they are."""
    replace_sections(RESULTS, PREFACE, {title: "```\n" + "\n".join(lines) + "\n```"
                                        for title, lines in tables.items()})


def _report(results, tables, over, arguments):
    if arguments.json:
        print(json.dumps(results, indent=2))
    else:
        print("\n\n".join("\n".join([title] + lines) for title, lines in tables.items()))
    if arguments.save:
        _save(tables)
    if over:
        print("error: over the limit: " + ", ".join(over), file=sys.stderr)
    return 1 if over else 0


def main(arguments):
    if arguments.subject == "jit":
        from cli import bench_jit
        return bench_jit.main(arguments)
    if arguments.subject == "smp":
        return _bench_cores(arguments)
    if arguments.subject == "kernels":
        from cli import bench_kernels
        return bench_kernels.main(arguments)
    if arguments.subject == "model" or (arguments.model is not None and not arguments.instructions):
        from cli import bench_model
        return bench_model.main(arguments)
    try:
        return _bench_counts(arguments)
    except RuntimeError as error:  # what was to be counted did not run
        raise Failure(str(error)) from None


def _bench_counts(arguments):
    model = settings.model(arguments)
    packages.require(packages.BENCH_SET)
    build(places.HOST_ENGINE, places.NATIVE_PROGRAM, places.PROGRAM, places.KERNEL)
    if arguments.instructions:
        result, tables = _measure_platforms(model, arguments)
        return _report(result, tables, platforms.over_limit(result), arguments)
    results, tables = _measure(model, not arguments.no_guest)
    return _report(results, tables, _too_much(results), arguments)
