"""What boots stays within its limits, and a size over its limit is told."""

import io
import unittest
from contextlib import redirect_stdout
from unittest import mock

from support import STORY, CommandLineTest, bareflow, main

import sizes
from cli import places


class Limits(unittest.TestCase):
    def test_a_size_over_its_limit_fails(self):
        for name, limit in sizes.LIMITS.items():
            self.assertEqual(sizes.too_large({name: limit}), [])
            self.assertEqual(sizes.too_large({name: limit + 1}), [name])
            self.assertIn("TOO LARGE", sizes.table({name: limit + 1})[0])

    def test_the_script_fails_too(self):
        with mock.patch("sys.argv", ["sizes.py", "--program", str(STORY)]), \
             redirect_stdout(io.StringIO()):
            self.assertEqual(sizes.main(), 1)


class Build(CommandLineTest):
    def test_kernel_program_and_disc(self):
        disc = self.folder / "bareflow.iso"
        self.story_of(bareflow("iso", "-o", disc))
        measured = sizes.measure(places.KERNEL, places.PROGRAM, disc, STORY)
        self.assertEqual(sorted(measured), sorted(sizes.LIMITS))
        self.assertEqual(sizes.too_large(measured), [], sizes.table(measured))


if __name__ == "__main__":
    main()
