#!/usr/bin/python3
"""Trains the vocabulary of the default model on a corpus, by byte-pair merges.

    make_tokenizer.py CORPUS.jsonl -o tokenizer.json --size 1280

Counts word types first and merges on those, so the time depends on how many
different words there are, not on how long the corpus is.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter

from spm import FIRST_NORMAL, SPACE, Tokenizer, special_pieces

# A merge stays inside a run of letters or a run of punctuation (with the space
# before it), as SentencePiece does by splitting where the script changes.
CHUNK = re.compile(rf"{SPACE}?'?[A-Za-z]+|{SPACE}?[^A-Za-z\s{SPACE}]+|{SPACE}")

Pair = tuple[str, str]


def count_chunks(path: str, limit: int) -> Counter[str]:
    """How often each chunk occurs in the first `limit` stories."""
    counts: Counter[str] = Counter()
    with open(path, encoding="utf-8") as corpus:
        for number, line in enumerate(corpus):
            if number == limit:
                break
            text = SPACE + json.loads(line).replace(" ", SPACE)
            counts.update(CHUNK.findall(text))
    return counts


def count_pairs(words: list[list[str]], weights: list[int]) -> Counter[Pair]:
    """How often each pair of neighbours occurs over all word types."""
    pairs: Counter[Pair] = Counter()
    for symbols, weight in zip(words, weights):
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] += weight
    return pairs


def apply_merge(symbols: list[str], pair: Pair) -> list[str]:
    """`symbols` with every occurrence of `pair` joined, from the left."""
    out: list[str] = []
    i = 0
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) == pair:
            out.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return out


def train_merges(counts: Counter[str], number: int) -> list[str]:
    """The pieces made by the `number` most frequent merges, in order."""
    words = [list(word) for word in counts]
    weights = list(counts.values())
    pieces: dict[str, None] = {}
    while len(pieces) < number:
        pairs = count_pairs(words, weights)
        if not pairs:
            raise SystemExit(f"the corpus has only {len(pieces)} merges: ask for a smaller size")
        # Ties go by spelling, so that the result does not depend on order.
        pair = min(pairs, key=lambda p: (-pairs[p], p))
        pieces[pair[0] + pair[1]] = None
        words = [apply_merge(s, pair) if pair[0] in s else s for s in words]
    return list(pieces)


def build(counts: Counter[str], size: int) -> Tokenizer:
    """A vocabulary of exactly `size` pieces."""
    characters = [SPACE] + [chr(code) for code in range(0x21, 0x7F)]
    merges = train_merges(counts, size - FIRST_NORMAL - len(characters))
    special = special_pieces()
    normal = merges + characters
    scores = [0.0] * len(special) + [-float(i) for i in range(len(normal))]
    return Tokenizer(special + normal, scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus")
    parser.add_argument("-o", "--out", required=True)
    parser.add_argument("--size", type=int, default=1280)
    parser.add_argument("--stories", type=int, default=20000, help="stories to count words in")
    args = parser.parse_args()
    tokenizer = build(count_chunks(args.corpus, args.stories), args.size)
    tokenizer.save(args.out)
    print(f"{args.out}: {len(tokenizer.pieces)} pieces")


if __name__ == "__main__":
    main()
