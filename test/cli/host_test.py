"""`./bareflow host` from outside: stories, streams, statuses, and bad models."""

import json
import os
import signal
import subprocess

import gguf_damage
from support import COMPILED_TIERS, ROOT, STORY, CommandLineTest, bareflow, shared_model, main

from cli import places

GREEDY = ("--prompt", "Once upon a time", "--temp", "0", "--tokens", "24")


class Stories(CommandLineTest):
    def test_the_text_of_a_real_model(self):
        for tier in ("auto", "interp", "baseline"):
            with self.subTest(tier):
                process = bareflow("host", "--model", shared_model("stories260K.gguf"), "--prompt",
                                   "Once upon a time", "--tokens", 196, "--temp", 0, "--tier", tier)
                self.assertEqual(self.story_of(process),
                                 shared_model("stories260K.expected.txt").read_bytes())

    def test_all_tiers_tell_the_same(self):
        stories = {self.story_of(bareflow("host", *GREEDY, "--tier", tier))
                   for tier in ("interp", "baseline", "auto")}
        self.assertEqual(len(stories), 1)
        self.assertTrue(stories.pop().startswith(b"Once upon a time"))

    def test_a_seed_repeats_a_story(self):
        tell = ("host", "--tokens", 30, "--temp", 1, "--seed", 7)
        self.assertEqual(self.story_of(bareflow(*tell)), self.story_of(bareflow(*tell)))

    def test_each_line_of_input_is_a_prompt(self):
        process = bareflow("host", "--tokens", 5, "--temp", 0, text="Tom and\nThe last")
        lines = self.story_of(process).decode().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(lines[1].startswith("Tom and") and lines[2].startswith("The last"), lines)

    def test_a_prompt_may_begin_with_a_dash_and_hold_any_letters(self):
        prompt = "-n \u201cna\u00efve\u201d\tcat \u732b"
        process = bareflow("host", "--prompt", prompt, "--tokens", 0)
        self.assertEqual(self.story_of(process).decode(), prompt + "\n")

    def test_a_prompt_from_a_file_and_from_token_ids(self):
        self.write("prompt.txt", b"Once upon a time")
        ids = bareflow("host", "--tokenize", "prompt.txt", "--bos", cwd=self.folder).stdout
        self.write("ids.txt", ids)
        tell = ("host", "--temp", "0", "--tokens", "24")
        from_text = self.story_of(bareflow("host", *GREEDY))
        for given in (("--prompt-file", "prompt.txt"), ("--tokens-file", "ids.txt")):
            story = self.story_of(bareflow(*tell, *given, cwd=self.folder))
            self.assertEqual(story, from_text)

    def test_logits_of_every_position_in_batches_of_any_size(self):
        self.write("prompt.txt", b"Tom and Lily went to the park, and they saw a big dog.")
        written = []
        for batch in ("1", "7", "64"):
            process = bareflow("host", "--prompt-file", "prompt.txt", "--logits", "out.f32",
                               "--batch", batch, "--tier", "baseline", cwd=self.folder)
            self.assertEqual(self.story_of(process), b"")
            written.append((self.folder / "out.f32").read_bytes())
        ids = bareflow("host", "--tokenize", "prompt.txt", "--bos", cwd=self.folder).stdout
        self.assertEqual(len(written[0]), len(ids.split()) * 1280 * 4)
        self.assertEqual(written[0], written[1])
        self.assertEqual(written[0], written[2])

    def test_logits_need_a_prompt_and_a_place(self):
        self.refused(bareflow("host", "--logits", "x.f32", cwd=self.folder), 2, "--logits")
        self.refused(bareflow("host", "--prompt", "a", "--logits", "/no/such/x.f32"), 1, "/no/such")
        self.refused(bareflow("host", "--prompt", "a", "--batch", "0"), 2, "--batch")
        self.refused(bareflow("host", "--prompt", "a", "--prompt-file", "x"), 2, "--prompt")

    def test_paths_are_relative_to_the_caller(self):
        self.write("mine.gguf", STORY.read_bytes())
        process = bareflow("host", "--model", "mine.gguf", "--profile", "profile.json", *GREEDY,
                           cwd=self.folder)
        self.story_of(process)
        self.assertTrue((self.folder / "profile.json").stat().st_size)

    def test_output_that_is_lost_is_an_error(self):
        with open("/dev/full", "wb") as full:
            process = subprocess.run([ROOT / "bareflow", "host", *GREEDY], stdout=full,
                                     stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=240)
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"error: output was lost", process.stderr)

    def test_closed_streams_are_no_reason_to_fall_over(self):
        for closed in ("<&-", ">&-", "2>&-"):
            with self.subTest(closed):
                status = subprocess.call(["sh", "-c", f'"$0" host --tokens 3 --prompt a {closed}',
                                          ROOT / "bareflow"], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                self.assertEqual(status, 0)

    def test_what_a_closed_stream_would_get_is_in_no_file(self):
        """Of the engine alone: ./bareflow opens what is missing before it starts it."""
        line = [places.HOST_ENGINE, "--blob", f"program={places.PROGRAM}", "--blob", f"model={STORY}",
                "--text", "prompt=Tom", "--option", "tokens=2", "--stream", "profile=profile.json"]
        for closed in ("2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-"):
            with self.subTest(closed):
                status = subprocess.call(["sh", "-c", f'"$@" {closed}', "sh", *line], cwd=self.folder,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
                self.assertEqual(status, 0)
                json.loads((self.folder / "profile.json").read_text())

    def test_interruption_ends_it(self):
        process = subprocess.Popen([ROOT / "bareflow", "host", "--temp", "1"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        process.stdout.read(1)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        self.assertNotEqual(process.returncode, 0)


class Options(CommandLineTest):
    """What reaches the program from the command line; what it does there is tested beside it."""

    def test_a_conversation(self):
        process = bareflow("host", "--chat", "--chat-template", "llama2-sys", "--system", "Be kind.\n-x",
                           "--grammar", 'root ::= "a\\\\" "\n" | "b"\n', "--temp", 0,
                           "--logit-bias", "5+1", text="one\ntwo\n")
        for line in self.story_of(process).decode().splitlines():
            self.assertIn(line, ("a\\", "", "b"))
        self.assertEqual(process.stderr.count(b"stats: "), 2)

    def test_a_grammar_in_a_file(self):
        path = self.write("grammar.gbnf", b'root ::= [a-c]{4} tail # no \\n\r\ntail ::= "!"\n')
        process = bareflow("host", "--prompt", "x", "--grammar-file", path, "--temp", 1, "--seed", 2)
        self.assertRegex(self.story_of(process), rb"^x[a-c]{4}!\n$")
        path = self.write("long.gbnf", b"root ::= tail\n" + b"# not much\n" * 30_000 +
                          b'tail ::= [a-c]{4} "\xc3\xa9"\n')
        process = bareflow("host", "--prompt", "x", "--grammar-file", path, "--temp", 1, "--seed", 2)
        self.assertRegex(self.story_of(process), b"^x[a-c]{4}\xc3\xa9\n$")
        self.refused(bareflow("host", "--grammar", "root ::= none"), 1, "grammar: line 1, column 10")

    def test_a_context_that_is_short(self):
        process = bareflow("host", "--prompt", "Once", "--temp", 0, "--context", 20)
        self.assertRegex(process.stderr, rb"model: .*, context 20,")
        self.assertRegex(process.stderr, rb"prompt 2 tokens .* generated 19 tokens")
        process = bareflow("host", "--prompt", "Once upon a time", "--context", 2)
        self.assertEqual(process.returncode, 2)
        self.assertIn(b"tokens do not fit into the context of 2", process.stderr)

    def test_it_ends_before_a_reverse_prompt(self):
        whole = self.story_of(bareflow("host", *GREEDY))
        stop = whole[30:36].decode()
        process = bareflow("host", *GREEDY, "--reverse-prompt", "-never", "--reverse-prompt", stop)
        self.assertEqual(self.story_of(process), whole[:whole.index(stop.encode(), 16)] + b"\n")


class Tokens(CommandLineTest):
    def ids(self, text, *arguments):
        path = self.write("text", text)
        return self.story_of(bareflow("host", "--tokenize", path, *arguments)).decode()

    def test_the_cases_of_a_real_vocabulary(self):
        model = shared_model("ggml-vocab-llama-spm.gguf")
        texts = model.with_name(model.name + ".inp").read_bytes()
        texts = texts.split(b"\n__ggml_vocab_test__\n")[:-1]
        expected = model.with_name(model.name + ".out").read_text().splitlines()
        self.assertEqual((len(texts), len(expected)), (46, 46))
        for text, ids in zip(texts, expected):
            with self.subTest(text):
                self.assertEqual(self.ids(text, "--model", model).split(), ids.split())

    def test_every_tier_gives_the_same(self):
        text = "Tom </s>\u00e9\U0001f999 \u3000 was\tsad. ".encode() * 50 + b"\xff\xc3"
        lines = {self.ids(text, "--tier", tier) for tier in ("interp", "baseline", "auto")}
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines.pop(), "^[0-9]+( [0-9]+)*\n$")

    def test_beginning_and_control_tokens(self):
        self.assertEqual(self.ids(b"", "--bos"), "1\n")
        self.assertEqual(self.ids(b"</s>"), "2\n")
        self.assertGreater(len(self.ids(b"</s>", "--no-special").split()), 1)

    def test_a_text_that_is_not_there(self):
        self.refused(bareflow("host", "--tokenize", self.folder / "none"), 1, "--tokenize", "none")


class Reports(CommandLineTest):
    def test_promotions_and_statistics_are_on_standard_error(self):
        process = bareflow("host", *GREEDY)
        self.story_of(process)
        self.assertRegex(process.stderr.decode(),
                         r"\[jit\] \S+ interp -> baseline, [0-9,]+ bytes, [0-9.]+ ms")
        self.assertRegex(process.stderr.decode(), r"stats: .*tok/s")
        self.assertNotIn(b"[jit]", process.stdout)

    def test_the_profile_is_json(self):
        path = self.folder / "profile.json"
        self.story_of(bareflow("host", *GREEDY, "--profile", path))
        profile = json.loads(path.read_text())
        self.assertEqual(profile["version"], 1)
        functions = {row["name"]: row for row in profile["functions"]}
        self.assertEqual(functions["bf_main"]["calls"], 1)
        kernel = functions["matmul_q8_0"]
        self.assertIn(kernel["tier"], COMPILED_TIERS)
        self.assertGreater(kernel["code_bytes"], 0)
        self.assertGreater(kernel["compile_cycles"], 0)
        for row in functions.values():
            cycles = row["cycles"]
            if cycles["total"]:
                self.assertLessEqual(cycles["min"], cycles["max"])
                self.assertLessEqual(cycles["self"], cycles["total"])


class BadModels(CommandLineTest):
    def check(self, data, *words):
        path = self.write("bad.gguf", data)
        self.refused(bareflow("host", "--model", path, "--prompt", "Tom"), 1, *words)

    def test_damaged(self):
        for name, data, word in gguf_damage.damaged(STORY.read_bytes()):
            with self.subTest(name):
                self.check(data, word)

    def test_truncated(self):
        for name, data in gguf_damage.truncated(STORY.read_bytes()):
            with self.subTest(name):
                self.check(data, "model: ")


if __name__ == "__main__":
    main()
