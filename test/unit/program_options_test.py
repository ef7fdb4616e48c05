"""Options of the program, in the IR and natively: the same text from both.

    program_options_test.py BF_NATIVE BF_HOST PROGRAM.bfir STORY.gguf
"""

import ast
import json
import re
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


JSON = r"""
root   ::= object
value  ::= object | array | string | number | "true" | "false" | "null"
object ::= "{" ( string ":" value ("," string ":" value){0,3} )? "}"
array  ::= "[" ( value ("," value){0,3} )? "]"
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-c]{4}) ){0,12} "\""
number ::= "-"? ("0" | [1-9] [0-9]{0,6}) ("." [0-9]{1,4})? ([eE] [-+]? [0-9]{1,2})?
"""
ARITHMETIC = """
root ::= expression "\\n"
expression ::= term ([-+*] term){0,4}   # no spaces
term ::= [1-9] [0-9]{0,3} | "(" expression ")"
"""
CHESS = """
root ::= ("1. " move " " move "\\n"){1,4}
move ::= (pawn | nonpawn | castle) [+#]?
nonpawn ::= [NBKQR] [a-h]? [1-8]? "x"? [a-h] [1-8]
pawn ::= ([a-h] "x")? [a-h] [1-8] ("=" [NBKQR])?
castle ::= "O-O" "-O"?
"""
CHESS_MOVE = "([NBKQR][a-h]?[1-8]?x?[a-h][1-8]|([a-h]x)?[a-h][1-8](=[NBKQR])?|O-O(-O)?)[+#]?"
SCRIPTS = """
root ::= ([\u03b1-\u03c9]{2} "\u00e9" [\U0001f600-\U0001f64f] [^\\x00-\\uffff]){3,5} .{3}
"""


def is_sum(text):
    return re.fullmatch(r"[-+*()0-9]+\n", text) is not None and ast.parse(text.strip()) is not None


def matches(pattern):
    return lambda text: re.fullmatch(pattern, text, re.S) is not None


class Grammars(unittest.TestCase):
    """Texts of a model that knows nothing of a grammar, held to it and then checked without it."""

    GRAMMARS = (
        ("json", JSON, lambda text: isinstance(json.loads(text, strict=True), dict)),
        ("arithmetic", ARITHMETIC, is_sum),
        ("list", 'root ::= ("- " [A-Z] [a-z ]{1,30} "\\n"){2,4}',
         matches("(- [A-Z][a-z ]{1,30}\n){2,4}")),
        ("chess", CHESS, matches(f"(1\\. {CHESS_MOVE} {CHESS_MOVE}\n){{1,4}}")),
        ("scripts", SCRIPTS, matches("([\u03b1-\u03c9]{2}\u00e9[\U0001f600-\U0001f64f]"
                                     "[\U00010000-\U0010ffff]){3,5}.{3}")),
        ("empty", 'root ::= ""', lambda text: text == ""),
    )

    @staticmethod
    def escaped(grammar):
        return "grammar=" + grammar.replace("\\", "\\\\").replace("\n", "\\n")

    def test_texts_are_of_the_grammar(self):
        for name, grammar, fits in self.GRAMMARS:
            whole = 0
            for seed in range(12):
                with self.subTest(name, seed=seed):
                    options = [self.escaped(grammar), "tokens=400", "temp=1.5", f"seed={seed}",
                               "top-k=0" if seed % 2 else "top-k=40"]
                    process = run(BF_NATIVE, options, "A" if seed % 3 else "")
                    self.assertEqual(process.returncode, 0, process.stderr)
                    generated = int(re.search(rb"generated (\d+) tokens", process.stderr).group(1))
                    if generated == 400:
                        continue
                    whole += 1
                    text = process.stdout.decode("utf-8", "strict")
                    text = text[1 if seed % 3 else 0:-1]
                    self.assertTrue(fits(text), text)
            self.assertGreater(whole, 5, name)

    def test_the_same_in_the_ir(self):
        for name, grammar, _ in self.GRAMMARS:
            for options in (("temp=0",), ("temp=2", "seed=5"), ("mirostat=2", "seed=6")):
                with self.subTest(name, options=options):
                    told = [run(program, [self.escaped(grammar), "tokens=60", *options], "So ").stdout
                            for program in (BF_NATIVE, BF_HOST)]
                    self.assertEqual(*told)

    def test_each_text_begins_anew(self):
        process = run(BF_NATIVE, ["grammar=root ::= [ab]{3}", "tokens=9", "seed=1"], text="x\ny\n")
        self.assertRegex(process.stdout, rb"^[ab]{3}\nx[ab]{3}\ny[ab]{3}\n$")

    def test_refusals(self):
        for grammar, word in (("root ::= a", "line 1, column 10"), ("root ::= root", "recursion"),
                              ("root ::= \\n|", "")):
            process = run(BF_NATIVE, ["grammar=" + grammar], "a")
            self.assertEqual(process.returncode, 1 if word else 0, process.stderr)
            self.assertIn(word.encode(), process.stderr)


if __name__ == "__main__":
    BF_NATIVE, BF_HOST, PROGRAM, STORY = sys.argv[1:5]
    unittest.main(argv=sys.argv[:1], verbosity=2)
