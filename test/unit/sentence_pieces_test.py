"""SentencePiece vocabularies against an oracle that merges by trying everything, on texts in many
scripts, emoji, control characters and broken UTF-8.

    sentence_pieces_test.py BF_NATIVE BF_HOST PROGRAM.bfir

A vocabulary is made up; the real one of Llama 2 is tried where the shared models are.
"""

import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unittest

BF_NATIVE = BF_HOST = PROGRAM = ""
SPACE = "\u2581".encode()
CONTROL, USER_DEFINED, BYTE, NORMAL = 3, 4, 6, 1
STRING, ARRAY = 8, 9
SIZES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

SCRIPTS = ["The quick brown fox", "l'été où naïve", "Größe, Straße", "Привет, мир", "Γειά σου Κόσμε",
           "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "你好，世界", "こんにちは世界",
           "안녕하세요", "ქართული", "Հայերեն", "አማርኛ", "🦙🎉👩‍👩‍👧‍👦🇩🇪", "e\u0301 n\u0303", "½ Ⅷ ٣٤", "\u00a0\u3000\u2028\u200b",
           "\t\n\r\x00\x01\x7f", "  two   three    ", "x=1; // y", "<s></s><unk>", "<0x41>", "\u2581a\u2581"]


def read_vocabulary(path):
    """Pieces, scores and types of a GGUF file."""
    data, at = path.read_bytes(), 24
    (entries,) = struct.unpack_from("<Q", data, 16)

    def number(kind):
        nonlocal at
        (value,) = struct.unpack_from("<" + kind, data, at)
        at += struct.calcsize("<" + kind)
        return value

    def value(kind):
        nonlocal at
        if kind == STRING:
            size = number("Q")
            at += size
            return data[at - size:at]
        if kind == ARRAY:
            inner, count = number("I"), number("Q")
            return [value(inner) for _ in range(count)]
        return number(SIZES[kind])

    found = {}
    for _ in range(entries):
        key = value(STRING)
        found[key] = value(number("I"))
    return [found[b"tokenizer.ggml." + key] for key in (b"tokens", b"scores", b"token_type")]


def string(data):
    return struct.pack("<Q", len(data)) + data


def write_vocabulary(pieces, scores, types):
    entries = {"tokenizer.ggml.model": struct.pack("<I", STRING) + string(b"llama"),
               "tokenizer.ggml.tokens": struct.pack("<IIQ", ARRAY, STRING, len(pieces))
               + b"".join(map(string, pieces)),
               "tokenizer.ggml.scores": struct.pack(f"<IIQ{len(scores)}f", ARRAY, 6, len(scores), *scores),
               "tokenizer.ggml.token_type":
                   struct.pack(f"<IIQ{len(types)}i", ARRAY, 5, len(types), *types)}
    body = b"".join(string(key.encode()) + data for key, data in entries.items())
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)) + body


def made_up(chance):
    """A vocabulary of substrings of the scripts, with scores in no order."""
    pieces = [b"<unk>", b"<s>", b"</s>"] + [b"<0x%02X>" % byte for byte in range(256)]
    types = [2, CONTROL, CONTROL] + [BYTE] * 256
    escaped = ["".join("\u2581" if c == " " else c for c in " " + text) for text in SCRIPTS]
    words = {text[at:at + size].encode() for text in escaped for at in range(len(text))
             for size in (1, 2, 3, 4, 6) if chance.random() < (0.8 if size == 1 else 0.4)}
    words = sorted(word for word in words if b"\x00" not in word and word not in pieces)
    chance.shuffle(words)
    scores = [0.0] * 259 + [-float(chance.randrange(len(words))) for _ in words]
    return pieces + words, scores, types + [NORMAL] * len(words)


class Oracle:
    def __init__(self, pieces, scores, types):
        self.ids = {piece: i for i, piece in enumerate(pieces)}
        self.scores = scores
        self.user = sorted((i for i, kind in enumerate(types) if kind == USER_DEFINED),
                           key=lambda i: (-len(pieces[i]), i))
        self.pieces = pieces

    @staticmethod
    def characters(data):
        at, parts = 0, []
        while at < len(data):
            size = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4)[data[at] >> 4]
            parts.append(data[at:at + size])
            at += size
        return parts

    def sentence(self, data):
        symbols = self.characters(SPACE + data.replace(b" ", SPACE))
        while True:
            best = max(((self.scores[self.ids[left + right]], -at)
                        for at, (left, right) in enumerate(zip(symbols, symbols[1:]))
                        if left + right in self.ids), default=None)
            if best is None:
                break
            at = -best[1]
            symbols[at:at + 2] = [symbols[at] + symbols[at + 1]]
        ids = []
        for symbol in symbols:
            ids += [self.ids[symbol]] if symbol in self.ids else \
                [self.ids[b"<0x%02X>" % byte] for byte in symbol]
        return ids

    def encode(self, data):
        fragments = [data]
        for token in self.user:
            after = []
            for fragment in fragments:
                parts = [fragment] if isinstance(fragment, int) else fragment.split(self.pieces[token])
                for i, part in enumerate(parts):
                    after += ([token] if i else []) + ([part] if part else [])
            fragments = after
        ids = []
        for fragment in fragments:
            ids += [fragment] if isinstance(fragment, int) else self.sentence(fragment)
        return ids


class SentencePieces(unittest.TestCase):
    def ids(self, model, text, host):
        with tempfile.NamedTemporaryFile() as document:
            document.write(text)
            document.flush()
            engine = [BF_HOST, "--blob", f"program={PROGRAM}"] if host else [BF_NATIVE]
            result = subprocess.run([*engine, "--blob", f"model={model}", "--option", "special=0",
                                     "--blob", f"tokenize={document.name}"],
                                    capture_output=True, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        return [int(word) for word in result.stdout.split()]

    @staticmethod
    def text(chance, size):
        parts = []
        for _ in range(size):
            draw = chance.random()
            if draw < 0.75:
                script = chance.choice(SCRIPTS)
                first = chance.randrange(len(script))
                parts.append(script[first:first + chance.randrange(1, 12)].encode())
            elif draw < 0.9:
                code = chance.choice((0x80, 0x800, 0x3000, 0x20000)) + chance.randrange(0x400)
                parts.append(chr(code).encode())
            else:
                parts.append(bytes(chance.randrange(256) for _ in range(chance.randrange(1, 4))))
            if chance.random() < 0.3:
                parts.append(b" " * chance.randrange(1, 5))
        return b"".join(parts)

    def check(self, path, vocabulary, seed, rounds):
        oracle, chance = Oracle(*vocabulary), random.Random(seed)
        for number in range(rounds):
            text = self.text(chance, 60)
            expected = oracle.encode(text)
            for host in (False, True)[:1 + (number < 2)]:
                with self.subTest(seed=seed, round=number, host=host):
                    self.assertEqual(self.ids(path, text, host), expected, text)

    def test_made_up_vocabularies(self):
        for seed in range(4):
            vocabulary = made_up(random.Random(seed))
            if seed % 2:
                for piece in (b"<think>", b"<thinking>", b"//"):
                    vocabulary[0].append(piece)
                    vocabulary[1].append(0.0)
                    vocabulary[2].append(USER_DEFINED)
            with tempfile.NamedTemporaryFile() as file:
                file.write(write_vocabulary(*vocabulary))
                file.flush()
                self.check(file.name, vocabulary, seed, 15)

    def test_a_real_vocabulary(self):
        path = pathlib.Path(os.environ.get("BAREFLOW_SHARED_MODELS", "")) / "ggml-vocab-llama-spm.gguf"
        if not path.is_file():
            self.skipTest("no shared models here")
        self.check(path, read_vocabulary(path), 7, 25)


if __name__ == "__main__":
    BF_NATIVE, BF_HOST, PROGRAM = sys.argv[1:4]
    unittest.main(argv=sys.argv[:1], verbosity=2)
