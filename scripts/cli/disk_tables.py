"""Partition tables: GPT (UEFI Specification 2.10, chapter 5) and MBR."""

import struct
import uuid
import zlib

BASIC_DATA = uuid.UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")
# Of a partition that is a model from its first byte on, because FAT32's files end at 4 GiB.
RAW_MODEL = uuid.UUID("5a7b1d2e-6c0f-4f0e-9d55-62666c6f7721")
ENTRIES, ENTRY_BYTES = 128, 128
ALIGNMENT = 1 << 20


def first_usable(sector_bytes):
    """The byte where the first partition begins."""
    return ALIGNMENT


def behind(table, sector_bytes):
    """Bytes that are needed after the last partition."""
    return (ENTRIES * ENTRY_BYTES + sector_bytes) if table == "gpt" else 0


def _mbr_entry(kind, first, count):
    return struct.pack("<B3sB3sII", 0, b"\0\2\0" if kind == 0xEE else b"\xfe\xff\xff", kind,
                       b"\xff\xff\xff", first, min(count, 0xFFFFFFFF))


def _mbr(entries, signature):
    return (bytes(440) + struct.pack("<IH", signature, 0) + b"".join(entries).ljust(64, b"\0")
            + b"\x55\xaa")


def write_mbr(file, partitions, sector_bytes):
    """`partitions`: (type, name, first byte, bytes)."""
    entries = [_mbr_entry(0x0C, first // sector_bytes, size // sector_bytes)
               for _, _, first, size in partitions]
    file.seek(0)
    file.write(_mbr(entries, uuid.uuid4().time_low))


def _header(here, there, entries_at, sectors, sector_bytes, disk, entries_crc):
    head_sectors = 2 + ENTRIES * ENTRY_BYTES // sector_bytes

    def packed(crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, here, there,
                           head_sectors, sectors - head_sectors, disk.bytes_le, entries_at, ENTRIES,
                           ENTRY_BYTES, entries_crc)
    return packed(zlib.crc32(packed(0)))


def write_gpt(file, partitions, sector_bytes, disk_bytes):
    sectors = disk_bytes // sector_bytes
    entries = b""
    for kind, name, first, size in partitions:
        entries += struct.pack("<16s16sQQQ72s", kind.bytes_le, uuid.uuid4().bytes_le,
                               first // sector_bytes, (first + size) // sector_bytes - 1, 0,
                               name.encode("utf-16-le")[:70])
    entries = entries.ljust(ENTRIES * ENTRY_BYTES, b"\0")
    disk, crc = uuid.uuid4(), zlib.crc32(entries)
    backup = sectors - 1 - len(entries) // sector_bytes
    for offset, data in (
            (0, _mbr([_mbr_entry(0xEE, 1, sectors - 1)], 0)),
            (sector_bytes, _header(1, sectors - 1, 2, sectors, sector_bytes, disk, crc)),
            (2 * sector_bytes, entries),
            (backup * sector_bytes, entries),
            ((sectors - 1) * sector_bytes,
             _header(sectors - 1, 1, backup, sectors, sector_bytes, disk, crc))):
        file.seek(offset)
        file.write(data)


def sector_bytes_of(path):
    """The size of sectors that an image was made for: where its GPT is, or what the first sector of
    a FAT volume says, on the whole disk or in the first partition. 512 where nothing tells."""
    with open(path, "rb") as file:
        def read(offset, size):
            file.seek(offset)
            return file.read(size)

        sizes = (512, 1024, 2048, 4096)
        for size in sizes:
            if read(size, 8) == b"EFI PART":
                return size
        first = int.from_bytes(read(446 + 8, 4), "little")
        for size in sizes:
            for start in (0, first * size):
                sector = read(start, 512)
                if sector[11:13] == size.to_bytes(2, "little") and sector[510:] == b"\x55\xaa":
                    return size
    return 512
