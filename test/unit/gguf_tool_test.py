"""bf-gguf from outside: files in, files out, and one line for whatever is wrong.

    gguf_tool_test.py BF_GGUF STORY.gguf
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL, STORY = sys.argv[1:3]
SHARED = os.environ.get("BAREFLOW_SHARED_MODELS")

FORMATS = ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K_S", "Q3_K_M",
           "Q3_K_L", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K", "IQ4_NL", "IQ4_XS")


def run(*words):
    return subprocess.run([TOOL, *map(str, words)], capture_output=True, timeout=60)


def checkpoint(dim=8, hidden=12, layers=2, heads=2, kv_heads=1, vocabulary=300, context=4,
               shared=True):
    """A checkpoint of llama2.c, whose weights count up."""
    kv_dim = dim // heads * kv_heads
    norms, queries, keys = layers * dim, layers * dim * dim, layers * dim * kv_dim
    floats = (vocabulary * dim * (1 if shared else 2) + 2 * norms + 2 * queries + 2 * keys
              + 3 * layers * dim * hidden + dim + context * (dim // heads))
    sizes = (dim, hidden, layers, heads, kv_heads, vocabulary if shared else -vocabulary, context)
    return struct.pack("<7i", *sizes) + struct.pack(f"<{floats}f", *range(floats))


def vocabulary(count=300):
    pieces = [b"<unk>", b"\n<s>\n", b"\n</s>\n"] + [b"<0x%02X>" % byte for byte in range(256)]
    pieces += [b" a%d" % i for i in range(count - len(pieces))]
    body = b"".join(struct.pack("<fi", -float(i), len(piece)) + piece
                    for i, piece in enumerate(pieces))
    return struct.pack("<i", 7) + body


class ToolTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name, content):
        (self.folder / name).write_bytes(content)
        return self.folder / name

    def good(self, *words):
        process = run(*words)
        self.assertEqual(process.returncode, 0, process.stderr)
        return process.stdout.decode()

    def bad(self, what, *words, status=1):
        process = run(*words)
        self.assertEqual(process.returncode, status, process.stderr)
        text = process.stderr.decode()
        self.assertRegex(text, r"\Aerror: [^\n]*\n\Z")
        self.assertIn(what, text)
        self.assertEqual(process.stdout, b"")

    def inspected(self, file):
        return json.loads(self.good("inspect", file, "--json"))


class Help(ToolTest):
    def test_help_fits_80_columns(self):
        for words in (["--help"], ["random", "--help"], ["inspect", "--help"], ["convert", "--help"]):
            text = self.good(*words)
            self.assertIn("usage: bf-gguf", text)
            self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_wrong_use(self):
        self.bad("no such command", "frobnicate", status=2)
        self.bad("no such option", "inspect", "--jsn", STORY, status=2)
        self.bad("--seed needs a N", "random", "x.gguf", "--seed", status=2)
        self.bad("give IN OUT.gguf", "convert", STORY, status=2)
        self.assertEqual(run().returncode, 2)


class Inspect(ToolTest):
    def test_text_fits_80_columns(self):
        text = self.good("inspect", STORY, "--tensors")
        self.assertLessEqual(max(map(len, text.splitlines()[1:])), 80)
        self.assertIn("blk.0.attn_q.weight", text)
        self.assertIn("general.architecture", text)
        self.assertNotIn("blk.0.attn_q.weight", self.good("inspect", STORY))

    def test_json_has_everything(self):
        found = self.inspected(STORY)
        self.assertEqual(found["bytes"], os.path.getsize(STORY))
        pieces = found["metadata"]["tokenizer.ggml.tokens"]
        self.assertEqual(len(pieces), len(found["metadata"]["tokenizer.ggml.scores"]))
        tensors = {tensor["name"]: tensor for tensor in found["tensors"]}
        self.assertEqual(tensors["token_embd.weight"]["shape"][1], len(pieces))
        total = found["totals"][-1]
        self.assertEqual(total["weights"], sum(tensor["weights"] for tensor in tensors.values()))
        self.assertEqual(total["bytes"], sum(tensor["bytes"] for tensor in tensors.values()))

    def test_damaged_files(self):
        story = Path(STORY).read_bytes()
        self.bad("cannot read", "inspect", self.folder / "absent.gguf")
        self.bad("cannot read", "inspect", self.folder)
        self.bad("is empty", "inspect", self.write("empty", b""))
        self.bad("not a GGUF file", "inspect", self.write("text", b"Once upon a time there was"))
        self.bad("damaged or cut short", "inspect", self.write("cut", story[:5000]))

    def test_texts_that_are_no_utf8(self):
        name = b"general.name"
        value = b'"\\\x01\xff\xe2\x96\x81\xed\xa0\x80'
        file = struct.pack("<IIQQ", 0x46554747, 3, 0, 1)
        file += struct.pack("<Q", len(name)) + name + struct.pack("<IQ", 8, len(value)) + value
        found = self.inspected(self.write("bytes.gguf", file))
        self.assertEqual(found["metadata"]["general.name"],
                         '"\\\x01\ufffd\u2581\ufffd\ufffd\ufffd')


class Random(ToolTest):
    def make(self, *words):
        file = self.folder / "random.gguf"
        self.good("random", file, "--vocabulary", STORY, *words)
        return file

    def test_shape_vocabulary_and_formats(self):
        file = self.make("--layers", 3, "--dim", 128, "--hidden", 352, "--heads", 4, "--kv-heads", 2,
                         "--context", 99, "--format", "q8_0")
        found, story = self.inspected(file), self.inspected(STORY)
        metadata = found["metadata"]
        self.assertEqual(metadata["llama.block_count"], 3)
        self.assertEqual(metadata["llama.context_length"], 99)
        for key, value in story["metadata"].items():
            if key.startswith("tokenizer."):
                self.assertEqual(metadata[key], value, key)
        shapes = {tensor["name"]: tensor["shape"] for tensor in found["tensors"]}
        self.assertEqual(shapes["blk.2.ffn_down.weight"], [352, 128])
        self.assertEqual(shapes["blk.0.attn_k.weight"], [128, 64])
        self.assertEqual(shapes["output.weight"], shapes["token_embd.weight"])
        self.assertEqual({tensor["format"] for tensor in found["tensors"]}, {"Q8_0", "F32"})
        self.assertEqual(os.path.getsize(file), found["bytes"])

    def test_the_same_seed_gives_the_same_file(self):
        first = self.make("--seed", 5, "--threads", 1).read_bytes()
        self.assertEqual(first, self.make("--seed", 5, "--threads", 3).read_bytes())
        self.assertNotEqual(first, self.make("--seed", 6).read_bytes())

    def test_tied_embeddings(self):
        tensors = {tensor["name"]: tensor["format"] for tensor in self.inspected(
            self.make("--tied", "--format", "Q4_0", "--layers", 1))["tensors"]}
        self.assertNotIn("output.weight", tensors)
        self.assertEqual(tensors["token_embd.weight"], "Q6_K")

    def test_wrong_shapes(self):
        file = self.folder / "x.gguf"
        vocabulary = ("--vocabulary", STORY)
        self.bad("even multiple of --heads", "random", file, *vocabulary, "--dim", 100)
        self.bad("multiple of --kv-heads", "random", file, *vocabulary, "--kv-heads", 3)
        self.bad("no such shape", "random", file, *vocabulary, "--like", "gpt")
        self.bad("no such format", "random", file, *vocabulary, "--format", "Q9")
        self.bad("whole number", "random", file, *vocabulary, "--layers", "0")
        self.bad("--vocabulary", "random", file)
        self.bad("cannot write", "random", self.folder / "no" / "x.gguf", *vocabulary)
        self.assertEqual(list(self.folder.iterdir()), [])


class Convert(ToolTest):
    def test_to_every_format_and_back(self):
        original = self.folder / "f32.gguf"
        self.good("random", original, "--vocabulary", STORY, "--format", "F32")
        for name in FORMATS:
            with self.subTest(name):
                there, back = self.folder / f"{name}.gguf", self.folder / "back.gguf"
                self.good("convert", original, there, "--format", name)
                self.assertEqual(self.inspected(there)["bytes"], os.path.getsize(there))
                self.good("convert", there, back, "--format", "F32")
                self.assertEqual(os.path.getsize(back), os.path.getsize(original))
                # What is in the format already stays as it is.
                again = self.folder / "again.gguf"
                self.good("convert", there, again, "--format", name)
                self.assertEqual(there.read_bytes(), again.read_bytes())

    def test_of_random_weights_is_what_random_makes(self):
        exact, there, made = (self.folder / name for name in ("f32.gguf", "a.gguf", "b.gguf"))
        self.good("random", exact, "--vocabulary", STORY, "--format", "F32")
        self.good("convert", exact, there, "--format", "Q4_K_M")
        self.good("random", made, "--vocabulary", STORY, "--format", "Q4_K_M")
        tensors = [self.inspected(file)["tensors"] for file in (there, made)]
        self.assertEqual(tensors[0], tensors[1])
        size = sum(-(-tensor["bytes"] // 32) * 32 for tensor in tensors[0])
        self.assertEqual(there.read_bytes()[-size:], made.read_bytes()[-size:])

    def test_onto_itself(self):
        file = self.write("story.gguf", Path(STORY).read_bytes())
        self.good("convert", file, file, "--format", "F16")
        formats = {tensor["format"] for tensor in self.inspected(file)["tensors"]}
        self.assertEqual(formats, {"F16", "F32"})

    def test_columns_that_do_not_fit_are_named(self):
        process = run("convert", STORY, self.folder / "k.gguf", "--format", "Q4_K_S")
        self.assertEqual(process.returncode, 0)
        self.assertIn(b"columns, no multiple of 256: Q5_0 instead of Q4_K", process.stderr)

    def test_values_that_cannot_be_held(self):
        file = self.folder / "f32.gguf"
        self.good("random", file, "--vocabulary", STORY, "--format", "F32")
        broken = file.read_bytes()[:-4] + struct.pack("<f", float("nan"))
        self.bad("Q8_0 cannot hold", "convert", self.write("nan.gguf", broken),
                 self.folder / "out.gguf", "--format", "Q8_0", "--pure")
        self.assertFalse((self.folder / "out.gguf").exists())
        self.assertFalse((self.folder / "out.gguf.part").exists())

    def test_cut_files(self):
        story = Path(STORY).read_bytes()
        self.bad("damaged or cut short", "convert", self.write("cut.gguf", story[:-100]),
                 self.folder / "out.gguf", "--format", "F32")
        self.bad("--format", "convert", STORY, self.folder / "out.gguf")


class Checkpoints(ToolTest):
    def convert(self, model, pieces):
        out = self.folder / "out.gguf"
        self.good("convert", self.write("model.bin", model), out, "--vocabulary",
                  self.write("tok.bin", pieces))
        return self.inspected(out), out.read_bytes()

    def test_weights_are_where_they_belong(self):
        found, content = self.convert(checkpoint(shared=False), vocabulary())
        data = len(content) - sum(-(-tensor["bytes"] // 32) * 32 for tensor in found["tensors"])
        first = {}
        for tensor in found["tensors"]:
            first[tensor["name"]], = struct.unpack_from("<f", content, data)
            data += -(-tensor["bytes"] // 32) * 32
        layers, dim, hidden = 2, 8, 12
        at = 300 * dim
        self.assertEqual(first["token_embd.weight"], 0)
        for name, size in (("attn_norm", dim), ("attn_q", dim * dim), ("attn_k", dim * 4),
                           ("attn_v", dim * 4), ("attn_output", dim * dim), ("ffn_norm", dim),
                           ("ffn_gate", dim * hidden), ("ffn_down", dim * hidden),
                           ("ffn_up", dim * hidden)):
            for layer in range(layers):
                self.assertEqual(first[f"blk.{layer}.{name}.weight"], at, name)
                at += size
        self.assertEqual(first["output_norm.weight"], at)
        self.assertEqual(first["output.weight"], at + dim + 4 * 4)

    def test_vocabulary(self):
        metadata = self.convert(checkpoint(), vocabulary())[0]["metadata"]
        pieces = metadata["tokenizer.ggml.tokens"]
        self.assertEqual(pieces[:4] + pieces[258:261],
                         ["<unk>", "<s>", "</s>", "<0x00>", "<0xFF>", "\u2581a0", "\u2581a1"])
        types = metadata["tokenizer.ggml.token_type"]
        self.assertEqual(types[:4] + types[258:260], [2, 3, 3, 6, 6, 1])
        self.assertEqual(metadata["tokenizer.ggml.scores"][5], -5)

    def test_a_shared_model_comes_out_as_llama_cpp_makes_it(self):
        if not SHARED:
            self.skipTest("no shared models")
        out = self.folder / "stories.gguf"
        self.good("convert", f"{SHARED}/stories260K.bin", out, "--vocabulary", f"{SHARED}/tok512.bin")
        self.assertEqual(out.read_bytes(), Path(SHARED, "stories260K.gguf").read_bytes())

    def test_damaged_checkpoints(self):
        model, out = checkpoint(), self.folder / "out.gguf"
        pieces = self.write("tok.bin", vocabulary())
        for what, content in (("too short", model[:20]), ("bytes, where", model[:-4]),
                              ("bytes, where", model + b"\0"), ("make no sense", b"\0" * 28 + model[28:]),
                              ("later version", b"24ka" + model[4:]),
                              ("make no sense", struct.pack("<i", 9) + model[4:])):
            self.bad(what, "convert", self.write("model.bin", content), out, "--vocabulary", pieces)
        file = self.write("model.bin", model)
        self.bad("--vocabulary", "convert", file, out)
        for content in (vocabulary()[:-1], vocabulary() + b"\0", vocabulary(299), b"\0\0",
                        vocabulary()[:8] + struct.pack("<i", -1) + vocabulary()[12:]):
            self.bad("not a vocabulary", "convert", file, out, "--vocabulary",
                     self.write("bad.bin", content))
        self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
