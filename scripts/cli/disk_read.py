"""Reads files from FAT16 and FAT32 volumes of disk images, with GPT, MBR or no partition table:
as much as is needed to fetch what a machine has kept in its folder.

    with open("disk.img", "rb") as image:
        for place, data in find_file(image, ("BAREFLOW", "crash")): ...

The bytes may be anybody's: what does not hold together raises Damaged, and no loop is longer than the
volume.
"""

import struct

SLOT = 32
LONG_NAME, VOLUME_LABEL, DIRECTORY = 0x0F, 0x08, 0x10
MOST_FILE_BYTES = 1 << 24
SECTOR_SIZES = (512, 1024, 2048, 4096)


class Damaged(Exception):
    """Why something cannot be read: a text for a person."""


def _read(image, offset, size):
    image.seek(offset)
    data = image.read(size)
    if len(data) != size:
        raise Damaged(f"the disk ends before {offset + size:,}")
    return data


class Volume:
    """A FAT volume that begins at a byte of the image."""

    def __init__(self, image, start):
        self.image, self.start = image, start
        boot = _read(image, start, 512)
        (self.sector, per_cluster, reserved, fats, self.root_entries, small_total,
         small_fat) = struct.unpack_from("<HBHBHH1xH", boot, 11)
        large_total, large_fat = struct.unpack_from("<II", boot, 32)
        if (boot[510:] != b"\x55\xaa" or self.sector not in SECTOR_SIZES or not per_cluster
                or per_cluster & (per_cluster - 1) or not reserved or not fats):
            raise Damaged("no FAT volume")
        self.cluster = per_cluster * self.sector
        fat_sectors = small_fat or large_fat
        root_sectors = -(-self.root_entries * SLOT // self.sector)
        self.fat = start + reserved * self.sector
        self.root = self.fat + fats * fat_sectors * self.sector
        self.data = self.root + root_sectors * self.sector
        sectors = (small_total or large_total) - (self.data - start) // self.sector
        self.clusters = sectors // per_cluster
        self.wide = self.clusters >= 65525
        if not 4085 <= self.clusters < 0x0FFFFFF5 or self.wide != (self.root_entries == 0):
            raise Damaged("no FAT16 or FAT32 volume")
        self.root_cluster = struct.unpack_from("<I", boot, 44)[0] if self.wide else 0

    def _next(self, cluster):
        if self.wide:
            return struct.unpack("<I", _read(self.image, self.fat + 4 * cluster, 4))[0] & 0x0FFFFFFF
        return struct.unpack("<H", _read(self.image, self.fat + 2 * cluster, 2))[0]

    def _chain(self, cluster, most):
        data = b""
        for _ in range(self.clusters):
            if not 2 <= cluster < self.clusters + 2 or len(data) >= most:
                break
            data += _read(self.image, self.data + (cluster - 2) * self.cluster, self.cluster)
            cluster = self._next(cluster)
        return data

    def _slots(self, first):
        if first == 0 and not self.wide:
            data = _read(self.image, self.root, self.root_entries * SLOT)
        else:
            data = self._chain(first or self.root_cluster, MOST_FILE_BYTES)
        for at in range(0, len(data) - SLOT + 1, SLOT):
            if data[at] == 0:
                return
            yield data[at:at + SLOT]

    def entries(self, first=0):
        """(name, attributes, first cluster, bytes) of what is in a directory; 0 is the root."""
        long_name = b""
        for slot in self._slots(first):
            if slot[0] == 0xE5:
                long_name = b""
            elif slot[11] == LONG_NAME:
                piece = slot[1:11] + slot[14:26] + slot[28:32]
                long_name = piece + (b"" if slot[0] & 0x40 else long_name)
            elif slot[11] & VOLUME_LABEL:
                long_name = b""
            else:
                wide = long_name.decode("utf-16-le", "replace").split("\0")[0].rstrip("\uffff")
                base = slot[:8].decode("cp437").rstrip()
                extension = slot[8:11].decode("cp437").rstrip()
                high, low, size = struct.unpack_from("<H4xHI", slot, 20)
                yield wide or base + ("." + extension if extension else ""), slot[11], high << 16 | low, size
                long_name = b""

    def read(self, path):
        """The bytes of a file, by the names that lead to it, or None."""
        first = 0
        for depth, wanted in enumerate(path):
            last = depth + 1 == len(path)
            found = next((e for e in self.entries(first) if e[0].lower() == wanted.lower()
                          and bool(e[1] & DIRECTORY) != last), None)
            if found is None:
                return None
            first, size = found[2], found[3]
        if size > MOST_FILE_BYTES:
            raise Damaged(f"{'/'.join(path)} is too large")
        return self._chain(first, size)[:size]


def _gpt_starts(image, sector):
    header = _read(image, sector, 92)
    if header[:8] != b"EFI PART":
        return
    at, count, size = struct.unpack_from("<QII", header, 72)
    for number in range(min(count, 128) if 128 <= size <= 4096 else 0):
        entry = _read(image, at * sector + number * size, 128)
        if any(entry[:16]):
            yield struct.unpack_from("<Q", entry, 32)[0] * sector


def _mbr_starts(image, sector):
    table = _read(image, 0, 512)
    if table[510:] != b"\x55\xaa":
        return
    for at in range(446, 510, 16):
        first, count = struct.unpack_from("<II", table, at + 8)
        if table[at + 4] not in (0, 0xEE, 0x05, 0x0F) and count:
            yield first * sector


def _starts(image):
    """Where volumes may begin, in bytes. What a sector is, the image does not say."""
    yield 0
    for sector in SECTOR_SIZES:
        for starts in (_gpt_starts, _mbr_starts):
            try:
                yield from starts(image, sector)
            except Damaged:
                pass


def find_file(image, path):
    """(byte where the volume begins, bytes of the file) of each volume that has it."""
    for start in dict.fromkeys(_starts(image)):
        try:
            data = Volume(image, start).read(path)
        except Damaged:
            continue
        if data is not None:
            yield start, data
