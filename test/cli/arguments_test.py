"""The command line without a build: help texts, and what is said about wrong use."""

import os
import re
import unittest
from pathlib import Path
from unittest import mock

from support import ROOT, STORY, CommandLineTest, bareflow, main

from cli import arguments as command_line
from cli import disc, host, settings
from cli.report import Failure

COMMANDS = ("run", "host", "exec", "test", "iso", "disk", "crash", "gdb", "bench", "gguf", "setup")
STORY_OPTIONS = ("--model", "--prompt", "--tokens", "--context", "--temp", "--top-p", "--seed", "--tier", "--top-k",
                 "--min-p", "--typical", "--repeat-penalty", "--mirostat", "--logit-bias",
                 "--grammar", "--grammar-file", "--chat", "--system", "--chat-template",
                 "--reverse-prompt", "--no-context-shift",
                 "--profile")
MACHINE_OPTIONS = ("--mem", "--cpu", "--machine", "--smp", "--uefi", "--display", "--kvm",
                   "--qemu-args")
CONSOLE_OPTIONS = ("--screen KIND", "--keyboard", "--status", "--screenshot")
DISK_OPTIONS = ("--disk", "--disk-image")


class Help(CommandLineTest):
    def help_of(self, *command):
        process = bareflow(*command, "--help")
        self.assertEqual((process.returncode, process.stderr), (0, b""))
        return process.stdout.decode()

    def test_every_command_has_one_within_80_columns(self):
        self.assertEqual([name for name in COMMANDS if name not in self.help_of()], [])
        for command in COMMANDS:
            text = self.help_of(command)
            self.assertTrue(text.startswith(f"usage: ./bareflow {command}"))
            self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_options_are_explained(self):
        for command, options in (("run", STORY_OPTIONS + MACHINE_OPTIONS + DISK_OPTIONS + CONSOLE_OPTIONS),
                                 ("host", STORY_OPTIONS), ("iso", ("--model", "--prompt", "-o FILE")),
                                 ("test", ("--matrix", "--plug", "--json"))):
            text = self.help_of(command)
            self.assertEqual([name for name in options if name not in text], [])

    def test_the_batch_is_what_the_program_takes(self):
        batch = re.search(r"u64 batch = (\d+);", (ROOT / "src/inference/transformer.h").read_text())[1]
        for command in ("host", "run", "bench"):
            self.assertRegex(self.help_of(command), rf"--batch N\s[^(]*\(default:\s+{batch}\)")
        self.assertRegex((ROOT / "docs/options.md").read_text(), rf"\| `batch` \|.*\| {batch} \|\n")

    def test_without_a_command_it_helps_and_fails(self):
        process = bareflow()
        self.assertEqual(process.returncode, 2)
        self.assertIn(b"usage: ./bareflow", process.stderr)


class WrongUse(CommandLineTest):
    CASES = (
        (["walk"], "walk"),
        (["run", "--screen", "large"], "--screen", "1920x1080"),
        (["run", "--keyboard", "xx"], "--keyboard", "us"),
        (["host", "--tokens", "many"], "--tokens", "'many'"),
        (["host", "--tokens", "-1"], "--tokens"),
        (["host", "--context", "1"], "--context", "from 2"),
        (["iso", "-o", "d.iso", "--context", "few"], "--context", "'few'"),
        (["host", "--temp", "warm"], "--temp", "'warm'"),
        (["host", "--temp", "nan"], "--temp"),
        (["host", "--temp", "101"], "--temp", "0 to 100"),
        (["host", "--top-p", "1.5"], "--top-p", "0 to 1"),
        (["host", "--top-k", "-1"], "--top-k"),
        (["host", "--min-p", "1.5"], "--min-p", "0 to 1"),
        (["host", "--repeat-last-n", "-2"], "--repeat-last-n", "-1 for all"),
        (["host", "--repeat-penalty", "0"], "--repeat-penalty", "0.01"),
        (["host", "--repeat-penalty", "-1e-1"], "--repeat-penalty", "0.01"),
        (["host", "--frequency-penalty", "--1"], "--frequency-penalty", "-100 to 100"),
        (["host", "--presence-penalty", "-1e3"], "--presence-penalty", "-100 to 100"),
        (["host", "--frequency-penalty"], "--frequency-penalty"),
        (["host", "--mirostat", "1"], "--mirostat", "2"),
        (["host", "--logit-bias", "7"], "--logit-bias", "15043+1"),
        (["host", "--grammar", "a", "--grammar-file", "b"], "--grammar-file"),
        (["run", "--prompt", "a", "--prompt-file", "b"], "--prompt and --prompt-file"),
        (["iso", "-o", "d.iso", "--prompt", "", "--prompt-file", "b"], "--prompt and --prompt-file"),
        (["host", "--tokens-file", "a", "--prompt", "b"], "--prompt and --tokens-file"),
        (["host", "--tokens-file", "a", "--prompt-file", "b"], "--prompt-file and --tokens-file"),
        (["host", "--tokenize", "a", "--prompt", "b"], "--prompt and --tokenize"),
        (["host", "--tokenize", "a", "--tokens-file", "b"], "--tokens-file and --tokenize"),
        (["host", "--tokenize", "a", "--logits", "b"], "--logits and --tokenize"),
        (["host", "--chat-template", "zephyr"], "--chat-template", "give --chat"),
        (["run", "--chat-template", "zephyr"], "--chat-template", "give --chat"),
        (["iso", "-o", "d.iso", "--system", "Be kind."], "--system", "give --chat"),
        (["host", "--seed", str(1 << 64)], "--seed"),
        (["host", "--tier", "fast"], "--tier", "baseline"),
        (["host", "--tok", "3"], "--tok"),
        (["host", "--model"], "--model"),
        (["host", "story"], "story"),
        (["run", "--mem", "much"], "--mem", "512M"),
        (["run", "--smp", "0"], "--smp"),
        (["run", "--qemu-args", "'"], "--qemu-args"),
        (["run", "--smp", "1000"], "--smp", "1 to 999"),
        (["run", "--disk", "floppy"], "--disk", "nvme"),
        (["run", "--disk-image", "d.img"], "--disk-image", "--disk ahci"),
        (["iso"], "-o"),
        (["disk"], "-o"),
        (["disk", "-o", "d.img", "--size", "large"], "--size", "512M"),
        (["disk", "-o", "d.img", "--table", "apm"], "--table", "gpt"),
        (["exec"], "FILE"),
        (["exec", "-O9", "hello.c"], "-O"),
        (["exec", "hello.txt"], "hello.txt", ".bfir"),
        (["exec", "--cflags", "'", "hello.c"], "--cflags"),
        (["setup", "walk"], "walk"),
    )

    def test_one_line_and_status_2(self):
        for arguments, *words in self.CASES:
            with self.subTest(" ".join(arguments)):
                process = bareflow(*arguments)
                self.refused(process, 2, *words)
                self.assertEqual(len(process.stderr.splitlines()), 1)


class Values(unittest.TestCase):
    def options(self, *words):
        """The option lines of a run."""
        return settings.option_lines(command_line.parse(["host", *words]))

    def test_the_context_in_all_commands_that_tell_stories(self):
        for words in (["host"], ["run"], ["gdb"], ["iso", "-o", "d.iso"]):
            parsed = command_line.parse([*words, "--context", "100"])
            self.assertIn("context=100", settings.option_lines(parsed))

    def test_numbers_below_zero(self):
        for number in ("-1", "-1e-1", "-.5", "-5.", "-2E+1", "0.5"):
            for option in ("frequency-penalty", "presence-penalty"):
                self.assertEqual(self.options(f"--{option}", number), [f"{option}={number}"])
                self.assertEqual(self.options(f"--{option}={number}"), [f"{option}={number}"])
        self.assertEqual(self.options("--repeat-last-n", "-1", "--temp", "0"), ["temp=0", "repeat-last-n=-1"])


class LongTexts(CommandLineTest):
    def test_a_machine_has_room_for_so_much(self):
        room = re.search(r"char text_\[(\d+) \* 1024\]", (ROOT / "src/boot/boot_options.h").read_text())[1]
        self.assertLess(settings.MACHINE_BYTES + 1024, int(room) * 1024)
        self.write("long.gbnf", b"root ::= [a-z]\n#" + b"x" * (settings.MACHINE_BYTES - 60))
        self.write("longer.gbnf", b"root ::= [a-z]\n#" + b"\n" * (settings.MACHINE_BYTES // 2))
        for words in (["run"], ["iso", "-o", "d.iso"]):
            self.refused(bareflow(*words, "--grammar-file", "longer.gbnf", cwd=self.folder), 1,
                         f"a machine takes {settings.MACHINE_BYTES:,}")
            parsed = command_line.parse([*words, "--grammar-file", str(self.folder / "long.gbnf")])
            self.assertLessEqual(len(settings.machine_option_lines(parsed)[0]), settings.MACHINE_BYTES)

    def test_a_grammar_without_zero_bytes(self):
        path = self.write("zero.gbnf", b'root ::= "a\0"')
        for words in (["host"], ["run"], ["iso", "-o", self.folder / "d.iso"]):
            self.refused(bareflow(*words, "--grammar-file", path), 2, "--grammar-file", "zero byte")

    def test_a_text_that_is_too_long_for_a_command_line(self):
        parsed = command_line.parse(["host", "--prompt", "x" * (128 << 10)])
        with (mock.patch("cli.host.build"), mock.patch("cli.host.packages.require"),
              mock.patch("cli.host.signal.signal"), self.assertRaisesRegex(Failure, "--prompt-file")):
            host.main(parsed)

    def test_on_a_disc_words_stand_in_the_menu_and_texts_in_a_file(self):
        parsed = command_line.parse(["iso", "-o", "d.iso", "--temp", "0", "--chat", "--system", "It's\nnice.",
                                     "--logit-bias", "5+1", "--grammar", "root::=[a]", "--seed", "3"])
        written = []

        def make(*arguments):
            written.extend((arguments[4], Path(arguments[6]).read_text()))
        with mock.patch("make_iso.make_iso", make):
            disc.make(Path("d.iso"), STORY, settings.machine_option_lines(parsed))
        self.assertEqual(written, ["temp=0\nseed=3\nchat=1", "logit-bias=5+1\ngrammar=root::=[a]\n"
                                   "system=It's\\nnice.\n"])


class Places(CommandLineTest):
    def test_what_cannot_be_read_or_written_is_said_before_the_build(self):
        nowhere = self.folder / "none" / "file"
        long = "a" * 300
        for arguments, word in ((["host", "--model", nowhere], "No such file"),
                                (["run", "--model", self.folder], "directory"),
                                (["host", "--profile", nowhere], "--profile"),
                                (["iso", "-o", nowhere], "cannot write"),
                                (["host", "--model", ""], "empty"),
                                (["host", "--model", "/dev/zero"], "no regular file"),
                                (["iso", "-o", "/dev/null"], "no regular file"),
                                (["host", "--model", long], "model: cannot read"),
                                (["host", "--model", STORY / "x"], "Not a directory"),
                                (["iso", "-o", long], "cannot write"),
                                (["host", "--prompt", "a", "--logits", long], "too long"),
                                (["run", "--disk", "nvme", "--disk-image", long], "--disk-image"),
                                (["iso", "-o", STORY, "--model", STORY], "the model itself"),
                                (["iso", "-o", self.folder], "is a folder"),
                                (["iso", "-o", self.folder / "d.iso", "--prompt-file", nowhere],
                                 "No such file"),
                                (["run", "--disk", "nvme", "--disk-image", self.folder], "no regular file"),
                                (["disk", "-o", nowhere], "cannot write"),
                                (["disk", "-o", STORY, "--model", STORY], "the model itself"),
                                (["disk", "-o", self.folder / "d.img", "--size", "1M"], "larger --size")):
            with self.subTest(arguments[1]):
                self.refused(bareflow(*arguments), 1, word)

    def test_a_pipe_is_no_text_and_is_not_waited_for(self):
        os.mkfifo(self.folder / "pipe")
        for option in ("--prompt-file", "--grammar-file", "--tokens-file", "--tokenize"):
            for name, word in (("pipe", "no regular file"), (".", "no regular file"),
                               ("none", "No such file"), ("a" * 300, "too long")):
                with self.subTest(f"{option} {word}"):
                    self.refused(bareflow("host", option, name, cwd=self.folder, timeout=20), 1,
                                 option, word)

    def test_an_empty_model(self):
        self.refused(bareflow("run", "--model", self.write("empty.gguf", b"")), 1, "empty")


class Packages(unittest.TestCase):
    def test_each_command_names_debian_packages(self):
        from cli.setup import SETS
        for names in SETS.values():
            self.assertIn("clang-19", names)
            self.assertEqual([name for name in names if not re.fullmatch("[a-z0-9.+-]+", name)], [])


if __name__ == "__main__":
    main()
