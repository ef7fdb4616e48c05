#!/usr/bin/python3
"""Writes a checkpoint of train.py as a GGUF file: Q8_0 matrices, F32 norms.

    export_gguf.py --checkpoint story.pt --tokenizer tokenizer.json -o story.gguf
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import torch

import gguf
from network import Shape
from spm import BOS, EOS, UNK, Tokenizer, token_type

FILE_TYPE_Q8_0 = 7
BLOCK_TENSORS = ("attn_norm", "attn.q", "attn.k", "attn.v", "attn.output",
                 "ffn_norm", "ffn.gate", "ffn.up", "ffn.down")


def metadata_of(shape: Shape, tokenizer: Tokenizer, facts: dict) -> dict[str, Any]:
    """What llama.cpp needs to know, and what the training run measured."""
    values: dict[str, Any] = {
        "general.architecture": "llama",
        "general.name": "BareFlow story",
        "general.description": describe(facts),
        "general.file_type": FILE_TYPE_Q8_0,
        "general.quantization_version": 2,
        "general.alignment": gguf.ALIGNMENT,
        "llama.context_length": shape.context,
        "llama.embedding_length": shape.dim,
        "llama.block_count": shape.layers,
        "llama.feed_forward_length": shape.ffn,
        "llama.attention.head_count": shape.heads,
        "llama.attention.head_count_kv": shape.kv_heads,
        "llama.attention.layer_norm_rms_epsilon": shape.epsilon,
        "llama.rope.dimension_count": shape.head_dim,
        "llama.rope.freq_base": shape.rope_base,
        "llama.vocab_size": shape.vocab,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokenizer.pieces,
        "tokenizer.ggml.scores": [float(score) for score in tokenizer.scores],
        "tokenizer.ggml.token_type": [token_type(i) for i in range(shape.vocab)],
        "tokenizer.ggml.bos_token_id": BOS,
        "tokenizer.ggml.eos_token_id": EOS,
        "tokenizer.ggml.unknown_token_id": UNK,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_eos_token": False,
    }
    return values


def describe(facts: dict) -> str:
    """One line about the training run."""
    parts = [f"{key} {value}" for key, value in facts.items() if not isinstance(value, dict)]
    parts += [f"{key} perplexity {value['perplexity']}" for key, value in facts.items()
              if isinstance(value, dict)]
    return "Children's stories; " + ", ".join(parts)


def tensors_of(weights: dict[str, torch.Tensor], layers: int) -> dict[str, np.ndarray]:
    """Weights under their GGUF names. The output matrix is the embedding."""
    out = {"token_embd.weight": weights["embedding.weight"]}
    for i in range(layers):
        for name in BLOCK_TENSORS:
            target = name.replace("attn.", "attn_").replace("ffn.", "ffn_")
            out[f"blk.{i}.{target}.weight"] = weights[f"blocks.{i}.{name}.weight"]
    out["output_norm.weight"] = weights["norm.weight"]
    return {name: tensor.float().numpy() for name, tensor in out.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("-o", "--out", required=True)
    args = parser.parse_args()
    checkpoint = torch.load(args.checkpoint, map_location="cpu")
    shape = Shape(**checkpoint["shape"])
    metadata = metadata_of(shape, Tokenizer.load(args.tokenizer), checkpoint["facts"])
    size = gguf.write(args.out, metadata, tensors_of(checkpoint["weights"], shape.layers))
    print(f"{args.out}: {size} bytes")


if __name__ == "__main__":
    main()
