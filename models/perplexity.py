#!/usr/bin/python3
"""Measures the perplexity of a GGUF file on the first stories of a corpus.

    perplexity.py story.gguf held_out.jsonl --stories 100

What train.py reports is for the float32 weights; this is for the file as shipped.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math

from generate import Model, softmax
from spm import BOS, EOS


def story_loss(model: Model, text: str) -> tuple[float, int]:
    """The summed loss over a story's tokens, EOS included, and their number."""
    tokens = [*model.tokenizer.encode(text), EOS]
    model.reset()
    loss, previous = 0.0, BOS
    for token in tokens:
        loss -= math.log(float(softmax(model.forward(previous))[token]))
        previous = token
    return loss, len(tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("corpus")
    parser.add_argument("--stories", type=int, default=100)
    args = parser.parse_args()
    model = Model(args.model)
    with open(args.corpus, encoding="utf-8") as corpus:
        results = [story_loss(model, json.loads(line)) for line in itertools.islice(corpus, args.stories)]
    loss = sum(r[0] for r in results) / sum(r[1] for r in results)
    print(f"loss {loss:.4f}, perplexity {math.exp(loss):.4f} over {len(results)} stories")


if __name__ == "__main__":
    main()
