"""bf-native from outside: what it prints, where, and how it ends.

    inference_native_test.py BF_NATIVE STORY.gguf

The shared models are found through BAREFLOW_SHARED_MODELS; without them their tests are skipped.
"""

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unicodedata
import unittest

BF_NATIVE = STORY = ""


def run(*arguments, model=None, options=(), prompt=None, text=""):
    """The finished process of one run."""
    command = [BF_NATIVE, *arguments]
    if model is not None:
        command += ["--blob", f"model={model}"]
    if prompt is not None:
        command += ["--text", f"prompt={prompt}"]
    for option in options:
        command += ["--option", option]
    return subprocess.run(command, input=text.encode(), capture_output=True, timeout=120)


def shared(name):
    folder = os.environ.get("BAREFLOW_SHARED_MODELS", "")
    path = pathlib.Path(folder) / name
    if not folder or not path.exists():
        raise unittest.SkipTest("no shared models here")
    return path


class Stories(unittest.TestCase):
    def test_story_of_a_real_model(self):
        result = run(model=shared("stories260K.gguf"), prompt="Once upon a time",
                     options=["tokens=196", "temp=0"])
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stdout, shared("stories260K.expected.txt").read_bytes())
        self.assertIn(b"stats: prompt 5 tokens", result.stderr)

    def test_story_of_its_own_then_lines(self):
        options = ["tokens=5", "temp=0"]
        result = run(model=STORY, options=options, text="Tom and\r\n\nThe last")
        self.assertEqual(result.returncode, 0)
        lines = result.stdout.decode().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(lines[1].startswith("Tom and"))
        self.assertTrue(lines[2].startswith("The last"))
        self.assertTrue(result.stdout.endswith(b"\n"))

    def test_bench_answers_each_line_with_a_time(self):
        result = run(model=STORY, options=["bench=1"], text="prompt 70\n\ngenerate 3\n")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout.decode(), r"\Aready\n[1-9][0-9]*\n[1-9][0-9]*\n\Z")
        for text in ("read 5\n", "prompt\n", "prompt 0\n", "generate 99999999\n"):
            result = run(model=STORY, options=["bench=1"], text=text)
            self.assertEqual((result.returncode, result.stdout), (1, b"ready\n"), text)
            self.assertIn(b"error: bench: ", result.stderr)

    def test_a_line_that_is_too_long_is_passed_over(self):
        result = run(model=STORY, options=["tokens=2", "temp=0", "context=20"],
                     text="Tom\n" + "word " * 50 + "\nTom\n")
        self.assertEqual(result.returncode, 2)
        self.assertEqual(len(result.stdout.splitlines()), 3)
        self.assertEqual(result.stderr.count(b"error: prompt: "), 1)

    def test_a_serial_end_of_text_ends_the_lines(self):
        result = run(model=STORY, options=["tokens=2", "temp=0"], text="Tom\n\x04never\n")
        self.assertEqual(len(result.stdout.splitlines()), 2)

    def test_tokens_zero_prints_the_prompt(self):
        result = run(model=STORY, prompt="Tom  \u00e9", options=["tokens=0"])
        self.assertEqual((result.returncode, result.stdout.decode()), (0, "Tom  \u00e9\n"))

    def test_seeds_repeat(self):
        def story(seed):
            return run(model=STORY, prompt="Once", options=["tokens=30", f"seed={seed}"]).stdout
        self.assertEqual(story(1), story(1))
        self.assertGreater(len({story(seed) for seed in range(5)}), 1)

    def test_the_context_is_the_end(self):
        result = run(model=STORY, prompt="Once", options=["temp=1.5", "context=20", "top-p=1"])
        self.assertEqual(result.returncode, 0)
        result = run(model=STORY, prompt="Once upon a time " * 20, options=["context=20"])
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"error: prompt: ", result.stderr)
        self.assertIn(b"do not fit into the context of 20", result.stderr)


class Tokens(unittest.TestCase):
    def ids(self, text, *options, model=None):
        with tempfile.NamedTemporaryFile() as file:
            file.write(text)
            file.flush()
            result = run("--blob", f"tokenize={file.name}", model=model or STORY, options=options)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertTrue(result.stdout.endswith(b"\n"))
        return result.stdout[:-1].decode()

    def test_one_line(self):
        self.assertEqual(self.ids(b""), "")
        self.assertEqual(self.ids(b"", "bos=1"), "1")
        self.assertRegex(self.ids(b"Tom\n\xff\0" * 2000), "^[0-9]+( [0-9]+)*$")
        self.assertEqual(self.ids(b"</s>"), "2")
        self.assertGreater(len(self.ids(b"</s>", "special=0").split()), 1)

    def test_a_vocabulary_without_weights(self):
        model = shared("ggml-vocab-llama-spm.gguf")
        self.assertEqual(self.ids(b"Hello world", model=model), "15043 3186")


class Refusals(unittest.TestCase):
    def check(self, result, status, *words):
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(result.stdout, b"")
        lines = result.stderr.decode().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith("error: "), lines)
        for word in words:
            self.assertIn(word, lines[0])

    def test_options(self):
        for option in ("temp=abc", "tokens=-1", "top-p=2", "seed=x"):
            self.check(run(model=STORY, options=[option]), 2, option.split("=")[0])

    def test_model_files(self):
        self.check(run(), 1, "model")
        self.check(run(model="/no/such/file"), 2, "model", "/no/such/file")
        story = pathlib.Path(STORY).read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.gguf"
            bad = {"empty": b"", "magic": b"GGML" + story[4:], "head": story[:10],
                   "half": story[: len(story) // 2], "last byte": story[:-1],
                   "version": story[:4] + b"\x09" + story[5:],
                   "count": story[:8] + b"\xff" * 8 + story[16:]}
            for name, data in bad.items():
                with self.subTest(name):
                    path.write_bytes(data)
                    self.check(run(model=path), 1, "model: ")

    def test_formats_without_kernel(self):
        story = pathlib.Path(STORY).read_bytes()
        name = b"blk.0.attn_q.weight"
        type_at = story.index(name) + len(name) + 4 + 2 * 8
        with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
            file.write(story[:type_at] + b"\x10" + story[type_at + 1:])
            file.flush()
            self.check(run(model=file.name), 1, "IQ2_XXS", "F32, F16, Q4_0", "Q6_K")


class Terminal(unittest.TestCase):
    def converse(self, keys, *options):
        """What a terminal shows after `keys`, in a run that must end by itself with status 0."""
        try:
            ours, theirs = pty.openpty()
        except OSError:
            self.skipTest("no pseudo-terminals here: is /dev/pts mounted?")
        command = [BF_NATIVE, "--blob", f"model={STORY}", "--option", "interactive=1",
                   "--option", "tokens=3", "--option", "temp=0"]
        for option in options:
            command += ["--option", option]
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
        os.close(theirs)
        shown = b""
        for key in keys:
            while not shown.endswith(b"> "):
                shown += os.read(ours, 4096)
            shown += b"|"
            os.write(ours, key.encode())
        while process.poll() is None or shown.endswith(b"|"):
            try:
                shown += os.read(ours, 4096)
            except OSError:
                break
        self.assertEqual(process.wait(timeout=60), 0)
        os.close(ours)
        return shown.decode()

    def test_commands_editing_history(self):
        shown = self.converse(["/help\r", "Tob\x1b[Dm\x1b[3~\r", "\x1b[A!\r", "/stats\r", "/none\r", "/quit now\r",
                               "abc\x03", "/quit\r"])
        self.assertRegex(shown, r"/stats +tokens so far")
        self.assertIn("\nTom", shown)
        self.assertIn("\nTom!", shown)
        self.assertIn("prompt ", shown)
        self.assertIn("no such command", shown)
        self.assertIn("Use: /quit", shown)

    def test_a_conversation(self):
        shown = self.converse(["/help\r", "Hi\r", "Hi\r", "/new\r", "Hi\r", "/quit\r"], "chat=1",
                              "chat-template=chatml", "grammar=root ::= [a-z]{3}")
        self.assertRegex(shown, r"/new +forgets")
        answers = re.findall(r"^([a-z]{3})\r?$", shown, re.M)
        self.assertEqual(len(answers), 3, shown)
        self.assertEqual(answers[0], answers[2])  # as if nothing had been said before

    def row_after(self, typed, columns):
        """What the row of the prompt shows after these keys, with '_' for the cursor, by what the program
        writes: characters, spaces and backspaces, and nothing that would leave the row."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
        command = [BF_NATIVE, "--blob", f"model={STORY}", "--option", "interactive=1", "--option", "tokens=0"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=theirs, stderr=subprocess.DEVNULL)
        os.close(theirs)
        process.stdin.write(typed.encode())
        process.stdin.close()
        written = b""
        with contextlib.suppress(OSError):
            while data := os.read(ours, 4096):
                written += data
        os.close(ours)
        self.assertEqual(process.wait(timeout=60), 0)
        row, at = [], 0
        last_row = written.decode().replace("\r", "").removesuffix("\n").rpartition("\n")[2]
        for c in last_row:
            if c == "\b":
                self.assertGreater(at, 0)
                at -= 1
            elif unicodedata.combining(c):
                row[at - 1] += c
            else:
                width = 2 if unicodedata.east_asian_width(c) == "W" else 1
                row[at:at + width] = [c, ""][:width]
                at += width
                self.assertLess(at, columns, f"the row is full: {row}")
        return "".join(row[:at]) + "_" + "".join(row[at:]).rstrip()

    def rows_after(self, pieces, columns=24):
        """The same after the first piece, after the first two, and so on."""
        return [self.row_after("".join(pieces[:n]), columns) for n in range(1, len(pieces) + 1)]

    def test_words_wide_characters_and_marks(self):
        self.assertEqual(self.rows_after(
            ["one two ", "\u4e16\u754c e\u0301x", "\x1b[1;5D", "\x1b[D\x1b[D", "\x7f", "\x1b[F\x7f\x7f", "\x1bb", "\x1bd",
             "\x1b[1;5D\x1b[1;5D", "\x1b[1;3C", "\x17"], 40),
            ["> one two _", "> one two \u4e16\u754c e\u0301x_", "> one two \u4e16\u754c _e\u0301x",
             "> one two \u4e16_\u754c e\u0301x", "> one two _\u754c e\u0301x", "> one two \u754c _",
             "> one two _\u754c", "> one two _", "> _one two", "> one_ two", "> _ two"])

    def test_a_line_longer_than_the_terminal_is_wide(self):
        text = "abcdefghijklmnopqrstuvwxyz0123456789"
        rows = self.rows_after([text[:21], text[21:26], text[26:], "\x01", "\x1b[C" * 20, "\x7f", "\x05", "\x15"])
        self.assertEqual(rows[0], "> abcdefghijklmnopqrstu_")
        self.assertEqual(rows[3], "> _abcdefghijklmnopqrst>")
        self.assertEqual(rows[7], "> _")
        for row, end in zip(rows[1:3], "z9"):
            self.assertTrue(row.startswith("> <") and row.endswith(end + "_"), row)
        self.assertIn("t_u", rows[4])
        self.assertIn("s_u", rows[5])
        self.assertTrue(all(len(row) <= 24 for row in rows), rows)

    def test_history_keeps_what_was_not_entered(self):
        rows = self.rows_after(["first\r", "second\r", "thi", "\x1b[A", "\x1b[A", "\x1b[A", "\x1b[B", "\x1b[B"])
        self.assertEqual([row[2:] for row in rows[2:]],
                         ["thi_", "second_", "first_", "first_", "second_", "thi_"])

    def test_control_d_ends(self):
        self.assertIn("> ", self.converse(["\x04"]))


if __name__ == "__main__":
    BF_NATIVE, STORY = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1], verbosity=2)
