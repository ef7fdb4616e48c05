"""Our file systems and other people's: each reads what the other wrote.

    fs_tools_test.py FS_TOOL
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from cli import disk, disk_fat  # noqa: E402

SBIN = "/usr/sbin:/sbin:/usr/bin:/bin"
NEEDED = ("fsck.fat", "mkfs.fat", "mcopy", "sgdisk", "sfdisk", "genisoimage", "xorriso")
TOOL = {name: shutil.which(name, path=SBIN) for name in NEEDED}
NAMES = ("README.TXT", "lower.txt", "A long name of a file.gguf", "sixteen.letters.x",
         "x" * 200 + ".bin", "\u00dcml\u00e4ut \u20ac.txt", "no extension",
         ".hidden", "tiny.q4_0.gguf", "a+b=c,(d);e.txt")


class Images(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.image = self.folder / "disk.img"
        self.random = random.Random(5)

    def run_tool(self, *command, ok=True, text=False):
        environment = dict(os.environ, MTOOLS_SKIP_CHECK="1", LC_ALL="C.UTF-8", TZ="UTC")
        done = subprocess.run([str(word) for word in command], capture_output=True, env=environment, timeout=120)
        if ok:
            self.assertEqual(done.returncode, 0, f"{command}: {done.stderr} {done.stdout[-500:]}")
        return done.stdout.decode() if text else done.stdout

    def ours(self, *arguments, sector=512, **options):
        return self.run_tool(FS_TOOL, "--sector", sector, self.image, *arguments, **options)

    def make(self, size, *options):
        with open(self.image, "wb") as file:
            file.truncate(size)
        self.run_tool(TOOL["mkfs.fat"], *options, self.image)

    def check(self, offset=0):
        if offset:
            part = self.folder / "part.img"
            with open(self.image, "rb") as file:
                file.seek(offset)
                part.write_bytes(file.read())
            return self.run_tool(TOOL["fsck.fat"], "-n", part, text=True)
        return self.run_tool(TOOL["fsck.fat"], "-n", self.image, text=True)

    def content(self, size):
        return self.random.randbytes(size)

    def listing(self, **options):
        lines = self.ours("ls", text=True, **options).splitlines()
        return {line.split(" ", 2)[2]: line.split(" ", 2)[1] for line in lines}


KINDS = (
    (1440 << 10, 512, ("-F", "12")), (8 << 20, 512, ("-F", "12", "-s", "8")),
    (16 << 20, 512, ("-F", "16", "-s", "2")), (64 << 20, 512, ("-F", "16")),
    (200 << 20, 512, ("-F", "16", "-s", "64")), (40 << 20, 512, ("-F", "32", "-s", "1")),
    (300 << 20, 512, ("-F", "32", "-s", "8")), (64 << 20, 4096, ("-F", "16", "-S", "4096", "-s", "1")),
    (300 << 20, 4096, ("-F", "32", "-S", "4096", "-s", "1")), (32 << 20, 2048, ("-F", "16", "-S", "2048", "-s", "1")),
    (64 << 20, 512, ("-F", "16", "-S", "1024", "-s", "2")), (40 << 20, 512, ("-F", "32", "-s", "1", "-f", "1")),
)


class Theirs(Images):
    def test_we_read_what_mtools_wrote(self):
        for size, sector, options in KINDS:
            with self.subTest(options=options):
                self.make(size, *options)
                self.run_tool("mmd", "-i", self.image, "::/sub", "::/sub/a deeper directory")
                written = {}
                for number, name in enumerate(NAMES):
                    path = ("", "sub/", "sub/a deeper directory/")[number % 3] + name
                    written[path] = self.content(self.random.choice((0, 1, 511, 512, 4096, 70000)))
                    (self.folder / "file").write_bytes(written[path])
                    self.run_tool("mcopy", "-i", self.image, self.folder / "file", "::/" + path)
                found = self.listing(sector=sector)
                for path, content in written.items():
                    self.assertEqual(found.get(path), str(len(content)), path)
                    self.assertEqual(self.ours("cat", path, sector=sector), content, path)
                    self.assertEqual(self.ours("cat", path.swapcase(), sector=sector), content, path)

    def test_fragmented_files(self):
        self.make(16 << 20, "-F", "16", "-s", "1")
        (self.folder / "filler").write_bytes(bytes(512))
        for number in range(120):
            self.run_tool("mcopy", "-i", self.image, self.folder / "filler", f"::/F{number}")
        self.run_tool("mdel", "-i", self.image, *[f"::/F{number}" for number in range(0, 120, 2)])
        content = self.content(200_000)
        (self.folder / "file").write_bytes(content)
        self.run_tool("mcopy", "-i", self.image, self.folder / "file", "::/pieces.bin")
        self.assertEqual(self.ours("cat", "pieces.bin"), content)

    def test_they_read_what_we_write(self):
        for size, sector, options in KINDS:
            if "12" in options:
                continue
            with self.subTest(options=options):
                self.make(size, *options)
                self.write_and_compare(sector)

    def write_and_compare(self, sector, offset=0):
        image = f"{self.image}@@{offset}" if offset else self.image
        self.ours("mkdir", "sub", sector=sector)
        self.ours("mkdir", "sub/a deeper directory", sector=sector)
        written = {}
        for number, name in enumerate(NAMES + NAMES[::2]):
            path = ("", "sub/", "sub/a deeper directory/")[number % 3] + name
            written[path] = self.content(self.random.choice((0, 1, 511, 512, 4096, 70000)))
            (self.folder / "file").write_bytes(written[path])
            self.ours("put", path, self.folder / "file", sector=sector)
        self.ours("put", "emoji \U0001f600.txt", self.folder / "file", sector=sector)  # mtools does not know them
        self.ours("cat", "emoji \U0001f600.txt", sector=sector)
        self.ours("rm", "emoji \U0001f600.txt", sector=sector)
        removed = sorted(written)[0]
        self.ours("rm", removed, sector=sector)
        del written[removed]
        self.check(offset)
        for path, content in written.items():
            self.assertEqual(self.run_tool("mtype", "-i", image, "::/" + path), content, path)
            self.assertEqual(self.ours("cat", path, sector=sector), content, path)
        self.assertEqual(len(self.run_tool("mdir", "-i", image, "-/", "-b", "::/", text=True).splitlines()),
                         len([path for path in self.listing(sector=sector)]))

    def test_twelve_bits_are_read_only(self):
        self.make(1440 << 10)
        (self.folder / "file").write_bytes(b"x")
        before = self.image.read_bytes()
        done = subprocess.run([FS_TOOL, self.image, "put", "a", self.folder / "file"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAT12 is read only", done.stderr)
        self.assertEqual(self.image.read_bytes(), before)

    def test_a_full_volume_stays_as_it_is(self):
        self.make(8 << 20, "-F", "16", "-s", "1")
        (self.folder / "file").write_bytes(self.content(5 << 20))
        self.ours("put", "first", self.folder / "file")
        before = self.image.read_bytes()
        done = subprocess.run([FS_TOOL, self.image, "put", "first", self.folder / "file"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is full", done.stderr)
        self.assertIn("1 files", self.check())
        self.assertEqual(len(before), self.image.stat().st_size)


class Ours(Images):
    def image_with(self, table, sector=512, files=()):
        models = []
        for name, content in files:
            path = self.folder / name
            path.write_bytes(content)
            models.append(disk.Model(path, len(content), 1_700_000_000))
        return disk.make(self.image, models, table, sector)

    def test_our_images_are_like_others(self):
        for table in ("gpt", "mbr", "none"):
            with self.subTest(table=table):
                content = self.content(3_000_000)
                made = self.image_with(table, files=(("tiny.Q4_0.gguf", content), ("MODEL.GGU", b"")))
                start = made.partitions[0][2]
                text = self.check(start)
                self.assertEqual(len(text.splitlines()), 2, text)  # its version, and what it counted
                self.assertEqual(self.ours("cat", "TINY.q4_0.gguf"), content)
                image = f"{self.image}@@{start}" if start else self.image
                self.assertEqual(self.run_tool("mtype", "-i", image, "::/tiny.Q4_0.gguf"), content)
                self.assertEqual(self.listing(), {"BAREFLOW/": "-", "tiny.Q4_0.gguf": "3000000", "MODEL.GGU": "0"})
                Theirs.write_and_compare(self, 512, start)

    def test_others_may_write_to_them(self):
        self.image_with("none", files=(("tiny.gguf", b"model"),))
        for turn in range(3):
            (self.folder / "theirs").write_bytes(self.content(5000 + turn))
            (self.folder / "ours").write_bytes(self.content(7000 + turn))
            self.run_tool("mcopy", "-o", "-i", self.image, self.folder / "theirs", "::/BAREFLOW/theirs.bin")
            self.ours("put", "BAREFLOW/ours.bin", self.folder / "ours")
            self.assertEqual(self.ours("cat", "BAREFLOW/theirs.bin"), (self.folder / "theirs").read_bytes())
            self.assertEqual(self.run_tool("mtype", "-i", self.image, "::/BAREFLOW/ours.bin"),
                             (self.folder / "ours").read_bytes())
            self.check()

    def test_sectors_of_four_kilobytes(self):
        made = self.image_with("gpt", 4096, (("tiny.gguf", self.content(100_000)),))
        start = made.partitions[0][2]
        self.assertEqual(self.listing(sector=4096)["tiny.gguf"], "100000")
        (self.folder / "file").write_bytes(b"new")
        self.ours("put", "BAREFLOW/history", self.folder / "file", sector=4096)
        self.assertEqual(len(self.check(start).splitlines()), 2)

    def test_tables(self):
        self.image_with("gpt")
        self.assertIn("No problems found", self.run_tool(TOOL["sgdisk"], "-v", self.image, text=True))
        first = self.ours("tables", text=True)
        self.assertRegex(first, r"^2048 \d+ BareFlow\n$")
        for damage in (512, 1024 + 5):  # the header, the entries: the backup has them, too
            with open(self.image, "r+b") as file:
                file.seek(damage)
                file.write(b"\xff" * 7)
            self.assertEqual(self.ours("tables", text=True), first)

    def test_tables_of_others(self):
        with open(self.image, "wb") as file:
            file.truncate(64 << 20)
        self.run_tool(TOOL["sgdisk"], "-n", "1:0:+4M", "-c", "1:first \u20ac", "-n", "3:0:0", self.image)
        lines = self.ours("tables", text=True).splitlines()
        self.assertEqual(lines[0], "2048 8192 first \u20ac")
        self.assertEqual(len(lines), 2)
        script = "label: dos\nsize=4M, type=c\nsize=40M, type=f\nsize=3M, type=6\nsize=5M, type=c\nsize=6M, type=83\n"
        subprocess.run([TOOL["sfdisk"], "--wipe", "always", self.image], input=script, text=True, check=True, capture_output=True)
        sizes = [int(line.split()[1]) for line in self.ours("tables", text=True).splitlines()]
        self.assertEqual(sorted(sizes), sorted(n * 2048 for n in (4, 3, 5, 6)))

    def test_large_models(self):
        """Holes stay holes, so that this costs no gigabytes."""
        spots = {}
        for name, size in (("three.gguf", (3 << 30) + 5), ("five.gguf", (5 << 30) + 7)):
            with open(self.folder / name, "wb") as file:
                file.truncate(size)
                for offset in (0, (1 << 31) - 3, size - 100):
                    spots[name, offset] = b"GGUF" + self.content(96)
                    file.seek(offset)
                    file.write(spots[name, offset])
        models = [disk.Model(self.folder / name, (self.folder / name).stat().st_size, 0)
                  for name in ("three.gguf", "five.gguf")]
        disk.make(self.image, models)
        self.assertLess(self.image.stat().st_blocks * 512, 64 << 20)
        found = self.ours("models", text=True).splitlines()
        self.assertEqual(found, ["0 3221225477 three.gguf", f"1 {(5 << 30) + (1 << 20)} five.gguf"])
        for (name, offset), content in spots.items():
            self.assertEqual(self.ours("peek", name, offset, 100), content)
        (self.folder / "file").write_bytes(b"history")
        self.ours("keep", "history", self.folder / "file")
        self.assertEqual(self.ours("kept", "history"), b"history")
        self.assertIn("No problems found", self.run_tool(TOOL["sgdisk"], "-v", self.image, text=True))

    def test_the_store_prefers_our_volume(self):
        self.make(40 << 20, "-F", "32", "-s", "1")
        (self.folder / "file").write_bytes(b"1")
        refused = subprocess.run([FS_TOOL, self.image, "keep", "a", self.folder / "file"], capture_output=True, text=True)
        self.assertIn("no store", refused.stderr)
        self.ours("mkdir", "bareflow")
        self.ours("keep", "a", self.folder / "file")
        self.assertEqual(self.ours("kept", "a"), b"1")
        self.assertIn("switched", self.ours("volumes", text=True))    # from the first write on
        self.image_with("gpt")
        self.ours("keep", "a", self.folder / "file")
        self.ours("forget", "a")
        self.assertIn("FAT32; BAREFLOW; switched", self.ours("volumes", text=True))
        self.check(1 << 20)


class Discs(Images):
    def tree(self):
        files = {"MODEL.GGUF": 3000, "a long name of a file.gguf": 5000, "sub/x.txt": 1, "sub/deeper/empty": 0,
                 "one/two/three/four/five/six/seven/eight/nine/deep.gguf": 2049}
        for name, size in files.items():
            path = self.folder / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.content(size))
        return files

    def test_rock_ridge_and_joliet(self):
        files = self.tree()
        for tool, options in (("genisoimage", ("-R",)), ("genisoimage", ("-J", "-joliet-long", "-D")), ("genisoimage", ("-R", "-J")),
                              ("xorriso", ("-R",)), ("xorriso", ("-J", "-joliet-long"))):
            with self.subTest(tool=tool, options=options):
                self.image.unlink(missing_ok=True)
                words = (TOOL[tool],) if tool == "genisoimage" else (TOOL[tool], "-as", "mkisofs")
                self.run_tool(*words, *options, "-V", "TESTS", "-o", self.image, self.folder / "tree")
                self.assertIn("TESTS; read only", self.ours("volumes", text=True))
                for sector in (512, 2048):
                    found = self.listing(sector=sector)
                    for name, size in files.items():
                        self.assertEqual(found.get(name), str(size), name)
                        self.assertEqual(self.ours("cat", name, sector=sector), (self.folder / "tree" / name).read_bytes())

    def test_names_of_the_standard(self):
        self.tree()
        self.run_tool(TOOL["genisoimage"], "-iso-level", "2", "-o", self.image, self.folder / "tree")
        self.assertEqual(self.ours("cat", "sub/x.txt"), (self.folder / "tree" / "sub/x.txt").read_bytes())
        self.assertEqual(self.listing()["MODEL.GGUF"], "3000")

    def test_our_own_disc(self):
        """A disc that is a disk as well: its volume is there once, its models with it."""
        self.tree()
        self.run_tool(TOOL["xorriso"], "-as", "mkisofs", "-R", "-partition_offset", "16", "-o", self.image, self.folder / "tree")
        self.assertEqual(len(self.ours("models", text=True, sector=2048).splitlines()), 3)


if __name__ == "__main__":
    FS_TOOL = sys.argv.pop(1)
    if not all(TOOL.values()):
        print("skipped: missing are", [name for name in NEEDED if not TOOL[name]], file=sys.stderr)
        sys.exit(77)
    unittest.main(verbosity=2)
