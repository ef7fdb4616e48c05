"""The benchmark of models: it runs, its numbers hang together, its tables fit. Nothing is timed."""

import json
import unittest
from unittest import mock

from support import ROOT, CommandLineTest, bareflow, main, shared_model

from cli import places, results
from model import engines, measure, profile, tables
from model.facts import Facts

STORY = ROOT / "models" / "story.gguf"
LIMITS = {"threads": 2, "read_gb_s": 50.0, "int8_gops": 900.0, "int8_by": "vpdpbusd, 512 bits",
          "f32_gflops": 225.0, "f32_by": "vfmadd231ps, 512 bits"}


def tensor(name, shape, kind, size):
    weights = shape[0] * (shape[1] if len(shape) > 1 else 1)
    return {"name": name, "shape": shape, "format": kind, "weights": weights, "bytes": size}


def small(*more):
    return {"metadata": {"general.architecture": "llama", "general.file_type": 2},
            "tensors": [tensor("token_embd.weight", [1000, 1000], "Q4_0", 562500),
                        tensor("output_norm.weight", [1000], "F32", 4000),
                        tensor("blk.0.attn_q.weight", [1000, 1000], "Q4_0", 562500), *more]}


class Facts_(unittest.TestCase):
    def test_embeddings_are_read_where_they_are_the_output_too(self):
        output = tensor("output.weight", [1000, 1000], "F16", 2_000_000)
        self.assertEqual(Facts(small()).bytes_per_token(), 2 * 562500)
        self.assertEqual(Facts(small(output)).bytes_per_token(), 562500 + 2_000_000)

    def test_what_is_possible(self):
        facts = Facts(small(tensor("output.weight", [1000, 1000], "F16", 2_000_000)))
        self.assertAlmostEqual(facts.at_most(LIMITS, "tg", 32), 50e9 / 2_562_500)
        # 100 tokens through one matrix of bytes, one through one of floats.
        seconds = 100 * 2e6 / 900e9 + 2e6 / 225e9
        self.assertAlmostEqual(facts.at_most(LIMITS, "pp", 100), 100 / seconds)

    def test_names(self):
        self.assertEqual(Facts(small()).name, "llama 2.00M Q4_0")


class Numbers(unittest.TestCase):
    def test_engines_take_turns(self):
        order = []

        class Fake:
            def __init__(self, name):
                self.name = name

            def run(self, work, tokens):
                order.append(self.name)
                return 1000

        times = measure.in_turn([Fake("a"), Fake("b")], "prompt", 5, 3)
        self.assertEqual("".join(order), "abbaab")
        self.assertEqual(times, {"a": [1000] * 3, "b": [1000] * 3})

    def test_first_tokens(self):
        class Fake:
            times = iter([400, 200, 106, 105, 100, 300] + [100] * 100)

            def run(self, work, tokens):
                self.asked = (work, tokens)
                return next(self.times)

        engine = Fake()
        first = measure.first_tokens(engine)
        self.assertEqual(engine.asked, ("generate", 1))
        self.assertEqual((first["final"], first["fast_from"]), (100, 4))
        self.assertEqual(first["nanoseconds"][:3], [400, 200, 106])

    def test_speeds_and_ratios(self):
        speed = measure.speeds([500_000_000, 1_000_000_000], 32)
        self.assertEqual((speed["best"], speed["mean"]), (64, 48))
        self.assertEqual(measure.ratio([1, 1, 2], [2, 2, 2]), 2)

    def test_names_of_functions_are_short(self):
        name = ("inference::parallel_for<void inference::(anonymous namespace)::for_each_token<"
                "inference::Transformer::attend(inference::Layer const&, unsigned long)::$_1>("
                "unsigned long)>(unsigned long)")
        self.assertEqual(profile._short(name), "Transformer::attend, a part")
        self.assertEqual(profile._short("inference::Transformer::read"), "Transformer::read")
        self.assertEqual(profile._short("matmul_q4_0"), "matmul_q4_0")


class Kept(CommandLineTest):
    def test_a_section_for_each_machine_and_subject(self):
        (self.folder / "bench").mkdir()
        with mock.patch.object(places, "ROOT", self.folder):
            for subject, machine, value in (("b", "X", 1), ("a", "X", 2), ("b", "Y", 3), ("b", "X", 4)):
                results.keep("tests", "# Kept\n", subject, {"machine": machine, "value": value},
                             lambda one: [f"value {one['value']}\n"])
        text = (self.folder / "bench" / "RESULTS-tests.md").read_text()
        self.assertEqual(text, "# Kept\n\n## a, X\n\nvalue 2\n\n## b, X\n\nvalue 4\n\n## b, Y\n\n"
                               "value 3\n")


class Exact_(CommandLineTest):
    """The reference that accuracy is measured against, against one computed elsewhere."""

    def test_logits_of_a_shared_model(self):
        try:
            import numpy
        except ImportError:
            self.skipTest("no numpy here")
        from model.exact import Exact, divergence
        tokens = [int(word) for word in
                  shared_model("formats/tokens.txt").read_text().replace(",", " ").split()]
        for name in ("f32", "Q4_K_M", "IQ4_XS"):
            out = self.folder / "exact.gguf"
            process = bareflow("gguf", "convert", shared_model(f"formats/{name}.gguf"), out,
                               "--format", "F32")
            self.assertEqual(process.returncode, 0, process.stderr)
            logits = Exact(out).logits(tokens)
            theirs = numpy.fromfile(shared_model(f"formats/exact/{name}.f32"), "<f4")
            theirs = theirs.reshape(logits.shape)
            self.assertLess(divergence(logits, theirs), 2e-6)
            self.assertEqual(divergence(logits, logits), 0)
            self.assertGreater(divergence(logits, theirs[::-1]), 0.1)


class Runs(CommandLineTest):
    def bench(self, *words):
        return bareflow("bench", "--model", STORY, "--threads", "1", "-p", "8,20", "-n", "4",
                        "--repeat", "2", *words)

    def test_json(self):
        process = self.bench("--json")
        self.assertEqual(process.returncode, 0, process.stderr)
        result = json.loads(process.stdout)
        self.assertEqual([row["test"] for row in result["tests"]], ["pp8", "pp20", "tg4"])
        for row in result["tests"]:
            self.assertEqual(len(row["speeds"]["BareFlow"]["tokens_per_second"]), 2)
            self.assertGreater(row["at_most"], 0)
            self.assertAlmostEqual(sum(share for _, _, share in row["functions"]), 1, places=3)
        self.assertEqual([row["test"] for row in result["tests"] if "first_tokens" in row], ["tg4"])
        result["tests"][0]["speeds"]["llama.cpp"] = result["tests"][0]["speeds"]["BareFlow"]
        result["tests"][0]["ratio"] = 1.0
        for lines in tables.all_tables(result).values():
            self.assertLessEqual(max(map(len, lines)), 80)

    def test_an_engine_that_only_reads(self):
        self.bench("-n", "0")    # builds it
        bytes_read = 8 << 20
        with engines.Engine("reading", [places.LIMITS, 1, bytes_read], self.folder / "log") as reader:
            times = [reader.run("generate", tokens) for tokens in (1, 400)]
        self.assertGreater(times[1], times[0])    # 400 times as much
        with self.assertRaisesRegex(engines.EngineFailed, "status 2"):
            engines.Engine("reading", [places.LIMITS, 1, 1], self.folder / "log").__enter__()

    def test_nothing_to_measure_is_no_failure(self):
        process = bareflow("bench", "--model", STORY, "-p", "0", "-n", "0")
        self.assertEqual(process.returncode, 0, process.stderr)

    def test_what_the_engine_refuses_is_one_line(self):
        process = self.bench("--isa", "mmx")
        self.assertEqual(process.returncode, 1)
        self.assertIn("error: BareFlow ended with status 2: ", process.stderr.decode())

    def test_a_damaged_model(self):
        process = bareflow("bench", "--model", self.write("bad.gguf", b"GGUF but not really"))
        self.assertEqual(process.returncode, 1)
        self.assertRegex(process.stderr.decode().splitlines()[-1], "^error: .*bad.gguf: ")


class Tool(CommandLineTest):
    def test_gguf_is_the_tool(self):
        process = bareflow("gguf", "inspect", "--json", STORY)
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertIn("tensors", json.loads(process.stdout))
        process = bareflow("gguf", "inspect", "--help")
        self.assertIn(b"usage: bf-gguf inspect", process.stdout)


if __name__ == "__main__":
    main()
