#!/usr/bin/env python3
"""How far BareFlow's and llama.cpp's logits are from the exact ones, in every weight format.

    bench/accuracy.py                              # fresh random models of several shapes
    bench/accuracy.py --models ../shared/models/formats/*.gguf
    bench/accuracy.py --formats Q4_0,Q6_K --seeds 3 --isa avx2,sse2 --tier baseline,auto
    bench/accuracy.py --isa all --tier all --save formats

Exact is what the file's weights say, computed in float64 by numpy from the dequantised file. The
numbers are mean Kullback-Leibler divergences in units of 10^-4, all tokens in one batch and one by
one; `ratio` is BareFlow's divided by llama.cpp's, and more than 1.1 is marked and ends with
status 1. Of several tiers and instruction sets the furthest counts; `alike` is how many gave the
same bits. Needs numpy (Debian: python3-numpy) and, for the peer, npm.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "bench")]

from cli import llama_peer, places
from cli.build import build
from cli.report import Failure
from cli.results import replace_sections
from model.facts import FILE_TYPES

PROMISED = 1.1
FLOOR = 1e-5  # of what is as good as exact, no ratio is shown
TOKENS = 64
# layers, dim, hidden, heads, kv heads, whether the embeddings are the output matrix too. The first
# three are ordinary. Heads of 128; keys and values of 8 and of 24 rows, which are no whole groups
# of 16; columns that are a multiple of 32 but not of 256; of nothing at all.
SHAPES = ((2, 256, 768, 8, 4, False), (1, 512, 1280, 8, 2, False), (3, 256, 512, 4, 4, True),
          (1, 256, 512, 2, 1, False), (2, 256, 512, 32, 1, True), (2, 96, 160, 12, 3, False),
          (2, 90, 150, 5, 1, True))
BLOCKS = {"F32": 1, "F16": 1, "BF16": 2, "Q4_0": 32, "Q4_1": 32, "Q5_0": 32, "Q5_1": 32, "Q8_0": 32,
          "IQ4_NL": 32}
SUPER_BLOCK = 256
# The interpreter is the same for all of them.
TIERS = ("interp", "baseline", "opt", "spec", "tuned", "auto")
SETS = {"sse2": "sse2", "avx2": "avx2", "avxvnni": "avx_vnni", "avx512": "avx512bw",
        "avx512vnni": "avx512_vnni"}
RESULTS = ROOT / "bench" / "RESULTS-accuracy.md"
PREFACE = """\
# Results of accuracy

Written by `bench/accuracy.py --save NAME`: how far logits are from exact ones.
`bench/README.md` says how to read it.
"""


def sets_of_this_machine():
    with open("/proc/cpuinfo") as lines:
        flags = next(line for line in lines if line.startswith("flags")).split()
    return [name for name, flag in SETS.items() if flag in flags]


def names(text, there):
    """A list of names, or all that there are."""
    return list(there) if text == "all" else text.split(",")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=[], metavar="FILE.gguf",
                        help="these files instead of random ones")
    parser.add_argument("--tokens-file", metavar="FILE",
                        help="token ids for --models (default: random ones)")
    parser.add_argument("--formats", default=",".join(FILE_TYPES.values()), metavar="A,B")
    parser.add_argument("--seeds", type=int, default=1, metavar="N")
    parser.add_argument("--vocabulary", default=str(places.DEFAULT_MODEL), metavar="FILE.gguf")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    parser.add_argument("--isa", metavar="A,B", help="instruction sets, or all (default: the best)")
    parser.add_argument("--tier", metavar="A,B", default="auto", help="tiers, or all (default: auto)")
    parser.add_argument("--no-peer", action="store_true", help="BareFlow alone")
    parser.add_argument("--save", metavar="NAME",
                        help="write the table to bench/RESULTS-accuracy.md, as the part of that name")
    return parser.parse_args()


def run(*command):
    process = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    if process.returncode != 0:
        raise Failure((process.stderr.strip().splitlines() or [f"{command[0]} failed"])[-1])


def ways(options):
    """Options of the engine, for each of its ways to compute the same."""
    sets = names(options.isa, sets_of_this_machine()) if options.isa else [None]
    found = []
    for tier in names(options.tier, TIERS):
        for isa in sets[:1] if tier == "interp" else sets:
            found.append([f"tier={tier}"] + ([f"isa={isa}"] if isa else []))
    return found


def columns_of_a_block(name):
    return BLOCKS.get(name, SUPER_BLOCK)


class Comparison:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.peer = None if options.no_peer else llama_peer.ready()
        self.ways = ways(options)
        self.worst = 0.0
        self.lines = []

    def say(self, line):
        self.lines.append(line)
        print(line, flush=True)

    def head(self):
        self.say(f"{'':<24}{'in one batch':^27}{'one by one':^27}")
        self.say(f"{'10^-4':<24}" + 2 * f"{'BareFlow':>9}{'llama.cpp':>10}{'ratio':>7} " + "  alike")

    def random_models(self):
        for *shape, tied in SHAPES:
            for seed in range(1, self.options.seeds + 1):
                for name in self.options.formats.split(","):
                    if any(size % columns_of_a_block(name) for size in shape[1:3]):
                        continue
                    file = self.folder / "model.gguf"
                    sizes = zip(("--layers", "--dim", "--hidden", "--heads", "--kv-heads"), shape)
                    run(places.GGUF_TOOL, "random", file, "--format", name, "--seed", seed,
                        "--vocabulary", self.options.vocabulary, *(["--tied"] if tied else []),
                        *(word for size in sizes for word in size))
                    yield f"{name} {'x'.join(map(str, shape))}{'t' if tied else ''} {seed}", file

    def _bareflow(self, model, tokens, batch, way):
        out = self.folder / "ours.f32"
        options = [f"threads={self.options.threads}", f"batch={batch}", "logits=1", *way]
        run(places.HOST_ENGINE, "--blob", f"program={places.PROGRAM}", "--blob", f"model={model}",
            "--blob", f"tokens={tokens}", "--stream", f"logits={out}",
            *(word for option in options for word in ("--option", option)))
        return out.read_bytes()

    def _llama(self, model, tokens, batch):
        out = self.folder / "theirs.f32"
        run(*self.peer.command(model, self.options.threads, "logits", tokens, batch, out))
        return out.read_bytes()

    def compare(self, name, model):
        import numpy
        from model.exact import Exact, divergence
        exact_file = self.folder / "exact.gguf"
        run(places.GGUF_TOOL, "convert", model, exact_file, "--format", "F32")
        reference = Exact(exact_file)
        ids = self._token_ids(len(reference.weights["token_embd.weight"]))
        tokens = self.folder / "tokens.txt"
        tokens.write_text(" ".join(map(str, ids)) + "\n")
        exact = reference.logits(ids)

        # Random embeddings that are the output matrix, too, say again what they were given, with
        # next to no doubt: their logits are made flat enough to differ.
        flat = 1 / exact.std() if "output.weight" not in reference.weights else 1.0

        def distance(logits):
            return divergence(flat * exact,
                              flat * numpy.frombuffer(logits, "<f4").reshape(exact.shape))

        cells, kinds = [], {}
        for batch in (len(ids), 1):
            furthest = 0.0
            for way in self.ways:
                logits = self._bareflow(model, tokens, batch, way)
                kinds.setdefault(logits, []).append((batch, *way))
                furthest = max(furthest, distance(logits))
            theirs = distance(self._llama(model, tokens, batch)) if self.peer else None
            cells += self._cells(furthest, theirs)
        alike = max(len(kind) for kind in kinds.values())
        self.say(f"{name:<24}" + "".join(cells) + f" {alike:>3}/{2 * len(self.ways)}")
        for kind in sorted(kinds.values(), key=len)[:-1]:
            print("  unlike: " + "; ".join(" ".join(map(str, way)) for way in kind), file=sys.stderr)

    def _cells(self, ours, theirs):
        if theirs is None:
            return [f"{1e4 * ours:>9.3f}", f"{'-':>9}", f"{'-':>8} "]
        ratio = ours / theirs if theirs > 0 else 1.0
        counts = ours > FLOOR
        self.worst = max(self.worst, ratio if counts else 0)
        mark = "!" if counts and ratio > PROMISED else " "
        return [f"{1e4 * ours:>9.3f}", f"{1e4 * theirs:>9.3f}", f"{ratio:>8.2f}{mark}"]

    def _token_ids(self, vocabulary):
        if self.options.tokens_file:
            return [int(word) for word in Path(self.options.tokens_file).read_text()
                    .replace(",", " ").split()]
        chance = random.Random(1)
        return [1] + [chance.randrange(3, vocabulary) for _ in range(TOKENS - 1)]


def save(name, comparison):
    how = f"{len(comparison.ways)} ways: " + ", ".join(" ".join(way) for way in comparison.ways)
    replace_sections(RESULTS, PREFACE,
                     {name: f"{how}.\n\n```\n" + "\n".join(comparison.lines) + "\n```"})


def main():
    options = arguments()
    try:
        import numpy  # noqa: F401
    except ImportError:
        print("error: numpy is missing: apt-get install python3-numpy, and run this with "
              "/usr/bin/python3", file=sys.stderr)
        return 2
    build(places.HOST_ENGINE, places.PROGRAM, places.GGUF_TOOL)
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(options, Path(folder))
        comparison.head()
        models = ([(Path(file).stem, file) for file in options.models] if options.models
                  else comparison.random_models())
        try:
            for name, model in models:
                comparison.compare(name, model)
        except Failure as failure:
            print(f"error: {failure}", file=sys.stderr)
            return 1
    if options.save:
        save(options.save, comparison)
    return 1 if comparison.worst > PROMISED else 0


if __name__ == "__main__":
    sys.exit(main())
