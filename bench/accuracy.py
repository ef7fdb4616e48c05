#!/usr/bin/env python3
"""How far BareFlow's and llama.cpp's logits are from the exact ones, in every weight format.

    bench/accuracy.py                              # fresh random models of several shapes
    bench/accuracy.py --models ../shared/models/formats/*.gguf
    bench/accuracy.py --formats Q4_0,Q6_K --seeds 3 --isa avx2 --tier baseline

Exact is what the file's weights say, computed in float64 by numpy from the dequantised file. The
numbers are mean Kullback-Leibler divergences in units of 10^-4, all tokens in one batch and one by
one; `ratio` is BareFlow's divided by llama.cpp's, and more than 1.1 is marked and ends with
status 1. Needs numpy (Debian: python3-numpy) and, for the peer, npm.
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
from model.facts import FILE_TYPES

PROMISED = 1.1
FLOOR = 1e-5  # of what is as good as exact, no ratio is shown
TOKENS = 64
# layers, dim, hidden, heads, kv heads
SHAPES = ((2, 256, 768, 8, 4), (1, 512, 1280, 8, 2), (3, 256, 512, 4, 4))


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
    parser.add_argument("--isa", metavar="NAME")
    parser.add_argument("--tier", metavar="NAME")
    parser.add_argument("--no-peer", action="store_true", help="BareFlow alone")
    return parser.parse_args()


def run(*command):
    process = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    if process.returncode != 0:
        raise Failure((process.stderr.strip().splitlines() or [f"{command[0]} failed"])[-1])


class Comparison:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.peer = None if options.no_peer else llama_peer.ready()
        self.worst = 0.0

    def random_models(self):
        for shape in SHAPES:
            for seed in range(1, self.options.seeds + 1):
                for name in self.options.formats.split(","):
                    file = self.folder / "model.gguf"
                    sizes = zip(("--layers", "--dim", "--hidden", "--heads", "--kv-heads"), shape)
                    run(places.GGUF_TOOL, "random", file, "--format", name, "--seed", seed,
                        "--vocabulary", self.options.vocabulary,
                        *(word for size in sizes for word in size))
                    yield f"{name} {'x'.join(map(str, shape))} {seed}", file

    def _bareflow(self, model, tokens, batch):
        out = self.folder / "ours.f32"
        extra = [word for key in ("isa", "tier") if (value := getattr(self.options, key))
                 for word in (f"--{key}", value)]
        run(ROOT / "bareflow", "host", "--model", model, "--tokens-file", tokens, "--logits", out,
            "--batch", batch, *extra)
        return out

    def _llama(self, model, tokens, batch):
        out = self.folder / "theirs.f32"
        run(*self.peer.command(model, self.options.threads, "logits", tokens, batch, out))
        return out

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

        def distance(logits_file):
            return divergence(exact, numpy.fromfile(logits_file, "<f4").reshape(exact.shape))

        cells = []
        for batch in (len(ids), 1):
            ours = distance(self._bareflow(model, tokens, batch))
            theirs = distance(self._llama(model, tokens, batch)) if self.peer else None
            cells += self._cells(ours, theirs)
        print(f"{name:<26}" + "".join(cells), flush=True)

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
        print(f"{'':<26}{'in one batch':^27}{'one by one':^27}")
        print(f"{'10^-4':<26}" + 2 * f"{'BareFlow':>9}{'llama.cpp':>10}{'ratio':>7} ")
        models = ([(Path(file).stem, file) for file in options.models] if options.models
                  else comparison.random_models())
        try:
            for name, model in models:
                comparison.compare(name, model)
        except Failure as failure:
            print(f"error: {failure}", file=sys.stderr)
            return 1
    return 1 if comparison.worst > PROMISED else 0


if __name__ == "__main__":
    sys.exit(main())
