"""What the tests of the command line share: calling ./bareflow, finding models."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
STORY = ROOT / "models" / "story.gguf"

# Of a function that is called often; how far it climbs depends on the clock.
COMPILED_TIERS = ("baseline", "opt", "spec", "tuned")

sys.path[:0] = [str(SCRIPTS), str(ROOT / "bench")]


def bareflow(*arguments, text="", cwd=None, environment=None, timeout=240):
    """The finished process of one ./bareflow, with `text` as its standard input."""
    return subprocess.run([str(ROOT / "bareflow"), *map(str, arguments)], input=text.encode(),
                          capture_output=True, timeout=timeout, cwd=cwd,
                          env=dict(os.environ, **(environment or {})))


def shared_model(name):
    """A model that is no part of the project; without it the test is skipped."""
    folder = os.environ.get("BAREFLOW_SHARED_MODELS", "")
    path = Path(folder) / name
    if not folder or not path.exists():
        raise unittest.SkipTest("no shared models here")
    return path


def words_of(process):
    """Standard error, to show where a check fails."""
    return process.stderr.decode(errors="replace")[-3000:]


class CommandLineTest(unittest.TestCase):
    """Checks of finished processes, and a folder that goes away after each test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def story_of(self, process):
        """The standard output of a run that ended well."""
        self.assertEqual(process.returncode, 0, words_of(process))
        return process.stdout

    def refused(self, process, status, *words):
        """One line that says 'error: ...' and holds `words`, that status, and no product."""
        self.assertEqual(process.returncode, status, words_of(process))
        self.assertEqual(process.stdout, b"")
        errors = [line for line in process.stderr.decode(errors="replace").splitlines()
                  if line.startswith("error: ")]
        self.assertEqual(len(errors), 1, words_of(process))
        for word in words:
            self.assertIn(word, errors[0])


def main():
    """Runs the tests of a file; where all that were asked for are skipped, tells meson so."""
    result = unittest.main(module="__main__", verbosity=2, exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if len(result.skipped) >= result.testsRun else 0)
