"""Logits of real files in every format, against exact ones: no further from them than llama.cpp's.

    logits_test.py BF_HOST PROGRAM.bfir [TESTS]

The files and the exact logits (of the same weights, dequantised) are the shared models'; without
them the tests are skipped. Divergences are means of the Kullback-Leibler divergence over 64
positions.
"""

import array
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BF_HOST = PROGRAM = ""
SHARED = os.environ.get("BAREFLOW_SHARED_MODELS", "")
FORMATS = pathlib.Path(SHARED) / "formats"
VOCABULARY, TOKENS = 512, 64

# llama.cpp's divergence: all tokens in one batch, and one by one, as the README beside the models
# says. F32's batch is the yardstick itself: there the other number counts.
LLAMA_CPP = {
    "f32": (2.4e-6, 2.4e-6), "F16": (1.9e-6, 4.3e-6), "BF16": (8.1e-5, 8.5e-5),
    "Q8_0": (9.8e-4, 1.0e-3), "Q4_0": (9.2e-4, 9.0e-4), "Q4_1": (9.4e-4, 9.7e-4),
    "Q5_0": (9.6e-4, 1.0e-3), "Q5_1": (9.3e-4, 9.7e-4), "IQ4_NL": (9.8e-4, 9.7e-4),
    "IQ4_XS": (1.9e-3, 1.9e-3), "Q2_K": (2.1e-3, 2.2e-3), "Q3_K_S": (1.8e-3, 1.9e-3),
    "Q4_K_S": (1.9e-3, 2.0e-3), "Q4_K_M": (1.9e-3, 2.0e-3), "Q5_K_S": (1.9e-3, 1.8e-3),
    "Q6_K": (1.8e-3, 1.8e-3),
}
MARGIN = 1.1


def floats(data):
    values = array.array("f")
    values.frombytes(data)
    return values


def logits(model, tokens, *options, status=0):
    """The logits that the engine writes for token ids (a text), and what it says."""
    with tempfile.TemporaryDirectory() as folder:
        ids, out = pathlib.Path(folder) / "ids", pathlib.Path(folder) / "logits"
        ids.write_text(tokens)
        line = [BF_HOST, "--blob", f"program={PROGRAM}", "--blob", f"model={model}",
                "--blob", f"tokens={ids}", "--stream", f"logits={out}", "--option", "logits=1"]
        for option in options:
            line += ["--option", option]
        result = subprocess.run(line, capture_output=True, timeout=250)
        assert result.returncode == status, (line, result.stderr.decode())
        assert result.stdout == b"", result.stdout
        return out.read_bytes(), result.stderr.decode()


def divergence(exact, ours):
    """Mean over the rows of the KL divergence of softmax(ours) from softmax(exact)."""
    total = 0.0
    for row in range(0, len(exact), VOCABULARY):
        a, b = exact[row:row + VOCABULARY], ours[row:row + VOCABULARY]
        scale = [math.log(math.fsum(math.exp(x - max(r)) for x in r)) + max(r) for r in (a, b)]
        total += math.fsum(math.exp(x - scale[0]) * ((x - scale[0]) - (y - scale[1]))
                           for x, y in zip(a, b))
    return total / (len(exact) // VOCABULARY)


@unittest.skipUnless((FORMATS / "tokens.txt").is_file(), "no shared models here")
class Formats(unittest.TestCase):
    def setUp(self):
        self.tokens = (FORMATS / "tokens.txt").read_text()
        self.assertEqual(len(self.tokens.split()), TOKENS)

    def each_format(self):
        for name, peers in LLAMA_CPP.items():
            exact = floats((FORMATS / "exact" / f"{name}.f32").read_bytes())
            self.assertEqual(len(exact), TOKENS * VOCABULARY)
            with self.subTest(name):
                yield name, FORMATS / f"{name}.gguf", exact, peers

    def check(self, *options):
        for name, model, exact, peers in self.each_format():
            for batch, peer in zip((TOKENS, 1), peers):
                data, _ = logits(model, self.tokens, f"batch={batch}", *options)
                ours = floats(data)
                self.assertEqual(len(ours), len(exact))
                mean = divergence(exact, ours)
                print(f"{name:7} batch {batch:2}: {mean:8.2g}  llama.cpp {peer:.2g}", flush=True)
                self.assertLessEqual(mean, MARGIN * peer, f"{name}, batch {batch}")
                self.assertGreater(mean, -1e-9)

    def test_every_tier_as_it_climbs(self):
        self.check("tier=auto", "thresholds=1,2,3,4")

    def test_sse2(self):
        self.check("tier=baseline", "isa=sse2")

    def test_avx2(self):
        self.check("tier=auto", "thresholds=1,2,3,4", "isa=avx2")

    def test_the_interpreter_gives_the_bits_of_compiled_code(self):
        few = " ".join(self.tokens.split()[:3])
        for name, model, _, _ in self.each_format():
            interpreted, _ = logits(model, few, "tier=interp")
            compiled, _ = logits(model, few, "tier=baseline", "isa=sse2")
            self.assertEqual(len(interpreted), 3 * VOCABULARY * 4)
            self.assertEqual(interpreted, compiled, name)

    def test_a_cache_in_q8_0(self):
        for name in ("f32", "Q8_0", "Q4_K_M"):
            exact = floats((FORMATS / "exact" / f"{name}.f32").read_bytes())
            data, _ = logits(FORMATS / f"{name}.gguf", self.tokens, "kv=q8_0")
            mean = divergence(exact, floats(data))
            print(f"{name:7} with a cache in Q8_0: {mean:8.2g}", flush=True)
            self.assertLess(mean, 2.5e-3)
            self.assertGreater(mean, 1e-6)

    def test_bad_token_ids(self):
        model = FORMATS / "Q4_0.gguf"
        for tokens, word in (("1 2 x", "'x'"), ("1 -2", "'-2'"), ("512", "'512'"), (" \n", "none"),
                             ("99999999999999999999999", "'9999"), ("1 " * 4000, "do not fit")):
            _, said = logits(model, tokens, status=1)
            lines = [line for line in said.splitlines() if not line.startswith("[jit] ")]
            self.assertEqual(len(lines), 1, said)
            self.assertIn(word, lines[0])
            self.assertTrue(lines[0].startswith("error: "), said)


if __name__ == "__main__":
    BF_HOST, PROGRAM = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
