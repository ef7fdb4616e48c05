#!/usr/bin/env python3
"""The machine's words as people type them, in a Linux process: what they show, what they refuse.

    shell_words_test.py BF_HOST PROGRAM MODEL
"""
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

WORDS = pathlib.Path(__file__).resolve().parents[2] / "src/runtime/shell/words.def"
PROMPT = b"> "


class Words(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="bareflow-")
        self.addCleanup(self.folder.cleanup)
        self.model = shutil.copy(STORY, self.folder.name)

    def line(self, *options):
        line = [BF_HOST, "--blob", f"program={PROGRAM}", "--blob", f"model={self.model}"]
        for option in ("interactive=1", "tokens=12", "temp=0", *options):
            line += ["--option", option]
        return line

    def type(self, *lines, options=()):
        """What each line shows, up to the next prompt or question, and the log."""
        process = subprocess.Popen(self.line(*options), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, cwd=self.folder.name)
        shown, out = b"", []
        for line in [*lines, "/quit"]:
            while not shown.endswith((PROMPT, b")? ")):
                piece = os.read(process.stdout.fileno(), 4096)
                self.assertTrue(piece, f"it ended: {shown}")
                shown += piece
            out.append(shown.decode().removesuffix("> "))
            shown = b""
            if callable(line):
                line = line()
            process.stdin.write(line.encode() + b"\r")
            process.stdin.flush()
        _, log = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, log)
        return [text.partition("\n")[2] for text in out[1:]], log.decode()

    def test_help_lists_what_there_is_here(self):
        (shown, chat), _ = self.type("/help", "/help", options=["chat=1", "chat-template=zephyr"])
        rows = re.findall(r'^BF_WORD\(\w+, "(\S+)", .*"([^"]+)"\)$', WORDS.read_text(), re.M)
        self.assertEqual(len(rows), 9)
        for name, where in rows:
            self.assertEqual(f"  {name} " in shown, where != "bare metal", name)
        for name in ("/help", "/stats", "/new", "/quit"):
            self.assertIn(f"  {name} ", shown)
        self.assertLess(max(map(len, shown.split("\n"))), 80)

    def test_memory_adds_up(self):
        for shown in self.type("/mem", "Once", "/mem")[0][::2]:
            above, below = shown.split("  ------------------------------\n")
            parts = [int(word.replace(",", "")) for word in re.findall(r"^ +([\d,]+) ", above, re.M)]
            whole = int(below.split()[0].replace(",", ""))
            self.assertEqual(sum(parts), whole)
            for part in ("the model's weights", "keys and values", "free or lost", "resident"):
                self.assertIn(part, shown)
            weights = int(re.search(r"([\d,]+) .*weights", shown)[1].replace(",", ""))
            self.assertLess(abs(weights - os.path.getsize(self.model)), 4096)

    def test_processor(self):
        shown = self.type("/cpu", options=["isa=sse2"])[0][0]
        self.assertRegex(shown, r"(?m)^uses +sse2")
        self.assertNotRegex(shown, r"(?m)^uses .* avx")
        self.assertRegex(shown, r"(?m)^date +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$")
        self.assertRegex(shown, r"(?m)^up +0 d 00:00:\d\d$")
        self.assertRegex(shown, r"(?m)^brand +\S")

    def test_tiers_and_top(self):
        told, tiers, one, top, again = self.type("Once", "/tiers", "/tiers matmul_q8_0", "/top", "/top Tom was")[0]
        self.assertRegex(tiers, r"(?m)^tuned +\d+ ")
        self.assertRegex(one, r"(?m)^\S+ +\d+ +\d+ +\d+ +\d+  matmul_q8_0$")
        self.assertRegex(top, r"(?m)^ +\d+\.\d % +\w+ +\d+ +\d+  \S")
        # Where nobody can draw, the text is told, and then there is one table.
        self.assertRegex(again, r"^Tom was[^%]+\n[\d.]+ s, \d+ million cycles in")
        self.assertNotIn("\x1b", again)
        for shown in (tiers, one, top):
            self.assertLess(max(map(len, shown.split("\n"))), 80)

    def test_top_on_a_terminal(self):
        """A table over the upper rows while a story is told, and any key ends both."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(self.line("tokens=1000000", "context=64", "logit-bias=2-inf"), stdin=theirs, stdout=theirs,
                                   stderr=subprocess.DEVNULL, cwd=self.folder.name,
                                   env=dict(os.environ, TERM="xterm", NO_COLOR=""))
        os.close(theirs)
        shown = b""

        def until(pattern):
            nonlocal shown
            end = time.monotonic() + 60
            while not re.search(pattern, shown, re.S):
                self.assertLess(time.monotonic(), end, shown[-1000:])
                shown += os.read(ours, 4096)
        until(rb"[a-z]")
        os.write(ours, b"\x03")  # the first story has no end
        until(rb"> $")
        os.write(ours, b"/top Once upon\r")
        until(rb"\x1b\[2J.*\x1b7\x1b\[H[\d.]+ s, .*\x1b8.*\x1b7\x1b\[H[\d.]+ s, .*\x1b8")
        os.write(ours, b"q")
        until(rb"\x1b7\x1b\[r\x1b8.*function.*> $")
        os.write(ours, b"\x04")
        while process.poll() is None:
            try:
                os.read(ours, 4096)
            except OSError:
                break
        self.assertEqual(process.wait(60), 0)
        os.close(ours)

    def test_from_one_model_to_another(self):
        bad = pathlib.Path(self.folder.name, "bad.gguf")
        bad.write_bytes(b"GGUF, but no more of it" * 1000)
        shutil.copy(STORY, pathlib.Path(self.folder.name, "other.gguf"))
        before, listed, unknown, _, after, now, _, last = self.type(
            "Once", "/model", "/model nothing.gguf", "/model bad.gguf", "Once", "/model OTHER.gguf", "/model",
            "Once")[0][:8]
        self.assertRegex(listed, r"architecture llama: 5 layers(.|\n)*context 512")
        self.assertRegex(listed, r"  1  bad.gguf, 0 MiB, on \S+\n +2  other.gguf, .*\n +3  story.gguf, .*\(in use\)")
        self.assertIn("There is no such model: nothing.gguf", unknown)
        self.assertEqual(before, after)
        self.assertEqual(before, last)

    def test_a_person_chooses_where_no_model_is_left(self):
        """The wanted one is none, and the one before has been deleted meanwhile."""
        pathlib.Path(self.folder.name, "bad.gguf").write_bytes(b"GGUF, but no more of it" * 1000)
        shutil.copy(STORY, pathlib.Path(self.folder.name, "other.gguf"))

        def delete_and_change():
            os.remove(self.model)
            return "/model bad.gguf"
        before, asked, again, _, after = self.type("Once", delete_and_change, "1", "2", "Once")[0]
        for shown in (asked, again):
            self.assertRegex(shown, r"  1  bad.gguf, .*\n +2  other.gguf, .*\nWhich one \(1 to 2, ")
        self.assertEqual(before, after)

    def test_models_come_and_go_without_a_leak(self):
        def resident(shown):
            return int(re.search(r"([\d,]+) .*resident", shown)[1].replace(",", ""))
        shown = self.type("Once", *["/model 1", "Once"] * 4, "/mem", *["/model 1", "Once"] * 12, "/mem")[0]
        growth = resident(shown[-1]) - resident(shown[9])
        self.assertLess(growth, os.path.getsize(self.model), "a model was not given back")

    def test_save(self):
        saved, named, nowhere, folder = self.type("/save", "/save a talk.txt", "/save /nowhere/at/all.txt",
                                                  "/save .")[0]
        name = re.fullmatch(r"([\d,]+) bytes kept as (\d{4}-\d\d-\d\d-\d{6}\.txt)\n", saved)
        self.assertTrue(name, saved)
        text = pathlib.Path(self.folder.name, name[2]).read_text()
        self.assertEqual(len(text), int(name[1]))
        self.assertEqual(pathlib.Path(self.folder.name, "a talk.txt").read_text(), text)
        self.assertRegex(nowhere, "^Not kept: cannot write /nowhere/at/all.txt: ")
        self.assertRegex(folder, "^Not kept: ")
        self.assertEqual(len(os.listdir(self.folder.name)), 3)

    def test_save_replaces_regular_files_only(self):
        folder = pathlib.Path(self.folder.name)
        os.mkfifo(folder / "pipe")
        os.mkdir(folder / "folder")
        (folder / "link to a pipe").symlink_to("pipe")
        (folder / "link to nothing").symlink_to("nowhere")
        names = ("pipe", "folder", "link to a pipe", "link to nothing")
        before = sorted(os.listdir(folder))
        for name, shown in zip(names, self.type(*[f"/save {name}" for name in names])[0]):
            reason = f"cannot write {name}: No such file" if "nothing" in name else (
                f"{name} is there and is no regular file: name another\n")
            self.assertTrue(shown.startswith(f"Not kept: {reason}"), shown)
            self.assertEqual(shown.count("\n"), 1)
        self.assertEqual(sorted(os.listdir(folder)), before)
        self.assertTrue((folder / "pipe").is_fifo() and (folder / "link to a pipe").is_symlink())

    def test_save_writes_through_links_and_leaves_other_files_alone(self):
        folder = pathlib.Path(self.folder.name)
        (folder / "kept").mkdir()
        target = folder / "kept" / "talk.txt"
        target.write_text("old")
        target.chmod(0o640)
        (folder / "link.txt").symlink_to("kept/talk.txt")
        (folder / "plain.txt.new").write_text("of somebody else")
        self.type("/save link.txt", "/save plain.txt")
        self.assertTrue((folder / "link.txt").is_symlink())
        self.assertEqual(target.read_text(), (folder / "plain.txt").read_text())
        self.assertEqual(target.stat().st_mode & 0o777, 0o640)
        self.assertEqual((folder / "plain.txt.new").read_text(), "of somebody else")
        self.assertEqual(os.listdir(folder / "kept"), ["talk.txt"])

    def test_save_a_conversation(self):
        self.type("Hello", "/save talk.txt", options=["chat=1", "chat-template=zephyr"])
        self.assertRegex(pathlib.Path(self.folder.name, "talk.txt").read_text(), r"^> Hello\n.+\n")

    def test_what_is_not_there(self):
        shown = self.type("/nothing", "/reboot", "/disks", "/mem all", "/cpu 1 2", "/ mem")[0]
        for text in (*shown[:3], shown[5]):
            self.assertEqual(text, "There is no such command; /help lists them.\n")
        self.assertEqual(shown[3:5], ["Use: /mem\n", "Use: /cpu\n"])


if __name__ == "__main__":
    BF_HOST, PROGRAM, STORY = map(os.path.abspath, sys.argv[1:4])
    unittest.main(argv=sys.argv[:1], verbosity=2)
