"""`./bareflow disk` as people use it: the image, what it says, and that a failure leaves nothing behind."""

import shutil
import subprocess

from support import STORY, CommandLineTest, bareflow, main

from cli import disk, disk_tables

FSCK = shutil.which("fsck.fat", path="/usr/sbin:/sbin:/usr/bin:/bin")


class Disks(CommandLineTest):
    def test_a_volume_with_two_models(self):
        model = self.write("another model.gguf", b"GGUF" + bytes(100_000) + b"end")
        image = self.folder / "disk.img"
        process = bareflow("disk", "-o", image, "--model", STORY, "--model", model, "--table", "none",
                           "--size", "100M")
        self.story_of(process)
        self.assertIn(b"FAT32 with", process.stderr)
        self.assertEqual(image.stat().st_size, 100 << 20)
        self.assertLess(image.stat().st_blocks * 512, STORY.stat().st_size + (4 << 20))
        self.assertIn(STORY.read_bytes(), image.read_bytes())
        if FSCK:
            checked = subprocess.run([FSCK, "-n", image], capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stdout)
            self.assertEqual(len(checked.stdout.splitlines()), 2, checked.stdout)
            self.assertIn("4 files", checked.stdout)

    def test_a_run_knows_the_sectors_that_an_image_was_made_for(self):
        for table in ("gpt", "mbr", "none"):
            for sector_bytes in (512, 2048, 4096):
                image = self.folder / f"{table}-{sector_bytes}.img"
                disk.make(image, [], table, sector_bytes)
                self.assertEqual(disk_tables.sector_bytes_of(image), sector_bytes, image.name)
        empty = self.write("empty.img", b"")
        self.assertEqual(disk_tables.sector_bytes_of(empty), 512)
        self.refused(bareflow("run", "--disk", "ahci", "--disk-image", self.folder / "gpt-4096.img"), 1,
                     "--disk nvme")

    def test_failures_leave_nothing_behind(self):
        image = self.folder / "disk.img"
        for size in ("1M", "32M"):
            self.refused(bareflow("disk", "-o", image, "--size", size), 1, "larger --size")
        twice = self.folder / "sub"
        twice.mkdir()
        (twice / STORY.name).write_bytes(b"GGUF")
        self.refused(bareflow("disk", "-o", image, "--model", STORY, "--model", twice / STORY.name), 1,
                     "two models are called")
        self.assertEqual(list(self.folder.glob("disk*")), [])


if __name__ == "__main__":
    main()
