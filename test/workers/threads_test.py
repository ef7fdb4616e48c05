"""However many cores share the work, the result is the same: the same text, to the last token.

    threads_test.py BF_HOST PROGRAM.bfir STORY.gguf
"""

import subprocess
import sys
import unittest

BF_HOST = PROGRAM = STORY = ""
THREADS = (1, 2, 3, 7)
# Longer than a batch of tokens, so that both matrix-matrix and matrix-vector products are run.
PROMPT = "Once upon a time there was a little fox who liked to sit by the river. " * 5


def tell(threads, tokens, *options):
    command = [BF_HOST, "--blob", f"program={PROGRAM}", "--blob", f"model={STORY}",
               "--text", f"prompt={PROMPT}"]
    for option in (f"threads={threads}", f"tokens={tokens}", "temp=0", *options):
        command += ["--option", option]
    return subprocess.run(command, capture_output=True, timeout=250)


class Threads(unittest.TestCase):
    def same_for_all(self, tokens, *options):
        stories = {}
        for threads in THREADS:
            done = tell(threads, tokens, *options)
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


if __name__ == "__main__":
    BF_HOST, PROGRAM, STORY = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
