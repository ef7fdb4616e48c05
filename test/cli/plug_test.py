"""The judge of pulled plugs, without a machine: it sees what is broken, and what is old or new."""

import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib
from pathlib import Path

from support import main

from cli import plug

MKFS = shutil.which("mkfs.fat", path=plug.SBIN)


def record(version, index, payload, magic=plug.MAGIC):
    data = struct.pack("<4I", magic, version, index, len(payload)) + payload
    return data + struct.pack("<I", zlib.crc32(data))


def file_of(version, records):
    return b"".join(record(version, index, bytes([index]) * 700) for index in range(records))


class Files(unittest.TestCase):
    def test_what_a_file_says_it_is(self):
        self.assertEqual(plug.examine(file_of(7, 3)), (7, 3))
        self.assertEqual(plug.examine(record(9, 0, b"")), (9, 1))

    def test_what_nobody_wrote(self):
        good = file_of(7, 2)
        flipped = bytearray(good)
        flipped[100] ^= 1
        for bad in (b"", good[:-1], good[:800], good + b"\0" * 20, bytes(flipped), good[720:],
                    file_of(7, 1) + record(8, 1, b"x"), record(7, 0, b"", magic=0), b"\0" * 5000):
            with self.assertRaises(plug.Broken):
                plug.examine(bad)


class Logs(unittest.TestCase):
    LOG = ("plug: 0 files are whole\nplug: begin 1 mkdir 0 0 PLUG\nplug: end 1\n"
           "plug: begin 2 put 5 3 PLUG/a b.txt\nplug: end 2\nplug: begin 3 remove 0 0 PLUG/a b.txt\n")

    def test_what_was_done_and_what_was_under_way(self):
        state, under_way, ended = plug.replay(self.LOG, plug.State())
        self.assertEqual((state.files, state.folders, ended), ({"PLUG/a b.txt": (5, 3)}, {"PLUG"}, 2))
        self.assertEqual(under_way, ("remove", 0, 0, "PLUG/a b.txt"))
        self.assertEqual(state.after(*under_way).files, {})

    def test_half_a_line_was_not_said(self):
        for cut in range(1, len(self.LOG)):
            state, under_way, ended = plug.replay(self.LOG[:cut], plug.State())
            self.assertEqual(ended, self.LOG[:cut].count("end 1\n") + self.LOG[:cut].count("end 2\n"))
            self.assertEqual(bool(state.files), ended == 2)

    def test_an_end_without_a_beginning(self):
        with self.assertRaises(plug.Broken):
            plug.replay("plug: end 1\n", plug.State())


@unittest.skipUnless(MKFS and shutil.which("mcopy"), "dosfstools or mtools are missing")
class Disks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.disk = plug.Disk(self.folder, "ahci", plug.Kind("FAT16", mkfs=("-F", "16", "-s", "4"), switched=False), 1)

    def copy(self, name, data):
        (self.folder / "file").write_bytes(data)
        subprocess.run(["mcopy", "-o", "-i", self.disk.image, self.folder / "file", f"::{name}"],
                       check=True, capture_output=True)

    def test_old_and_new_and_neither(self):
        self.disk.log = "plug: begin 1 put 5 2 history\n"
        self.assertEqual(self.disk.judge()["left"], "old")
        self.copy("history", file_of(5, 2))
        self.assertEqual(self.disk.judge()["left"], "new")
        self.disk.log = "plug: begin 1 put 6 1 history\nplug: end 1\n"
        with self.assertRaisesRegex(plug.Broken, r"history: \(5, 2\), not \(6, 1\)"):
            self.disk.judge()
        self.copy("history", file_of(6, 1))
        self.assertEqual(self.disk.judge()["left"], "between")

    def test_another_file_that_changed(self):
        self.copy("history", file_of(5, 2))
        self.disk.log = "plug: begin 1 put 6 1 other\n"
        with self.assertRaisesRegex(plug.Broken, "history"):
            self.disk.judge()

    def test_what_fsck_says(self):
        ours = plug.Disk(self.folder, "ahci", plug.OURS, 1)
        self.assertTrue(ours.judge()["clean"])
        with open(ours.image, "r+b") as file:
            file.seek(6 * 512)
            file.write(bytes(512))  # the backup of the first sector
        with self.assertRaisesRegex(plug.Broken, "fsck.fat says"):
            ours.judge()


class Reports(unittest.TestCase):
    def test_80_columns(self):
        rows = [{"disk": disk_kind, "volume": kind.name, "operations": 99999, "under_way": "put",
                 "left": "old", "clean": True} for disk_kind, kind in plug.PLACES for _ in range(100)]
        lines = plug.table(rows, [])
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertEqual(sum(line.startswith(("ahci", "ide", "virtio", "nvme")) for line in lines),
                         len(plug.PLACES))

    def test_kills_are_shared_out(self):
        for count in (1, 10, 14, 28, 300):
            shares = plug._shares(count, 5)
            kills = [kills for _, kills in shares]
            self.assertEqual(sum(kills), count)
            self.assertGreaterEqual(min(kills), min(count, 2))
            self.assertEqual(len(set(place for place, _ in shares)), min(len(plug.PLACES), max(1, count // 2)))


if __name__ == "__main__":
    main()
