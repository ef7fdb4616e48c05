"""Options of the program, in the IR and natively: the same text from both.

    program_options_test.py BF_NATIVE BF_HOST PROGRAM.bfir STORY.gguf
"""

import subprocess
import sys
import unittest

BF_NATIVE = BF_HOST = PROGRAM = STORY = ""


def run(program, options, prompt=None, text=""):
    command = [program, "--blob", f"model={STORY}"]
    if program == BF_HOST:
        command += ["--blob", f"program={PROGRAM}"]
    if prompt is not None:
        command += ["--text", f"prompt={prompt}"]
    for option in options:
        command += ["--option", option]
    return subprocess.run(command, input=text.encode(), capture_output=True, timeout=120)


class Sampling(unittest.TestCase):
    def story(self, *options, prompt="Once upon"):
        stories = [run(program, ("tokens=40", "seed=3", *options), prompt)
                   for program in (BF_NATIVE, BF_HOST)]
        for process in stories:
            self.assertEqual(process.returncode, 0, process.stderr)
        self.assertEqual(stories[0].stdout, stories[1].stdout)
        return stories[0].stdout

    def test_each_step_is_the_same_and_does_something(self):
        plain = ("top-k=0", "top-p=1", "min-p=0", "temp=2")
        told = {self.story(*plain)}
        steps = ("top-k=5", "top-p=0.5", "min-p=0.3", "typical=0.3", "repeat-penalty=3",
                 "frequency-penalty=5", "presence-penalty=9", "mirostat=2", "temp=0.5")
        for step in steps:
            told.add(self.story(*plain, step))
        self.assertEqual(len(told), 1 + len(steps))

    def test_the_defaults(self):
        self.assertEqual(self.story(), self.story("temp=0.8", "top-k=40", "top-p=0.95", "min-p=0.05",
                                                  "typical=1", "repeat-penalty=1"))

    def test_greedy_with_penalties(self):
        told = self.story("temp=0", "repeat-penalty=1.5", "repeat-last-n=-1")
        self.assertEqual(told, self.story("temp=0", "repeat-penalty=1.5", "repeat-last-n=-1", "seed=9"))
        self.assertNotEqual(told, self.story("temp=0"))
        self.assertEqual(self.story("temp=0", "repeat-penalty=1.5", "repeat-last-n=0"),
                         self.story("temp=0"))

    def test_biases(self):
        self.assertEqual(self.story("temp=0", "logit-bias=2+1000"), b"Once upon\n")  # the end
        process = run(BF_NATIVE, ["logit-bias=99999999+1"], "a")
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"error: logit-bias: there is no token 99999999", process.stderr)


if __name__ == "__main__":
    BF_NATIVE, BF_HOST, PROGRAM, STORY = sys.argv[1:5]
    unittest.main(argv=sys.argv[:1], verbosity=2)
