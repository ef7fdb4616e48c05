"""`./bareflow run` and `gdb` from outside: what comes out of the machine is what the host says.

    guest_test.py [unittest arguments]

Emulated machines are slow: few boots, each checks several things. What the kernel does by itself is
tested in test/boot.
"""

import json

import gguf_damage
from support import COMPILED_TIERS, STORY, CommandLineTest, bareflow, shared_model, main

import qemu

GREEDY = ("--prompt", "Once upon a time", "--temp", "0", "--tokens", "24")


class Stories(CommandLineTest):
    def host_story(self):
        return self.story_of(bareflow("host", *GREEDY))

    def test_bios_promotes_and_profiles(self):
        path = self.folder / "profile.json"
        process = bareflow("run", *GREEDY, "--profile", "profile.json", cwd=self.folder)
        self.assertEqual(self.story_of(process), self.host_story())
        self.assertRegex(process.stderr.decode(), r"\[jit\] \S+ interp -> baseline, [0-9,]+ bytes")
        tiers = {row["name"]: row["tier"] for row in json.loads(path.read_text())["functions"]}
        # How far it climbs is a matter of time; it does not stay interpreted.
        self.assertIn(tiers["matmul_q8_0"], COMPILED_TIERS)

    def test_uefi(self):
        self.assertEqual(self.story_of(bareflow("run", "--uefi", *GREEDY)), self.host_story())

    def test_interpreter_alone(self):
        process = bareflow("run", *GREEDY, "--tier", "interp", "--tokens", 8)
        self.assertEqual(self.story_of(process),
                         self.story_of(bareflow("host", *GREEDY, "--tokens", 8)))
        self.assertNotIn(b"interp -> baseline", process.stderr)

    def test_lines_of_input_then_power_off(self):
        options = ("--tokens", 5, "--temp", 0)
        lines = "Tom and\nThe last\n"
        self.assertEqual(self.story_of(bareflow("run", *options, text=lines)),
                         self.story_of(bareflow("host", *options, text=lines)))

    def test_a_long_grammar_and_texts_with_spaces(self):
        """Beside a disc, and on one that is kept."""
        rules = b'root ::= "\\"" [a-c]{4} tail\n' + b"# it's not much\n" * 5_000 + b'tail ::= " \xc3\xa9"?\n'
        options = ("--grammar-file", self.write("long.gbnf", rules), "--chat", "--chat-template", "zephyr",
                   "--system", "Be 'kind'.\nBe brief.\udcff", "--prompt", "Hello", "--temp", 0)
        told = self.story_of(bareflow("host", *options))
        self.assertRegex(told, rb'^"[a-c]{4}')
        self.assertEqual(self.story_of(bareflow("run", *options)), told)
        self.story_of(bareflow("iso", "-o", self.folder / "kept.iso", *options))
        result = qemu.capture(qemu.Machine(iso=str(self.folder / "kept.iso"), options="interactive=0\n"),
                              timeout=200)
        self.assertEqual((result.status, result.text), (0, told), result.log)

    def test_a_disk_that_is_kept(self):
        """Made at the first run, read at the second, which names its model, and at the third."""
        disk = ("--disk", "virtio", "--disk-image", "disk.img")
        for more in ([], ["--model", "STORY.gguf"], []):
            process = bareflow("run", *GREEDY, *disk, *more, cwd=self.folder)
            self.assertEqual(self.story_of(process), self.host_story())
            self.assertIn(b"[boot] model: story.gguf", process.stderr)
        self.assertTrue((self.folder / "disk.img").exists())
        self.refused(bareflow("run", "--disk", "ahci", "--disk-image", "disk.img", "--model", "x.gguf",
                              cwd=self.folder), 1, "model=x.gguf: ")

    def test_the_text_of_a_real_model(self):
        for firmware in ([], ["--uefi"]):
            with self.subTest(" ".join(firmware)):
                process = bareflow("run", "--model", shared_model("stories260K.gguf"), "--prompt",
                                   "Once upon a time", "--tokens", 196, "--temp", 0, *firmware)
                self.assertEqual(self.story_of(process),
                                 shared_model("stories260K.expected.txt").read_bytes())


class BadMachines(CommandLineTest):
    def test_a_truncated_model(self):
        story = STORY.read_bytes()
        path = self.write("half.gguf", story[:len(story) // 2])
        self.refused(bareflow("run", "--model", path), 1, "model: ")

    def test_an_unsupported_format(self):
        damaged = {name: (data, word) for name, data, word
                   in gguf_damage.damaged(STORY.read_bytes())}
        data, word = damaged["unsupported format"]
        self.refused(bareflow("run", "--model", self.write("bad.gguf", data)), 1, "model: ", word)

    def test_a_processor_without_long_mode(self):
        self.refused(bareflow("run", "--cpu", "pentium3"), 1, "64-bit")

    def test_too_little_memory_even_for_grub(self):
        self.refused(bareflow("run", "--mem", "4M"), 1)

    def test_qemu_refuses(self):
        for arguments in (["--machine", "toaster"], ["--cpu", "toaster"],
                          ["--qemu-args", "-toaster"]):
            with self.subTest(arguments[0]):
                self.refused(bareflow("run", *arguments), 1, "QEMU")


class Debugger(CommandLineTest):
    def test_a_backtrace_in_long_mode(self):
        process = bareflow("gdb", "--batch", "hbreak bf::run_program", "--batch", "continue",
                           "--batch", "backtrace", "--batch", "info registers rip",
                           "--batch", "next", "--batch", "step")
        text = self.story_of(process).decode()
        self.assertRegex(text, r"Temporary breakpoint 1, kernel_main \(boot_info_address=0x")
        self.assertRegex(text, r"#\d .*bf::run_program \(\) at .*src/boot/run\.cpp:\d+")
        self.assertRegex(text, r"#\d .*run_on_main_stack \(\) at .*src/boot/main\.cpp:\d+")
        self.assertRegex(text, r"rip +0x[0-9a-f]+")

    def test_the_stub_on_the_serial_port(self):
        process = bareflow("gdb", "--serial", "--smp", "2", "--batch", "info threads", "--batch", "kill")
        text = process.stdout.decode()
        self.assertRegex(text, r"\* 1 +Thread 1 \(core 0\) .*bf::x86::gdb::start \(\)")
        self.assertRegex(text, r"  2 +Thread 2 \(core 1, asleep\)")

    def test_compiled_functions_in_a_backtrace(self):
        process = bareflow("gdb", "--tier", "baseline", "--prompt", "Once", "--tokens", "2",
                           "--batch", "hbreak bf_write", "--batch", "continue", "--batch", "backtrace")
        text = self.story_of(process).decode()
        self.assertRegex(text, r"#1 .* in inference::Generator::\w+ \(\) at src/inference/")
        self.assertRegex(text, r"#\d .* in bf_main \(\) at src/inference/main\.cpp:\d+")
        self.assertRegex(text, r"#\d .* in bf::run_program \(\) at .*src/boot/run\.cpp:\d+")


if __name__ == "__main__":
    main()
