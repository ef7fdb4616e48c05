"""Pulls the plug during writes to FAT volumes of many kinds: fs-crash over each, with fsck.fat as judge.

    fs_crash_test.py FS_CRASH
"""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from cli import disk_fat  # noqa: E402

SBIN = "/usr/sbin:/sbin:/usr/bin:/bin"
FSCK = shutil.which("fsck.fat", path=SBIN)
MKFS = shutil.which("mkfs.fat", path=SBIN)


class PulledPlugs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.image = self.folder / "volume.img"

    def crash(self, seed, operations, sector=512, always_clean=False):
        left = self.folder / "left.img"
        command = [FS_CRASH, self.image, str(sector), str(seed), str(operations), left, FSCK]
        command += ["always-clean"] if always_clean else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        print(done.stdout.strip(), file=sys.stderr)
        return done.stdout

    def ours(self, size, sector, cluster):
        volume = disk_fat.Volume(disk_fat.Layout(size, sector, cluster), 0, 1)
        with open(self.image, "wb") as file:
            file.truncate(size)
            volume.write(file, 0)

    def theirs(self, size, *options):
        with open(self.image, "wb") as file:
            file.truncate(size)
        subprocess.run([MKFS, *options, self.image], check=True, capture_output=True)

    def test_ours(self):
        for seed, (size, sector, cluster, device) in enumerate((
                (2_000_000, 512, 512, 512), (4_000_000, 512, 4096, 512), (4_000_000, 4096, 4096, 512),
                (16_000_000, 4096, 4096, 4096), (8_192_000, 512, 4096, 4096))):
            with self.subTest(sector=sector, cluster=cluster, device=device):
                self.ours(size, sector, cluster)
                self.assertIn(" 0 reclaimed", self.crash(seed, 8, device, always_clean=True))

    def test_adopted(self):
        """Two FATs become two sets of one, without a moment in which fsck.fat would complain."""
        for seed, (size, device, options) in enumerate((
                (4 << 20, 512, ("-s", "1")), (4 << 20, 512, ("-s", "2", "-R", "8")),
                (24 << 20, 4096, ("-S", "4096", "-s", "1")))):
            with self.subTest(options=options):
                self.theirs(size, "-F", "32", *options)
                self.assertIn(" 0 reclaimed", self.crash(seed, 7, device, always_clean=True))

    def test_in_place(self):
        for seed, (size, device, options) in enumerate((
                (4 << 20, 512, ("-F", "16", "-s", "1")), (4 << 20, 512, ("-F", "32", "-s", "1", "-f", "1")),
                (8 << 20, 512, ("-F", "16", "-s", "2", "-f", "1")),
                (24 << 20, 4096, ("-F", "16", "-S", "4096", "-s", "1")))):
            with self.subTest(options=options):
                self.theirs(size, *options)
                self.assertNotIn(" 0 reclaimed", self.crash(seed, 7, device))


if __name__ == "__main__":
    FS_CRASH = sys.argv.pop(1)
    if not FSCK or not MKFS:
        print("skipped: dosfstools are missing", file=sys.stderr)
        sys.exit(77)
    unittest.main(verbosity=2)
