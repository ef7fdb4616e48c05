"""Instructions per token of a model on both platforms: in a Linux process, and on bare metal.

    ./bareflow bench --instructions [--model F] [--isa avx2] [-n 8] [--save]

The same image, model and instruction set, one core each. The program's own benchmark (option
`bench`) generates tokens on request, and asks for the time before and after: callgrind counts what
the process executes between these calls, and under `-icount shift=0` the guest's time *is* its
count. Everything on the way is in it: the engine's profiler, polls, compiling that is still due.

Functions are compiled and kernels tuned while the first tokens go by, which are not counted. Which
of its plans is the fastest the autotuner finds out with a clock, whose answers mean nothing here (a
prefetch costs a counted instruction, and its use is not counted), so both are told not to ask
(option `tune`): they run the same code.
"""

import json
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor

import callgrind
import qemu

CLOCK = "bf_clock_ns"  # what a benchmark of the program's begins and ends with
WARM_UP = 4            # times the tokens of a round, before the first one
ROUNDS = 3
TOKENS = 8
LIMIT = 0.05           # the guest's count may differ by that much from the host's
TIMEOUT_SECONDS = 3600


def _requests(tokens):
    return [WARM_UP * tokens] + [tokens] * ROUNDS


def _input(tokens):
    return "".join(f"generate {count}\n" for count in _requests(tokens)).encode()


def _options(isa, more):
    return ["bench=1", "tune=0", f"isa={isa}", *more]


def _per_token(counts, tokens):
    """Of the rounds that count, the median: a function that gets hot in one of them is no matter."""
    return round(statistics.median(counts[1:]) / tokens)


def host(binary, program, model, tokens, options):
    line = [str(binary), "--blob", f"program={program}", "--blob", f"model={model}"]
    line += [word for option in [*options, "threads=1"] for word in ("--option", option)]
    between = callgrind.between_calls(line, CLOCK, _input(tokens))
    # Of two calls each, the second one ends what the first one began.
    return _per_token(between[-2 * len(_requests(tokens)):][1::2], tokens)


def guest(image, memory, tokens, options):
    machine = qemu.Machine(iso=str(image), memory=memory, options="\n".join(options) + "\n",
                           profile=True, extra=["-icount", "shift=0"])
    result = qemu.capture(machine, _input(tokens), timeout=TIMEOUT_SECONDS)
    ready, *nanoseconds = result.text.decode(errors="replace").split()
    if result.status != 0 or ready != "ready" or len(nanoseconds) != len(_requests(tokens)):
        raise RuntimeError(f"the guest did not count:\n{result.log.decode(errors='replace')}")
    # Its clock was measured against the PIT, which is some ten thousandths off.
    per_second = json.loads(result.profile)["cycles_per_second"]
    return _per_token([int(one) * per_second / 1e9 for one in nanoseconds], tokens)


def measure(binary, program, model, image, memory, isa="avx2", tokens=TOKENS, options=()):
    """Instructions per token of each platform, and the guest's by the host's."""
    options = _options(isa, options)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(max_workers=2) as pool:
        stripped = callgrind.stripped(binary, folder)
        counted = {"host": pool.submit(host, stripped, program, model, tokens, options),
                   "guest": pool.submit(guest, image, memory, tokens, options)}
        result = {name: count.result() for name, count in counted.items()}
    result["ratio"] = result["guest"] / result["host"]
    return result | {"isa": isa, "tokens": tokens}


def table(result):
    return [f"{'platform':<36} {'instructions/token':>18} {'x host':>9} {'limit':>12}",
            f"{'host, callgrind':<36} {result['host']:>18,} {1:>9.4f}",
            f"{'guest, -icount':<36} {result['guest']:>18,} {result['ratio']:>9.4f} "
            f"{f'{1 - LIMIT:.2f} to {1 + LIMIT:.2f}':>12}"]


def over_limit(result):
    return ["guest instructions per token"] if abs(result["ratio"] - 1) > LIMIT else []
