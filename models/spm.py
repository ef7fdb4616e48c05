"""The tokenizer of the default model: llama.cpp's `llama` (SentencePiece BPE) algorithm.

    tokenizer = Tokenizer.load("tokenizer.json")
    ids = tokenizer.encode("Once upon a time")      # no BOS: add BOS yourself
    text = tokenizer.decode(ids)

A vocabulary is a list of pieces with a score each. The order is fixed:
<unk> <s> </s>, the 256 byte pieces <0x00>..<0xFF>, merged pieces from the most
to the least useful, and last the single characters.
"""

from __future__ import annotations

import json
from pathlib import Path

UNK, BOS, EOS = 0, 1, 2
FIRST_BYTE = 3
FIRST_NORMAL = FIRST_BYTE + 256
SPACE = "\u2581"

# The token types that GGUF knows (tokenizer.ggml.token_type).
TYPE_NORMAL, TYPE_UNKNOWN, TYPE_CONTROL, TYPE_BYTE = 1, 2, 3, 6


def special_pieces() -> list[str]:
    """The 259 pieces that every vocabulary starts with."""
    return ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]


def token_type(token: int) -> int:
    """The GGUF token type of a token, which its place in the list decides."""
    if token == UNK:
        return TYPE_UNKNOWN
    if token in (BOS, EOS):
        return TYPE_CONTROL
    return TYPE_BYTE if token < FIRST_NORMAL else TYPE_NORMAL


class Tokenizer:
    """Encodes and decodes with a fixed vocabulary."""

    def __init__(self, pieces: list[str], scores: list[float]) -> None:
        self.pieces = pieces
        self.scores = scores
        self._id_of = {piece: i for i, piece in enumerate(pieces) if i >= FIRST_NORMAL}
        self._cache: dict[str, list[int]] = {}

    @classmethod
    def load(cls, path: str | Path) -> Tokenizer:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        return cls(data["pieces"], data["scores"])

    def save(self, path: str | Path) -> None:
        data = {"pieces": self.pieces, "scores": self.scores}
        Path(path).write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, with the space prefix, without BOS."""
        if not text:
            return []
        marked = SPACE + text.replace(" ", SPACE)
        # No piece holds a space mark after its first character, so no merge
        # crosses one: encoding word by word gives what encoding the whole does.
        ids: list[int] = []
        for word in marked[1:].split(SPACE):
            ids += self._encode_word(SPACE + word)
        return ids

    def _encode_word(self, word: str) -> list[int]:
        cached = self._cache.get(word)
        if cached is None:
            cached = self._cache[word] = self._merge(list(word))
        return cached

    def _merge(self, symbols: list[str]) -> list[int]:
        """Merge the adjacent pair of best score, leftmost first, until none is left."""
        while True:
            best, best_score = -1, float("-inf")
            for i in range(len(symbols) - 1):
                token = self._id_of.get(symbols[i] + symbols[i + 1])
                if token is not None and self.scores[token] > best_score:
                    best, best_score = i, self.scores[token]
            if best < 0:
                return [token for symbol in symbols for token in self._ids_of(symbol)]
            symbols[best : best + 2] = [symbols[best] + symbols[best + 1]]

    def _ids_of(self, symbol: str) -> list[int]:
        token = self._id_of.get(symbol)
        if token is not None:
            return [token]
        return [FIRST_BYTE + byte for byte in symbol.encode("utf-8")]

    def decode(self, ids: list[int]) -> str:
        """The text of `ids`; the space that encoding put first is dropped."""
        out = bytearray()
        for token in ids:
            kind = token_type(token)
            if kind == TYPE_BYTE:
                out.append(token - FIRST_BYTE)
            elif kind == TYPE_NORMAL:
                out += self.pieces[token].replace(SPACE, " ").encode("utf-8")
        text = out.decode("utf-8", errors="replace")
        return text[1:] if text.startswith(" ") else text
