#!/usr/bin/python3
"""Generates text from a GGUF file with numpy alone: a reference to check files with.

    generate.py story.gguf --prompt "Once upon a time" --tokens 200 --temp 0
    generate.py story.gguf --temp 0.8 --top-p 0.9 --seed 7

Weights are dequantised and everything is computed in float32; nothing here is
fast. Reads Llama models of F32 and Q8_0 tensors.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import numpy as np

import gguf
from spm import BOS, EOS, Tokenizer


class Model:
    """A Llama with its cache of keys and values."""

    def __init__(self, path: str) -> None:
        values, self.tensors = gguf.read(path)
        self.tokenizer = Tokenizer(values["tokenizer.ggml.tokens"], values["tokenizer.ggml.scores"])
        self.context = values["llama.context_length"]
        self.layers = values["llama.block_count"]
        self.heads = values["llama.attention.head_count"]
        self.kv_heads = values["llama.attention.head_count_kv"]
        self.epsilon = values["llama.attention.layer_norm_rms_epsilon"]
        self.head_dim = values["llama.embedding_length"] // self.heads
        base = values.get("llama.rope.freq_base", 10000.0)
        self.frequencies = base ** (-np.arange(0, self.head_dim, 2) / self.head_dim)
        self.reset()

    def reset(self) -> None:
        """Forgets every token: the next one is at position 0."""
        self.keys: list[list[np.ndarray]] = [[] for _ in range(self.layers)]
        self.values: list[list[np.ndarray]] = [[] for _ in range(self.layers)]
        self.smallest_margin = float("inf")

    def weight(self, name: str) -> np.ndarray:
        return self.tensors[name + ".weight"]

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return x / np.sqrt(np.mean(x * x) + self.epsilon) * self.weight(name)

    def rotate(self, x: np.ndarray, position: int) -> np.ndarray:
        """RoPE on x (heads, head_dim): neighbours are the parts of a complex number."""
        turned = (x[:, 0::2] + 1j * x[:, 1::2]) * np.exp(1j * position * self.frequencies)
        return np.stack([turned.real, turned.imag], axis=-1).reshape(x.shape).astype(np.float32)

    def attention(self, x: np.ndarray, layer: int, position: int) -> np.ndarray:
        block = f"blk.{layer}.attn_"
        q = (self.weight(block + "q") @ x).reshape(self.heads, -1)
        k = (self.weight(block + "k") @ x).reshape(self.kv_heads, -1)
        v = (self.weight(block + "v") @ x).reshape(self.kv_heads, -1)
        self.keys[layer].append(self.rotate(k, position))
        self.values[layer].append(v)
        # (time, kv_heads, head_dim), each key head shared by a group of queries.
        group = self.heads // self.kv_heads
        keys = np.repeat(np.stack(self.keys[layer]), group, axis=1)
        values = np.repeat(np.stack(self.values[layer]), group, axis=1)
        scores = np.einsum("hd,thd->ht", self.rotate(q, position), keys) * self.head_dim**-0.5
        mixed = np.einsum("ht,thd->hd", softmax(scores), values)
        return self.weight(block + "output") @ mixed.reshape(-1)

    def feed_forward(self, x: np.ndarray, layer: int) -> np.ndarray:
        block = f"blk.{layer}.ffn_"
        gate = self.weight(block + "gate") @ x
        up = self.weight(block + "up") @ x
        return self.weight(block + "down") @ (gate / (1 + np.exp(-gate)) * up)

    def forward(self, token: int) -> np.ndarray:
        """Logits after one more token."""
        position = len(self.keys[0])
        x = self.weight("token_embd")[token]
        for layer in range(self.layers):
            x = x + self.attention(self.norm(x, f"blk.{layer}.attn_norm"), layer, position)
            x = x + self.feed_forward(self.norm(x, f"blk.{layer}.ffn_norm"), layer)
        output = "output" if "output.weight" in self.tensors else "token_embd"
        return self.weight(output) @ self.norm(x, "output_norm")


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def margin(logits: np.ndarray) -> float:
    """By how much the best token is ahead of the second: what rounding must not eat up."""
    second, best = np.partition(logits, -2)[-2:]
    return float(best - second)


def choose(logits: np.ndarray, temperature: float, top_p: float, rng: np.random.Generator) -> int:
    """The next token: the best one, or a draw from the most likely `top_p`."""
    if temperature == 0:
        return int(np.argmax(logits))
    p = softmax(logits / temperature)
    order = np.argsort(-p, kind="stable")
    kept = order[: int(np.searchsorted(np.cumsum(p[order]), top_p)) + 1]
    return int(rng.choice(kept, p=p[kept] / p[kept].sum()))


def generate(model: Model, prompt: str, tokens: int, temperature: float = 0.0,
             top_p: float = 1.0, seed: int = 0) -> Iterator[int]:
    """The tokens of the prompt, then up to `tokens` more, until EOS or context."""
    rng = np.random.default_rng(seed)
    model.reset()
    logits = model.forward(BOS)
    for token in model.tokenizer.encode(prompt):
        yield token
        logits = model.forward(token)
    for _ in range(tokens):
        model.smallest_margin = min(model.smallest_margin, margin(logits))
        token = choose(logits, temperature, top_p, rng)
        if token == EOS or len(model.keys[0]) == model.context:
            return
        yield token
        logits = model.forward(token)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--prompt", default="")
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--temp", type=float, default=0.0)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--margin", action="store_true", help="report the closest decision")
    args = parser.parse_args()
    model = Model(args.model)
    ids = generate(model, args.prompt, args.tokens, args.temp, args.top_p, args.seed)
    print(model.tokenizer.decode(list(ids)))
    if args.margin:
        print(f"smallest margin {model.smallest_margin:.3f}", file=sys.stderr)


if __name__ == "__main__":
    main()
