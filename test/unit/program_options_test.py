"""Options of the program, in the IR and natively: the same text from both.

    program_options_test.py BF_NATIVE BF_HOST PROGRAM.bfir STORY.gguf
"""

import ast
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

BF_NATIVE = BF_HOST = PROGRAM = STORY = ""


def models():
    """The story model, and a real one where the shared models are."""
    real = pathlib.Path(os.environ.get("BAREFLOW_SHARED_MODELS", "")) / "stories260K.gguf"
    return [STORY] + ([str(real)] if real.is_file() else [])


def run(program, options, prompt=None, text="", model=None):
    command = [program, "--blob", f"model={model or STORY}"]
    if program == BF_HOST:
        command += ["--blob", f"program={PROGRAM}"]
    if prompt is not None:
        command += ["--text", f"prompt={prompt}"]
    for option in options:
        command += ["--option", option]
    return subprocess.run(command, input=text.encode(), capture_output=True, timeout=120)


def both(options, prompt=None, text="", model=None):
    """The same run natively and in the IR: one result, and it went well."""
    done = [run(program, options, prompt, text, model) for program in (BF_NATIVE, BF_HOST)]
    for process in done:
        assert process.returncode == 0, process.stderr
    assert done[0].stdout == done[1].stdout, (done[0].stdout, done[1].stdout)
    return done[0]


def counted(process):
    """Of each story or answer: how many tokens were read, and how many generated."""
    return [tuple(map(int, pair)) for pair in
            re.findall(rb"stats: prompt (\d+) tokens .*, generated (\d+) tokens", process.stderr)]


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


class Stops(unittest.TestCase):
    def test_a_stop_string_is_not_printed_nor_what_is_behind_it(self):
        whole = both(["temp=0", "tokens=60"], "Once upon a time").stdout.decode()[:-1]
        behind = whole[len("Once upon a time"):]
        for first in range(0, len(behind) - 12, 7):
            stop = behind[first:first + 3 + first % 9]
            told = both(["temp=0", "tokens=60", "reverse-prompt=never this",
                         f"reverse-prompt={stop}"], "Once upon a time")
            expected = whole[:len("Once upon a time") + behind.index(stop)] + "\n"
            self.assertEqual(told.stdout.decode(), expected, stop)

    def test_what_only_begins_like_one_is_printed(self):
        whole = both(["temp=0", "tokens=60"], "Once upon a time").stdout
        beginnings = [f"reverse-prompt={whole.decode()[at:at + 4]}~" for at in range(16, 60)]
        self.assertEqual(both(["temp=0", "tokens=60", *beginnings], "Once upon a time").stdout, whole)

    def test_several_lines_in_one(self):
        told = both(["grammar=root ::= \"xabc\"", "reverse-prompt=abc", "reverse-prompt=xabcd"], "Hi")
        self.assertEqual(told.stdout, b"Hix\n")  # what is whole counts, not what begins before it
        told = run(BF_NATIVE, ["grammar=root ::= \"a\\\\n\\\\nb\"", "reverse-prompt=\\n\\nb"], "x")
        self.assertEqual(told.stdout, b"xa\n")


class Shifts(unittest.TestCase):
    def test_a_story_with_a_length_goes_on_beyond_the_context(self):
        options = ["temp=0", "tokens=150", "context=32", "logit-bias=2-inf", "logit-bias=1-inf"]
        told = both(options, "Once upon a time")
        self.assertEqual(counted(told)[0][1], 150)
        self.assertIn(b"context: full, so 16 tokens are forgotten and 16 read again", told.stderr)
        within = both([*options, "context-shift=0"], "Once upon a time")
        self.assertTrue(told.stdout.startswith(within.stdout[:-1]))
        self.assertLess(counted(within)[0][1], 33)
        without = both([option for option in options if "tokens" not in option], "Once upon a time")
        self.assertEqual(without.stdout, within.stdout)

    def test_what_is_left_is_read_as_if_it_were_the_beginning(self):
        # Contexts that divide the same forgotten past differently still go on from what is left.
        for context, model in ((16, STORY), (31, STORY), (100, models()[-1])):
            told = both(["seed=4", "tokens=200", f"context={context}", "logit-bias=1-inf",
                         "logit-bias=2-inf"], "Tom", model=model)
            self.assertEqual(counted(told)[0][1], 200)
            self.assertGreater(told.stderr.count(b"context: full"), 0)


class Conversations(unittest.TestCase):
    CHAT = ("chat=1", "chat-template=tinyllama", "temp=0.8", "seed=1")

    def test_only_what_is_new_is_read(self):
        told = both([*self.CHAT, "tokens=8"], text="Hello\nHow are you?\nHow are you?\n")
        self.assertEqual(len(told.stdout.splitlines()), 3)
        reads = [read for read, _ in counted(told)]
        # The second and third turns are alike; the first has the beginning of the sequence, but no
        # end of an answer before it.
        self.assertEqual(len(reads), 3)
        self.assertLess(abs(reads[1] - reads[2]), 3)

    def test_long_conversations_go_over_the_end_of_the_context(self):
        lines = "".join(f"Tell me of number {i}.\n" for i in range(20))
        for model in models():
            told = both([*self.CHAT, "tokens=20", "context=90", "system=Be kind.\\nBe brief."],
                        text=lines, model=model)
            self.assertEqual(len(counted(told)), 20)
            self.assertGreater(told.stderr.count(b"context: full"), 3)
        stopped = run(BF_NATIVE, [*self.CHAT, "tokens=20", "context=90", "context-shift=0"], text=lines)
        self.assertEqual(stopped.returncode, 2)
        self.assertIn(b"error: message: the context is full", stopped.stderr)

    def test_a_message_that_cannot_fit_is_passed_over(self):
        told = run(BF_NATIVE, [*self.CHAT, "tokens=4", "context=60"],
                   text="Hello\n" + "word " * 100 + "\nHello\n")
        self.assertEqual(told.returncode, 2)
        self.assertEqual(len(counted(told)), 2)
        self.assertEqual(told.stderr.count(b"error: message: "), 1)

    def test_a_prompt_is_one_message(self):
        told = both([*self.CHAT, "tokens=5"], "Hello")
        self.assertEqual(len(counted(told)), 1)
        self.assertNotIn(b"Hello", told.stdout)

    def test_a_grammar_holds_for_each_answer(self):
        told = both([*self.CHAT, "tokens=5", "grammar=root ::= [ab]{2}"], text="x\ny\n")
        self.assertRegex(told.stdout, rb"^[ab]{2}\n[ab]{2}\n$")

    def test_an_end_that_is_no_token_is_a_stop_string(self):
        told = both(["chat=1", "chat-template=chatml", "tokens=40",
                     'grammar=root ::= "yes<|im_end|>" [a-z]+'], text="x\ny\n")
        self.assertEqual(told.stdout, b"yes\nyes\n")

    def test_refusals(self):
        for options, word in ((["chat=1"], b"it has no chat template"),
                              (["chat=1", "chat-template=x"], b"chat-template='x' is not known"),
                              (["system=x"], b"give --chat")):
            refused = run(BF_NATIVE, options, "a")
            self.assertIn(refused.returncode, (1, 2))
            self.assertIn(word, refused.stderr)
            self.assertEqual(refused.stdout, b"")
            if b"template" in word:
                self.assertIn(b"chatml, llama2, llama2-sys", refused.stderr)
                self.assertIn(b"gemma", refused.stderr)


if __name__ == "__main__":
    BF_NATIVE, BF_HOST, PROGRAM, STORY = sys.argv[1:5]
    unittest.main(argv=sys.argv[:1], verbosity=2)
