"""Byte-level tokenizers against an oracle: the regular expressions themselves, over Python's own
Unicode tables, and merging by trying everything. Vocabularies and texts are made up.

    byte_pairs_test.py BF_NATIVE BF_HOST PROGRAM.bfir UNICODE_RANGES.def
"""

import functools
import random
import re
import struct
import subprocess
import sys
import tempfile
import unicodedata
import unittest

BF_NATIVE = BF_HOST = PROGRAM = RANGES = ""


# ---- What a character is ------------------------------------------------------------------------

def version(text):
    return [int(part) for part in text.split(".")]


@functools.cache
def table_version():
    with open(RANGES) as file:
        return version(re.search(r"Unicode ([0-9.]+)", file.read()).group(1))


def agreed(code):
    """Whether this Python and our tables mean the same: a later Unicode only adds characters."""
    ours, theirs = table_version(), version(unicodedata.unidata_version)
    older = unicodedata if theirs <= ours else unicodedata.ucd_3_2_0
    return ours == theirs or older.category(chr(code)) != "Cn"


def known(code):
    return not 0xD800 <= code < 0xE000 and agreed(code)


def characters(category):
    """The inside of a bracket expression: all characters of a general category."""
    runs = []
    for code in range(0x110000):
        if unicodedata.category(chr(code))[0] != category:
            continue
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in runs)


L, N, P = characters("L"), characters("N"), characters("P")
S = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
GPT2 = (f"'s|'t|'re|'ve|'m|'ll|'d| ?[{L}]+| ?[{N}]+| ?[^{S}{L}{N}]+|[{S}]+(?![^{S}])|[{S}]+")


def tekken():
    upper = f"(?:(?=[{L}])[^a-z])"
    lower = f"(?:(?=[{L}])[^A-Z])"
    front = f"[^\\r\\n{L}{N}]?"
    return (f"{front}{upper}*{lower}+|{front}{upper}+{lower}*|[{N}]| ?[^{S}{L}{N}]+[\\r\\n/]*"
            f"|[{S}]*[\\r\\n]+|[{S}]+(?![^{S}])|[{S}]+")


def llama3(numbers):
    return (f"'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\\r\\n{L}{N}]?[{L}]+|{numbers}"
            f"| ?[^{S}{L}{N}]+[\\r\\n]*|[{S}]*[\\r\\n]+|[{S}]+(?![^{S}])|[{S}]+")


RULES = {
    "gpt-2": [GPT2],
    "default": [f"[{P}$+<=>^~|]+", GPT2, f"[{N}]+", "[0-9][0-9][0-9]"],
    "llama-bpe": [llama3(f"[{N}]{{1,3}}")],
    "qwen2": [llama3(f"[{N}]")],
    "smollm": [f"[{N}]", GPT2],
    "falcon": [f"[{P}$+<=>^~|`]+", GPT2, "[0-9][0-9][0-9]"],
    "tekken": [tekken()],
    "deepseek-coder": ["[\r\n]", f"[{S}]?[{L}]+", f"[{S}]?[{P}]+",
                       # llama.cpp has made one character of all white space here.
                       f"(?:(?![{S}])[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff])+", f"[{N}]"],
}
RULES = {name: [re.compile(stage) for stage in stages] for name, stages in RULES.items()}


def split(text, stages):
    """The words: each stage divides what the one before has left into matches and gaps."""
    parts = [text]
    for stage in stages:
        divided = []
        for part in parts:
            at = 0
            for match in stage.finditer(part):
                divided += [part[at:match.start()], match.group()]
                at = match.end()
            divided.append(part[at:])
        parts = [part for part in divided if part]
    return parts


# ---- The oracle ---------------------------------------------------------------------------------

VISIBLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
LETTERS = {byte: chr(byte) for byte in VISIBLE}
LETTERS.update({byte: chr(0x100 + i)
                for i, byte in enumerate(b for b in range(256) if b not in VISIBLE)})


def decode(data):
    """UTF-8 as llama.cpp reads it: what is too long passes, other broken bytes are U+FFFD."""
    text, at = [], 0
    while at < len(data):
        lead = data[at]
        size = 1 if lead < 0x80 else 2 if 0xC0 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else \
            4 if 0xF0 <= lead < 0xF8 else 0
        more = data[at + 1:at + size] if size else b""
        code = lead & ((0x7F, 0x1F, 0x0F, 0x07)[size - 1] if size else 0)
        for byte in more:
            code = code << 6 | byte & 0x3F
        good = size and len(more) == size - 1 and all(b & 0xC0 == 0x80 for b in more)
        good = good and code <= 0x10FFFF
        text.append(chr(code) if good else "\ufffd")
        at += size if good else 1
    return "".join(text)


class Vocabulary:
    def __init__(self, pieces, merges, special, whole_words):
        self.ids = {piece: i for i, piece in enumerate(pieces)}
        self.ranks = {}
        for rank, merge in enumerate(merges):
            self.ranks.setdefault(merge, rank)
        self.special, self.whole_words = special, whole_words

    def word(self, word):
        symbols = [LETTERS[byte] for byte in word.encode("utf-8", "surrogatepass")]
        if self.whole_words and "".join(symbols) in self.ids:
            symbols = ["".join(symbols)]
        while True:
            best = min(((self.ranks.get(pair, 1 << 30), i)
                        for i, pair in enumerate(zip(symbols, symbols[1:]))), default=(1 << 30, 0))
            if best[0] == 1 << 30:
                break
            at = best[1]
            symbols[at:at + 2] = [symbols[at] + symbols[at + 1]]
        # Of what is no piece, llama.cpp looks up the bytes: those are pieces where they are ASCII.
        found = [[symbol] if symbol in self.ids else list(symbol) for symbol in symbols]
        return [self.ids[piece] for pieces in found for piece in pieces
                if piece in self.ids and (len(piece) > 1 or pieces == [piece] or piece < "\x80")]

    def encode(self, data, stages):
        fragments = [data]
        for name in sorted(self.special, key=lambda name: (-len(name), self.ids[name])):
            after = []
            for fragment in fragments:
                if isinstance(fragment, int):
                    after.append(fragment)
                    continue
                pieces = fragment.split(name.encode())
                for i, piece in enumerate(pieces):
                    after += ([self.ids[name]] if i else []) + ([piece] if piece else [])
            fragments = after
        ids = []
        for fragment in fragments:
            if isinstance(fragment, int):
                ids.append(fragment)
            else:
                for word in split(decode(fragment), stages):
                    ids += self.word(word)
        return ids


# ---- Files and texts ----------------------------------------------------------------------------

def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def gguf(pre, pieces, types, merges):
    def array(kind, values):
        return struct.pack("<IIQ", 9, kind, len(values)) + b"".join(values)
    entries = {"tokenizer.ggml.model": struct.pack("<I", 8) + string("gpt2"),
               "tokenizer.ggml.tokens": array(8, [string(piece) for piece in pieces]),
               "tokenizer.ggml.token_type": array(5, [struct.pack("<i", kind) for kind in types]),
               "tokenizer.ggml.merges": array(8, [string(" ".join(merge)) for merge in merges]),
               "tokenizer.ggml.pre": struct.pack("<I", 8) + string(pre)}
    body = b"".join(string(key) + value for key, value in entries.items())
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)) + body


SAMPLES = ["Hello", "world", "don't", "I'LL", "we'Ve", "'re", "'RE", "'d", "'x", "''", " ", "  ", "   ",
           "\t", "\n", "\r\n", "\n\n ", " \n", "1", "12", "123", "1234567", "½", "٣٤٥", "Ⅷ", "...", "!?",
           "$+<=>^~|`", "``", "//", "/\n/", "iPhone", "HTMLParser", "ÀBCd", "ΑΒγ", "ABÀCD", "ЯB", "(", " (", "—", "«", "ñandú", "e\u0301", "Привет", "你好", "日本語", "नमस्ते", "สวัสดี",
           "한국어", "ﬃ", "🦙", "😶\u200d🌫️", "\u00a0", "\u3000", "\u2028", "\x85", "\x00", "\x1c", "\x7f",
           "\ufeff", "\u200b", "_", "a_b", "x=1;", "<|eot|>", "<|eot", "<x>", "<x><xy>", "<xy"]


def random_text(chance, size):
    parts = []
    while len(parts) < size:
        draw = chance.random()
        if draw < 0.7:
            parts.append(chance.choice(SAMPLES))
        elif draw < 0.8:
            parts.append(chr(chance.randrange(128)))
        else:
            code = chance.randrange(0x3000) if draw < 0.93 else chance.randrange(0x110000)
            parts.append(chr(code) if known(code) else "?")
    return "".join(parts)


def broken(chance, data):
    data = bytearray(data)
    for _ in range(len(data) // 12):
        at = chance.randrange(len(data))
        if chance.random() < 0.5:
            del data[at]
        else:
            data.insert(at, chance.choice((0x80, 0xBF, 0xC0, 0xC3, 0xE2, 0xED, 0xF0, 0xF4, 0xF8, 0xFF)))
    # Surrogates and what lies behind Unicode's end: two readings of the same rules.
    return bytes(data) + b"\xc0\x80 \xed\xa0\x80x \xf4\x90\x80\x80 \xe2\x82"


def learn(text, count):
    """Merges that pay no heed to words, so that ids show where words end."""
    symbols = [LETTERS[byte] for byte in text.encode()]
    merges = []
    for _ in range(count):
        pairs = {}
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] = pairs.get(pair, 0) + 1
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        merged, at = [], 0
        while at < len(symbols):
            both = tuple(symbols[at:at + 2]) == best
            merged.append("".join(symbols[at:at + 2]) if both else symbols[at])
            at += 2 if both else 1
        symbols = merged
    return merges


class BytePairs(unittest.TestCase):
    def ids(self, model, text, host):
        with tempfile.NamedTemporaryFile() as vocabulary, tempfile.NamedTemporaryFile() as document:
            for file, data in ((vocabulary, model), (document, text)):
                file.write(data)
                file.flush()
            engine = [BF_HOST, "--blob", f"program={PROGRAM}"] if host else [BF_NATIVE]
            result = subprocess.run([*engine, "--blob", f"model={vocabulary.name}", "--blob",
                                     f"tokenize={document.name}"], capture_output=True, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        return [int(word) for word in result.stdout.split()]

    def vocabulary(self, chance, pre):
        merges = learn(random_text(chance, 1500), 300)
        # Two are swapped, one is there twice, and one makes no piece.
        merges[5], merges[200] = merges[200], merges[5]
        merges.insert(250, merges[0])
        pieces = list(LETTERS.values())
        pieces += dict.fromkeys("".join(merge) for merge in merges[:280])
        words = ("Hello", " world", "日本語", "1234567")
        pieces += [word for word in ("".join(LETTERS[b] for b in w.encode()) for w in words)
                   if word not in pieces]
        pieces.remove(LETTERS[ord("`")])
        chance.shuffle(pieces)
        special = ["<x>", "<|eot|>", "<xy>"]
        types = [1] * len(pieces) + [4, 3, 4]
        pieces += special
        return (gguf(pre, pieces, types, merges),
                Vocabulary(pieces, merges, special, pre in ("llama-bpe", "tekken")))

    def test_generated_texts(self):
        for number, (pre, stages) in enumerate(RULES.items()):
            chance = random.Random(number)
            model, oracle = self.vocabulary(chance, pre)
            for round_number in range(8):
                text = random_text(chance, 1200).encode()
                if round_number % 2:
                    whole = text
                    text = broken(chance, whole)
                    while not all(agreed(ord(c)) for c in decode(text)):
                        text = broken(chance, whole)
                expected = oracle.encode(text, stages)
                for host in (False, True)[:1 + (round_number < 2)]:
                    with self.subTest(pre=pre, round=round_number, host=host):
                        self.assertEqual(self.ids(model, text, host), expected)

    def test_rules_differ(self):
        text = random_text(random.Random(9), 300)
        words = {tuple(split(text, stages)) for stages in RULES.values()}
        self.assertEqual(len(words), len(RULES))

    def test_every_character(self):
        """Each character between letters, digits and spaces, so that its class shows."""
        codes = [code for code in (*range(0x3400), *range(0xA000, 0xAC10), *range(0xF900, 0x11000),
                                   *range(0x1D000, 0x1FB00)) if known(code)]
        text = "".join(f"a{chr(code)} {chr(code)}1" for code in codes).encode()
        merges = [(LETTERS[0x20], LETTERS[byte]) for byte in range(0x80, 0x100)]
        merges += [(LETTERS[0x61], LETTERS[byte]) for byte in range(256) if byte != 0x61]
        merges += [(LETTERS[byte], LETTERS[0x31]) for byte in range(256)]
        merges += [(LETTERS[0x20], LETTERS[byte]) for byte in range(0x80)]
        pieces = list(LETTERS.values()) + [left + right for left, right in merges]
        for pre in ("gpt-2", "llama-bpe", "default"):
            with self.subTest(pre):
                oracle = Vocabulary(pieces, merges, [], False)
                model = gguf(pre, pieces, [1] * len(pieces), merges)
                self.assertEqual(self.ids(model, text, False), oracle.encode(text, RULES[pre]))

    def test_long_words_take_time_in_proportion(self):
        letter = "a"
        merges = [(letter * (1 << i), letter * (1 << i)) for i in range(10)]
        pieces = [*LETTERS.values(), *("".join(merge) for merge in merges)]
        model = gguf("llama-bpe", pieces, [1] * len(pieces), merges)
        self.assertEqual(self.ids(model, b"a" * (1 << 20), False), [len(pieces) - 1] * 1024)

    def test_an_unknown_pre_tokenizer_is_refused(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(gguf("viking", ["a"], [1], []))
            file.flush()
            result = subprocess.run([BF_NATIVE, "--blob", f"model={file.name}", "--text", "tokenize=a"],
                                    capture_output=True, timeout=60)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"'viking' is not supported", result.stderr)
        self.assertIn(b"llama-bpe", result.stderr)


if __name__ == "__main__":
    BF_NATIVE, BF_HOST, PROGRAM, RANGES = sys.argv[1:5]
    unittest.main(argv=sys.argv[:1], verbosity=2)
