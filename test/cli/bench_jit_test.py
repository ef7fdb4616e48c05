"""The benchmark of the JIT: its programs run the same in every tier, and its tables hold together.

Nothing is timed here.
"""

import json
import unittest

from support import ROOT, CommandLineTest, bareflow, main

from cli import bench_jit
from jit import memory, programs, speed, tables


def result_of(speeds, **more):
    """A result of speed.measure for one program, nbody, native taking a second."""
    row = {name: {"seconds": 1 / value, "speed": value} for name, value in speeds.items()}
    engines = [name for name in speeds if name != "native"]
    return {"engines": engines, "programs": {"nbody": {**row, **more}},
            "geomean": {name: speeds[name] for name in engines}}


class Tables(unittest.TestCase):
    def test_interpreters_are_times_slower_and_tiers_are_ratios(self):
        lines = tables.speed(result_of({"native": 1, "interp": 0.1, "opt": 0.5}))
        self.assertIn("10.0x", lines[1])
        self.assertIn("0.50", lines[1])
        self.assertTrue(all(len(line) <= 80 for line in lines))

    def test_who_is_behind_is_told_with_a_reason(self):
        text = " ".join(tables.behind(result_of({"native": 1, "baseline": 0.5, "opt": 0.8})))
        self.assertIn("nbody 0.80: ", text)
        self.assertEqual(tables.behind(result_of({"native": 1, "baseline": 0.5, "opt": 1.1})), [])

    def test_wrong_output_is_a_failure(self):
        result = result_of({"native": 1}, opt={"wrong": "status 1"})
        self.assertEqual(tables.failures(result), ["nbody, opt: status 1"])

    def test_notes_are_about_programs(self):
        self.assertEqual(set(tables.notes()) - set(programs.names()), set())

    def test_the_mean_is_geometric(self):
        self.assertAlmostEqual(speed.geometric_mean([0.5, 2.0]), 1.0)
        self.assertIsNone(speed.geometric_mean([]))


class Programs(unittest.TestCase):
    def test_every_program_has_a_size_and_says_what_it_is(self):
        self.assertGreaterEqual(len(programs.names()), 15)
        for name in programs.names():
            text = (programs.FOLDER / f"{name}.c").read_text()
            self.assertTrue(text.startswith("// "), name)
            self.assertRegex(text, programs.SIZE, name)

    def test_the_program_of_a_thousand_functions_is_always_the_same(self):
        self.assertEqual(memory.source(), memory.source())
        self.assertEqual(memory.source(20).count("noinline"), 19)

    def test_the_readme_has_a_place_for_the_table(self):
        text = (ROOT / "README.md").read_text()
        start, end = (text.find(marker) for marker in bench_jit.MARKERS)
        self.assertTrue(0 <= start < end)


class Command(CommandLineTest):
    def test_two_programs_in_two_tiers(self):
        done = bareflow("bench", "jit", "--json", "--repeat", 1, "--programs", "queens,fannkuch",
                        "--tiers", "interp,baseline", "--parts", "speed,compile,memory")
        results = json.loads(self.story_of(done))
        self.assertEqual(sorted(results["speed"]["programs"]), ["fannkuch", "queens"])
        for rows in results["speed"]["programs"].values():
            self.assertEqual(sorted(rows), ["baseline", "interp", "native", "orc"])
            self.assertTrue(all("speed" in row for row in rows.values()), rows)
        self.assertGreater(results["compile_time"]["totals"]["baseline"]["faster"], 0)
        self.assertEqual(results["memory"]["tiers"]["baseline"]["compiled"], 1000)

    def test_what_is_not_there_is_refused(self):
        self.refused(bareflow("bench", "jit", "--programs", "nothing"), 1, "nothing", "nbody")


if __name__ == "__main__":
    main()
