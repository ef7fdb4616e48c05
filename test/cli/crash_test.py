"""`./bareflow crash`: records on volumes of all kinds, and disks whose bytes are anybody's."""

import contextlib
import io
import json
import random
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from cli import crash, disk, disk_read  # noqa: E402
from cli.report import Failure  # noqa: E402

REPORT = "\nfault: page fault (vector 14, error code 0x2) at 0x1234\n  #0  0x1234 somewhere+0x10\n"


def record(version=1, report=REPORT, cause=1):
    body = b""
    for kind, text in ((1, report.encode()), (2, b"temp=0\ntokens=5\n"), (99, b"later")):
        body += struct.pack("<II", kind, len(text)) + text + bytes(-len(text) % 8)
    head = crash.HEADER.pack(crash.MAGIC, version, 512, len(body), zlib.crc32(body), 0, cause, 14, 3, 2,
                             12_345_678_901, 1_700_000_000, 0xFEEDFACE, *range(24))
    head = head.ljust(508, b"\0")
    return (head + struct.pack("<I", zlib.crc32(head)) + body).ljust(16384, b"\0")


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


def printed(image, as_json=False):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        crash.main(SimpleNamespace(disk=str(image), json=as_json))
    return out.getvalue()


class Crash(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.image = self.folder / "disk.img"

    def put(self, data, offset, make_folder):
        (self.folder / "crash").write_bytes(data)
        at = f"{self.image}@@{offset}"
        if make_folder:
            run("mmd", "-i", at, "::BAREFLOW")
        run("mcopy", "-o", "-i", at, self.folder / "crash", "::BAREFLOW/crash")

    def ours(self, table, sector_bytes=512):
        model = self.folder / "a rather long name.gguf"
        model.write_bytes(b"GGUF" * 1000)
        with contextlib.redirect_stderr(io.StringIO()):
            disk.make(self.image, [disk.model_at(model)], table, sector_bytes)
        return 0 if table == "none" else 1 << 20

    def test_on_our_disks(self):
        for table in ("gpt", "mbr", "none"):
            with self.subTest(table):
                self.put(record(), self.ours(table), False)
                said = printed(self.image)
                for words in ("2023-11-14 22:13:20 UTC, 12.346 s after", "cause     exception, vector 14, "
                              "error code 0x2, on core 3", "kernel    00000000feedface",
                              "options   temp=0 tokens=5", "fault: page fault", "somewhere+0x10"):
                    self.assertIn(words, said)
        self.assertEqual(json.loads(printed(self.image, True))["registers"]["cr4"], 23)

    def test_on_other_peoples_disks(self):
        for bits, size in ((16, 20), (32, 40)):
            with self.subTest(bits):
                with open(self.image, "wb") as file:
                    file.truncate(size << 20)
                run("mkfs.fat", "-F", str(bits), "-s", "1", self.image)
                self.put(record(cause=3), 0, True)
                self.assertIn("cause     watchdog", printed(self.image))

    def test_what_is_not_there(self):
        offset = self.ours("gpt")
        with self.assertRaisesRegex(Failure, "no machine has kept records"):
            printed(self.image)
        self.put(bytes(16384), offset, False)
        self.assertEqual(printed(self.image), "no fault has been recorded\n")
        self.assertEqual(printed(self.image, True), "null\n")
        with self.assertRaisesRegex(Failure, "cannot read"):
            printed(self.folder / "nothing")

    def test_damaged_records(self):
        good = record()
        self.assertIsNone(crash.parse(b""))
        self.assertRaisesRegex(Failure, "version 2", crash.parse, record(version=2))
        self.assertRaisesRegex(Failure, "cut short", crash.parse, good[:100])
        self.assertRaisesRegex(Failure, "not all of it", crash.parse, good[:600])
        for at in range(8, 700):
            bad = bytearray(good)
            bad[at] ^= 4
            used = at < 512 or at < 512 + struct.unpack_from("<I", good, 16)[0]
            if used:
                self.assertRaises(Failure, crash.parse, bytes(bad))

    def test_any_bytes_are_a_disk(self):
        with open(self.image, "wb") as file:
            file.truncate(20 << 20)
        run("mkfs.fat", "-F", "16", "-s", "4", self.image)
        self.put(record(), 0, True)
        good = self.image.read_bytes()
        # Boot sector, tables and directories; the rest is zeros.
        used = [at for at in range(0, len(good), 512) if any(good[at:at + 512])]
        chance = random.Random(1)
        found = 0
        for _ in range(300):
            bad = bytearray(good)
            for _ in range(chance.randrange(1, 4)):
                at = chance.choice(used) + chance.randrange(512)
                bad[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            with contextlib.suppress(Failure):
                found += sum(crash.parse(data) is not None
                             for _, data in disk_read.find_file(io.BytesIO(bad), crash.PATH))
        self.assertGreater(found, 50)

    def test_build_id(self):
        words = struct.pack("<QQ", 1, 2)
        elf = bytearray(64 + 56) + words + b"\x03"
        struct.pack_into("<Q", elf, 32, 64)
        struct.pack_into("<HH", elf, 54, 56, 1)
        struct.pack_into("<IIQQQQ", elf, 64, 1, 5, 120, 0, 0, 17)
        kernel = self.folder / "kernel"
        kernel.write_bytes(elf)
        value = 0xCBF29CE484222325
        for word in (1, 2, 3):
            value = (value ^ word) * 0x100000001B3 % (1 << 64)
        self.assertEqual(crash.build_id(kernel), f"{value:016x}")


if __name__ == "__main__":
    unittest.main()
