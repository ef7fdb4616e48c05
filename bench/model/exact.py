"""A Llama in numpy and float64: what a file's weights say, with no rounding on the way.

    logits = Exact("f32.gguf").logits([1, 321, 133])      # (tokens, vocabulary)

The file must be in F32 (`bf-gguf convert --format F32`, which is exact).
"""

import struct

import numpy

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, pattern):
        value, = struct.unpack_from("<" + pattern, self.data, self.at)
        self.at += struct.calcsize("<" + pattern)
        return value

    def text(self):
        size = self.take("Q")
        self.at += size
        return self.data[self.at - size:self.at].decode(errors="replace")

    def value(self, kind):
        if kind == TEXT:
            return self.text()
        if kind == ARRAY:
            element, count = self.take("I"), self.take("Q")
            return [self.value(element) for _ in range(count)]
        return self.take(SCALARS[kind])


class Exact:
    def __init__(self, path):
        with open(path, "rb") as file:
            reader = _Reader(file.read())
        _, _, tensors, entries = (reader.take(kind) for kind in "IIQQ")
        self.metadata = {}
        for _ in range(entries):
            key = reader.text()
            self.metadata[key] = reader.value(reader.take("I"))
        places = {}
        for _ in range(tensors):
            name, dimensions = reader.text(), reader.take("I")
            sizes = [reader.take("Q") for _ in range(dimensions)]
            kind, offset = reader.take("I"), reader.take("Q")
            if kind != 0:
                raise ValueError(f"{path}: {name} is not in F32")
            places[name] = (sizes[::-1], offset)
        data = -(-reader.at // 32) * 32
        self.weights = {name: numpy.frombuffer(reader.data, "<f4", int(numpy.prod(sizes)),
                                               data + offset).reshape(sizes).astype(numpy.float64)
                        for name, (sizes, offset) in places.items()}

    def _number(self, key, fallback=None):
        return self.metadata.get("llama." + key, fallback)

    def _norm(self, x, name):
        epsilon = self._number("attention.layer_norm_rms_epsilon")
        return x / numpy.sqrt(numpy.mean(x * x, axis=-1, keepdims=True) + epsilon) \
            * self.weights[name]

    def _rotate(self, x):
        """Neighbouring pairs of (tokens, heads, head_dim) by angles that grow with the position."""
        tokens, _, head_dim = x.shape
        rotated = self._number("rope.dimension_count", head_dim)
        base = self._number("rope.freq_base", 10000.0)
        angles = numpy.outer(numpy.arange(tokens),
                             base ** (-numpy.arange(0, rotated, 2) / rotated))[:, None, :]
        even, odd = x[..., 0:rotated:2], x[..., 1:rotated:2]
        result = x.copy()
        result[..., 0:rotated:2] = even * numpy.cos(angles) - odd * numpy.sin(angles)
        result[..., 1:rotated:2] = even * numpy.sin(angles) + odd * numpy.cos(angles)
        return result

    def _attend(self, x, block):
        tokens, heads = len(x), self._number("attention.head_count")
        kv_heads = self._number("attention.head_count_kv", heads)

        def project(name, count):
            return (x @ self.weights[block + name].T).reshape(tokens, count, -1)

        queries = self._rotate(project("attn_q.weight", heads))
        keys = self._rotate(project("attn_k.weight", kv_heads)).repeat(heads // kv_heads, axis=1)
        values = project("attn_v.weight", kv_heads).repeat(heads // kv_heads, axis=1)
        scores = numpy.einsum("qhd,khd->hqk", queries, keys) / numpy.sqrt(queries.shape[-1])
        scores = numpy.where(numpy.tri(tokens, dtype=bool), scores, -numpy.inf)
        scores = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed = numpy.einsum("hqk,khd->qhd", scores, values).reshape(tokens, -1)
        return mixed @ self.weights[block + "attn_output.weight"].T

    def _feed_forward(self, x, block):
        gate = x @ self.weights[block + "ffn_gate.weight"].T
        up = x @ self.weights[block + "ffn_up.weight"].T
        return (gate / (1 + numpy.exp(-gate)) * up) @ self.weights[block + "ffn_down.weight"].T

    def logits(self, tokens):
        x = self.weights["token_embd.weight"][tokens]
        for layer in range(self._number("block_count")):
            block = f"blk.{layer}."
            x = x + self._attend(self._norm(x, block + "attn_norm.weight"), block)
            x = x + self._feed_forward(self._norm(x, block + "ffn_norm.weight"), block)
        output = self.weights.get("output.weight", self.weights["token_embd.weight"])
        return self._norm(x, "output_norm.weight") @ output.T


def divergence(exact, logits):
    """The mean Kullback-Leibler divergence of the probabilities from the exact ones."""
    def log_probabilities(x):
        x = x.astype(numpy.float64)
        x = x - x.max(axis=-1, keepdims=True)
        return x - numpy.log(numpy.exp(x).sum(axis=-1, keepdims=True))

    p, q = log_probabilities(exact), log_probabilities(logits)
    return float(numpy.mean(numpy.sum(numpy.exp(p) * (p - q), axis=-1)))
