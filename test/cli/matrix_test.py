"""The test matrix itself, without a boot: its rows, the machines they mean, what it says at the end."""

import itertools
import unittest

from support import CommandLineTest, bareflow, main

import pairs
import qemu
from cli import arguments, matrix


class Pairs(unittest.TestCase):
    AXES = ({"a": (1, 2), "b": ("x", "y")}, {"a": (1, 2, 3), "b": (1, 2), "c": (1, 2, 3, 4), "d": ("x",)},
            matrix.AXES)

    def test_every_pair_of_values_is_in_a_row(self):
        for axes in self.AXES:
            rows = pairs.covering(axes, 3)
            for (one, a), (other, b) in ((x, y) for x, y in itertools.combinations(
                    [(axis, value) for axis in axes for value in axes[axis]], 2) if x[0] != y[0]):
                self.assertTrue(any(row[one] == a and row[other] == b for row in rows), (one, a, other, b))

    def test_rows_are_whole_and_few(self):
        for axes in self.AXES:
            rows = pairs.covering(axes, 3)
            most = sorted(map(len, axes.values()))[-2:]
            self.assertTrue(all(list(row) == list(axes) for row in rows))
            self.assertLessEqual(len(rows), most[0] * most[1] + 3)
            self.assertTrue(all(row in pairs.product(axes) for row in rows))

    def test_the_same_seed_gives_the_same_rows(self):
        self.assertEqual(pairs.covering(matrix.AXES, 5), pairs.covering(matrix.AXES, 5))


class Machines(unittest.TestCase):
    def test_both_forms_have_every_value_and_names_of_their_own(self):
        for which, least in (("pairs", 20), ("full", 240)):
            names = [case.name for case in matrix.cases(which)]
            self.assertEqual(len(names), len(set(names)))
            self.assertGreaterEqual(len(names), least + len(matrix.OTHERS))
            for axis, values in matrix.AXES.items():
                for value in values:
                    self.assertTrue(any(str(value) in name.split("-") for name in names), (axis, value))

    def test_shares_are_the_whole(self):
        everything = matrix.cases("pairs")
        shares = [matrix.share_of(everything, (i, 4)) for i in range(1, 5)]
        self.assertEqual(sorted(case.name for share in shares for case in share),
                         sorted(case.name for case in everything))

    def test_a_case_is_what_its_line_says(self):
        for case in matrix.cases("full"):
            if not isinstance(case, matrix.Run):
                continue
            parsed = arguments.parse(case.words)
            firmware, board, cpu, cores, source = case.columns
            self.assertEqual((parsed.uefi, parsed.machine, parsed.cpu, parsed.smp, parsed.disk),
                             (firmware == "uefi", board, cpu, cores,
                              None if source == "module" else source))

    def test_every_kind_of_disk_has_a_controller_on_every_machine(self):
        for board, kind in itertools.product(("pc", "q35"), qemu.DISKS):
            line = qemu.disk_arguments(qemu.Machine(iso="", machine=board, disk=kind, disk_image="x"))
            self.assertEqual(sum("drive=disk" in word for word in line), 1)
            self.assertEqual("piix4-ide,id=disk-ide" in line, (board, kind) == ("q35", "ide"))


class Verdicts(unittest.TestCase):
    CASE = matrix.Run("uefi", "q35", "Haswell", 2, "nvme")
    LOG = b"cores: 2 of 2 (xAPIC)\n[boot] model: story.gguf, 9 bytes from nvme0, partition 1 in 0 ms\n"

    def test_what_is_wrong(self):
        right = matrix.Outcome(b"text", self.LOG)
        self.assertIsNone(matrix.wrong(self.CASE, right, b"text"))
        self.assertIn("another text", matrix.wrong(self.CASE, right, b"other"))
        for log, word in ((self.LOG.replace(b"2 of 2", b"1 of 2"), "2 cores"),
                          (self.LOG.replace(b"nvme0", b"ahci0"), "nvme")):
            self.assertIn(word, matrix.wrong(self.CASE, matrix.Outcome(b"text", log), b"text"))

    def test_the_table_fits_80_columns_and_names_what_failed(self):
        rows = [dict(zip(matrix.AXES, case.columns), name=case.name, seconds=399.9, passed=True)
                for case in matrix.cases("full")]
        self.assertLessEqual(max(map(len, matrix.table(rows))), 80)
        rows[-1] |= {"passed": False, "problem": "it hangs", "log": "x.log", "run": self.CASE.by_hand}
        said = "\n".join(matrix.table(rows))
        self.assertIn("it hangs", said)
        self.assertIn("./bareflow run --prompt 'Once upon a time' --temp 0 --tokens 12 --machine q35 "
                      "--cpu Haswell --smp 2 --uefi --disk nvme", said)


class WrongUse(CommandLineTest):
    def test_one_line_and_status_2(self):
        for words, word in ((["--matrix", "all"], "pairs"), (["--share", "5/4"], "1/4"),
                            (["--jobs", "0"], "--jobs"), (["--plug", "0"], "--plug"),
                            (["--matrix", "--plug"], "not allowed"), (["--plug", "--list"], "--list"),
                            (["--plug", "--seed", "-1"], "--seed"),
                            (["--matrix", "full", "--list", "toaster"], "toaster"),
                            (["--matrix", "--suite", "unit"], "--suite")):
            with self.subTest(" ".join(words)):
                self.refused(bareflow("test", *words), 2, word)

    def test_the_list(self):
        listed = self.story_of(bareflow("test", "--matrix", "full", "--list", "uefi-pc-*-8-nvme"))
        self.assertEqual(len(listed.split()), 4)


if __name__ == "__main__":
    main()
