"""A FAT32 volume for BareFlow: one FAT, and room for a second one, so that a single sector switches
between two states (src/runtime/fs/fat_volume.h says why). To everybody else it is plain FAT32.
"""

import struct
import time
import zlib
from array import array

from cli.report import Failure

MAGIC = b"BFSWITCH"
LEAST_CLUSTERS = 65525  # fewer, and some systems take it for FAT16
MOST_CLUSTERS = 0x0FFFFFF5
MOST_FILE_BYTES = 0xFFFFFFFF
LAST = 0x0FFFFFFF
LABEL = b"BAREFLOW   "
DIRECTORY = "BAREFLOW"  # where the machine keeps its own files
ALIGNMENT = 1 << 20     # of the first cluster
RESERVED = 8            # sectors at least: boot sector, two FSINFO, two copies of the boot sector
SLOT = 32
SHORT = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'()-@^_`{}~")
FORBIDDEN = set('"*/:<>?\\|')


def _up(number, multiple):
    return -(-number // multiple) * multiple


class Layout:
    """What lies where, in sectors of the volume."""

    def __init__(self, volume_bytes, sector_bytes, cluster_bytes=None):
        self.sector_bytes = sector_bytes
        self.sectors = volume_bytes // sector_bytes
        if self.sectors > 0xFFFFFFFF:
            raise Failure("a FAT32 volume ends at 2^32 sectors: give a smaller --size")
        sizes = [cluster_bytes] if cluster_bytes else [1 << n for n in range(15, 8, -1)]
        for size in sizes:
            if size >= sector_bytes:
                self._place(size)
                if self.clusters >= LEAST_CLUSTERS or cluster_bytes:
                    break
        if self.clusters < LEAST_CLUSTERS and not cluster_bytes:
            raise Failure("the disk is too small for FAT32: give it a larger --size")
        if self.fat_start + self.fat_sectors > 0xFFFF or self.clusters > MOST_CLUSTERS:
            raise Failure("the disk is too large for one volume of ours: give it a smaller --size")

    def _place(self, cluster_bytes):
        self.cluster_bytes = cluster_bytes
        per_cluster = cluster_bytes // self.sector_bytes
        most = max(self.sectors // per_cluster, 1)
        self.fat_sectors = _up(-(-(most + 2) * 4 // self.sector_bytes), 8)
        # Reserved sectors fill up what is in front of the first cluster.
        alignment = max(min(ALIGNMENT, self.sectors * self.sector_bytes // 64), cluster_bytes)
        alignment = 1 << (alignment.bit_length() - 1)
        self.data_start = _up(RESERVED + 2 * self.fat_sectors, alignment // self.sector_bytes)
        self.fat_start = self.data_start - 2 * self.fat_sectors
        self.clusters = max(self.sectors - self.data_start, 0) // per_cluster

    def cluster_offset(self, cluster):
        return self.data_start * self.sector_bytes + (cluster - 2) * self.cluster_bytes

    def clusters_for(self, size):
        return -(-size // self.cluster_bytes)


def _boot_sector(layout, root, hidden, serial):
    s = bytearray(512)
    s[0:11] = b"\xeb\x58\x90BAREFLOW"
    struct.pack_into("<HBHBHHBHHHII", s, 11, layout.sector_bytes,
                     layout.cluster_bytes // layout.sector_bytes, layout.fat_start, 1, 0, 0, 0xF8, 0,
                     63, 255, hidden, layout.sectors)
    struct.pack_into("<IHHIHH", s, 36, 2 * layout.fat_sectors, 0, 0, root, 1, 6)
    struct.pack_into("<BBBI11s8s", s, 64, 0x80, 0, 0x29, serial, LABEL, b"FAT32   ")
    s[90:95] = b"\xcd\x18\xf4\xeb\xfd"  # int 0x18: nothing to boot here; then halt
    record = MAGIC + struct.pack("<II", layout.fat_start, layout.fat_sectors)
    s[96:116] = record + struct.pack("<I", zlib.crc32(record))
    s[510:512] = b"\x55\xaa"
    return bytes(s)


def _info_sector(free):
    s = bytearray(512)
    struct.pack_into("<I", s, 0, 0x41615252)
    struct.pack_into("<IIII", s, 484, 0x61417272, free, 0xFFFFFFFF, 0)
    struct.pack_into("<I", s, 508, 0xAA550000)
    return bytes(s)


def _date_and_time(seconds):
    t = time.localtime(seconds)
    year = min(max(t.tm_year, 1980), 2107) - 1980
    return year << 9 | t.tm_mon << 5 | t.tm_mday, t.tm_hour << 11 | t.tm_min << 5 | t.tm_sec // 2


def _slot(eleven, attributes, first, size, seconds):
    date, clock = _date_and_time(seconds)
    return struct.pack("<11sBBBHHHHHHHI", eleven, attributes, 0, 0, clock, date, date, first >> 16,
                       clock, date, first & 0xFFFF, size)


def _short_name(name, taken):
    """Eleven bytes, and whether they say all of the name."""
    base, dot, extension = name.rpartition(".")
    if not dot:
        base, extension = name, ""
    raw = name.encode("ascii", "replace")
    if (0 < len(base) <= 8 and len(extension) <= 3 and raw.count(b".") == len(dot)
            and (extension or not dot) and set(raw) - {0x2E} <= SHORT):
        exact = (base.ljust(8) + extension.ljust(3)).encode()
        if exact not in taken:
            return exact, True

    def kept(text, most):
        text = text.upper().encode("ascii", "replace")
        return bytes(c if c in SHORT else 0x5F for c in text if c not in b" .")[:most]
    for number in range(1, 1000000):
        tail = b"~%d" % number
        eleven = kept(base, 8 - len(tail)) + tail
        eleven = eleven.ljust(8) + kept(extension, 3).ljust(3)
        if eleven not in taken:
            return eleven, False
    raise Failure("too many names that are alike")


def _checksum(eleven):
    total = 0
    for byte in eleven:
        total = ((total << 7 | total >> 1) + byte) & 0xFF
    return total


def _named(name, taken, attributes, first, size, seconds):
    """The slots of one name."""
    units = name.encode("utf-16-le")
    if not 0 < len(units) <= 510 or name[-1] in ". " or set(name) & FORBIDDEN or min(name) < " ":
        raise Failure(f"{name!r} cannot be the name of a file on the disk")
    eleven, exact = _short_name(name, taken)
    taken.add(eleven)
    slots = b""
    if not exact:
        pieces = -(-len(units) // 26)
        padded = units if len(units) % 26 == 0 else (units + b"\0\0").ljust(26 * pieces, b"\xff")
        for piece in range(pieces, 0, -1):
            part = padded[26 * (piece - 1):26 * piece]
            slots += struct.pack("<B10sBBB12sH4s", piece | (0x40 if piece == pieces else 0), part[:10],
                                 0x0F, 0, _checksum(eleven), part[10:22], 0, part[22:])
    return slots + _slot(eleven, attributes, first, size, seconds)


class Volume:
    """Writes a volume's structure into a sparse file, and says where the files' bytes go.

        volume = Volume(layout, hidden_sectors, serial)
        offset = volume.add("tiny.gguf", size, modified)     # bytes go there, from the volume's start
        volume.write(file, start)
    """

    def __init__(self, layout, hidden, serial):
        self.layout, self.hidden, self.serial = layout, hidden, serial
        self.next = 2
        self.links = array("I", [0x0FFFFFF8, LAST])
        self.now = time.time()
        self.taken = {LABEL}
        self.root = _slot(LABEL, 0x08, 0, 0, self.now)
        self.own = self._chain(1)
        self.root += _named(DIRECTORY, self.taken, 0x10, self.own, 0, self.now)

    def _chain(self, count):
        first = self.next
        self.next += count
        if self.next - 2 > self.layout.clusters:
            raise Failure("the disk is too small for what is to go there: give it a larger --size")
        if count:
            self.links.extend(range(first + 1, first + count))
            self.links.append(LAST)
        return first if count else 0

    def add(self, name, size, modified):
        if size > MOST_FILE_BYTES:
            raise Failure(f"{name}: a file on FAT32 ends at 4 GiB")
        first = self._chain(self.layout.clusters_for(size))
        self.root += _named(name, self.taken, 0x20, first, size, modified)
        return self.layout.cluster_offset(first) if first else 0

    def write(self, file, start):
        layout = self.layout
        clusters = max(layout.clusters_for(len(self.root)), 1)
        root = self._chain(clusters)
        boot = _boot_sector(layout, root, self.hidden, self.serial)
        info = _info_sector(layout.clusters - (self.next - 2))
        dots = (_slot(b".".ljust(11), 0x10, self.own, 0, self.now)
                + _slot(b"..".ljust(11), 0x10, 0, 0, self.now))
        sector = layout.sector_bytes
        for offset, data in ((0, boot), (sector, info), (6 * sector, boot),
                             (layout.fat_start * sector, self.links.tobytes()),
                             (layout.cluster_offset(self.own), dots),
                             (layout.cluster_offset(root), self.root)):
            file.seek(start + offset)
            file.write(data)
