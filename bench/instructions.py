"""Instructions per token: the program compiled natively, interpreted, and by the baseline tier.

    ./bareflow bench [--json] [--save]

Each engine generates greedily from one prompt, twice: the difference between a long and a short
run, divided by the tokens between them, leaves out loading, decoding and compiling. Everything is
counted (callgrind on the host, `-icount` in the guest), so the numbers repeat on any machine.

Valgrind knows no AVX-512, so engines are told to use less (option `isa`).
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor

from callgrind import instructions, stripped

PROMPT = "Once upon a time"
SHORT_TOKENS, LONG_TOKENS = 8, 24

# name, tier (None is the native program), isa, profiler
ENGINES = (
    ("native (clang -O2)", None, None, None),
    ("interpreter", "interp", "avx2", 1),
    ("interpreter, not profiled", "interp", "avx2", 0),
    ("baseline, AVX2", "baseline", "avx2", 1),
    ("baseline, AVX2, not profiled", "baseline", "avx2", 0),
    ("baseline, SSE2", "baseline", "sse2", 1),
)

# What the project promises of each, as times the native count.
LIMITS = {"interpreter": 30.0, "baseline, AVX2": 5.0, "baseline, SSE2": 5.0}
PROFILER_LIMIT = 0.03


class Binaries:
    """The native program, the host engine and the image that it runs."""

    def __init__(self, places, folder):
        self.native = stripped(places.NATIVE_PROGRAM, folder)
        self.host = stripped(places.HOST_ENGINE, folder)
        self.program = places.PROGRAM


def command(binaries, model, engine, tokens):
    """The command line of one engine for `tokens` tokens."""
    _, tier, isa, profile = engine
    options = [f"tokens={tokens}", "temp=0", "threads=1"]  # waiting would be counted, too
    line = [str(binaries.native)]
    if tier:
        line = [str(binaries.host), "--blob", f"program={binaries.program}"]
        options += [f"tier={tier}", f"isa={isa}", f"profile={profile}"]
    line += ["--blob", f"model={model}", "--text", f"prompt={PROMPT}"]
    return line + [word for option in options for word in ("--option", option)]


def per_token(binaries, model, engine):
    counts = [instructions(command(binaries, model, engine, tokens))
              for tokens in (SHORT_TOKENS, LONG_TOKENS)]
    return (counts[1] - counts[0]) / (LONG_TOKENS - SHORT_TOKENS)


def measure(places, model):
    """Instructions per token and the ratio to native, for each engine by name."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(max_workers=2) as pool:
        binaries = Binaries(places, folder)
        counts = list(pool.map(lambda engine: per_token(binaries, model, engine), ENGINES))
    return {engine[0]: {"instructions_per_token": round(count), "ratio": count / counts[0]}
            for engine, count in zip(ENGINES, counts)}


def profiler_overhead(result, name):
    """The share of instructions that the profiler adds to an engine."""
    with_profile = result[name]["instructions_per_token"]
    return with_profile / result[f"{name}, not profiled"]["instructions_per_token"] - 1


def overheads(result):
    return {name: profiler_overhead(result, name) for name in ("interpreter", "baseline, AVX2")}


def table(result):
    """The result as lines of at most 80 columns."""
    lines = [f"{'engine':<30} {'instructions/token':>18} {'x native':>9} {'limit':>7}"]
    for name, row in result.items():
        limit = f"{LIMITS[name]:.0f}" if name in LIMITS else ""
        lines.append(f"{name:<30} {row['instructions_per_token']:>18,} {row['ratio']:>9.2f} "
                     f"{limit:>7}".rstrip())
    for name, share in overheads(result).items():
        lines.append(f"{'profiler in ' + name:<30} {share:>+18.2%} {'':>9} {PROFILER_LIMIT:>7.0%}")
    return lines


def over_limit(result):
    """The names of what is worse than promised."""
    slow = [name for name, limit in LIMITS.items() if result[name]["ratio"] > limit]
    return slow + [f"profiler in {name}" for name, share in overheads(result).items()
                   if share > PROFILER_LIMIT]
