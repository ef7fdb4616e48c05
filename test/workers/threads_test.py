"""However many cores share the work, the result is the same: the same text, to the last token, and
the same logits of every position, to the last bit.

    threads_test.py BF_HOST PROGRAM.bfir STORY.gguf
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

BF_HOST = PROGRAM = STORY = ""
THREADS = (1, 2, 3, 7)
# Longer than a batch of tokens, so that both matrix-matrix and matrix-vector products are run.
PROMPT = "Once upon a time there was a little fox who liked to sit by the river. " * 5


def run(threads, *options, arguments=()):
    command = [BF_HOST, "--blob", f"program={PROGRAM}", "--blob", f"model={STORY}",
               "--text", f"prompt={PROMPT}", *arguments]
    for option in (f"threads={threads}", *options):
        command += ["--option", option]
    return subprocess.run(command, capture_output=True, timeout=250)


def logits(threads, *options):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "logits"
        done = run(threads, "logits=1", *options, arguments=("--stream", f"logits={file}"))
        return done, file.read_bytes()


class Threads(unittest.TestCase):
    def same_for_all(self, tokens, *options):
        stories = {}
        for threads in THREADS:
            done = run(threads, f"tokens={tokens}", "temp=0", *options)
            self.assertEqual(done.returncode, 0, done.stderr)
            stories[threads] = done.stdout
        self.assertGreater(len(stories[1]), len(PROMPT) + tokens)
        for threads in THREADS:
            self.assertEqual(stories[threads], stories[1], f"{threads} threads")

    def test_interpreted(self):
        self.same_for_all(20, "tier=interp")

    def test_baseline(self):
        self.same_for_all(100, "tier=baseline")

    def test_tiers_change_as_they_do(self):
        self.same_for_all(150)

    def test_tiers_change_at_once(self):
        self.same_for_all(100, "thresholds=1,2,3,4")

    def test_compiled_beside_the_program(self):
        self.same_for_all(100, "compile-threads=1")

    def test_profile_names_the_work_that_is_shared(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "profile.json"
            done = run(2, "tokens=20", arguments=("--stream", f"profile={file}"))
            self.assertEqual(done.returncode, 0, done.stderr)
            shared = {loop["name"]: loop["items"] for loop in json.loads(file.read_text())["shared"]}
        products = [items for name, items in shared.items() if "multiply_rows" in name]
        self.assertTrue(products, shared)
        self.assertTrue(all(len(items) == 2 for items in products), shared)

    def same_logits(self, *options):
        for batch in ("batch=1", "batch=64"):
            by_threads = {}
            for threads in THREADS:
                done, by_threads[threads] = logits(threads, batch, *options)
                self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreater(len(by_threads[1]), 4 * 80 * 1000)  # tokens, pieces
            for threads in THREADS:
                self.assertTrue(by_threads[threads] == by_threads[1], f"{threads} threads, {batch}")

    def test_logits_interpreted(self):
        self.same_logits("tier=interp")

    def test_logits_of_baseline_code(self):
        self.same_logits("tier=baseline")

    def test_logits_while_tiers_change(self):
        self.same_logits()

    def test_logits_for_each_instruction_set(self):
        self.same_logits("isa=sse2")
        self.same_logits("isa=avx2")


if __name__ == "__main__":
    BF_HOST, PROGRAM, STORY = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
