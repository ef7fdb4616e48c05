"""`./bareflow crash`: what a machine has written to its disk about a fault (docs/crash.md)."""

import json
import struct
import time
import zlib
from dataclasses import dataclass, field

from cli import places
from cli.disk_read import find_file
from cli.report import Failure

PATH = ("BAREFLOW", "crash")
MAGIC = b"BFCRASH\0"
HEADER_BYTES = 512
HEADER = struct.Struct("<8sIIIIIIIIQQQQ24Q")
REGISTERS = ("rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 "
             "rip rflags cs ss cr0 cr2 cr3 cr4").split()
CAUSES = {1: "exception", 2: "panic", 3: "watchdog"}
TOLD = 1
SECTIONS = {1: "report", 2: "options"}


@dataclass
class Record:
    cause: str
    vector: int
    core: int
    error_code: int
    uptime_ns: int
    wall_clock: int  # seconds since 1970, or 0
    build: str
    told: bool
    registers: dict
    report: str = ""
    options: str = ""
    unknown: list = field(default_factory=list)  # kinds of sections that came later


def parse(data):
    """The record in the file's bytes; None if there never was one. Failure says what is wrong."""
    if data[:8] != MAGIC:
        return None
    if len(data) < HEADER_BYTES:
        raise Failure("the record is cut short")
    values = HEADER.unpack_from(data)
    _, version, header_bytes, size, body_sum, flags, cause, vector, core, *more = values
    if zlib.crc32(data[:HEADER_BYTES - 4]) != struct.unpack_from("<I", data, HEADER_BYTES - 4)[0]:
        raise Failure("the record's header is damaged")
    if version != 1 or header_bytes != HEADER_BYTES:
        raise Failure(f"the record is of version {version}, which is not known here")
    body = data[HEADER_BYTES:HEADER_BYTES + size]
    if len(body) != size or zlib.crc32(body) != body_sum:
        raise Failure("the record is damaged: not all of it was written")
    record = Record(CAUSES.get(cause, f"cause {cause}"), vector, core, *more[:3],
                    build=f"{more[3]:016x}", told=bool(flags & TOLD),
                    registers=dict(zip(REGISTERS, more[4:])))
    at = 0
    while at + 8 <= size:
        kind, length = struct.unpack_from("<II", body, at)
        if at + 8 + length > size:
            raise Failure("the record's texts do not fit into it")
        text = body[at + 8:at + 8 + length].decode(errors="replace")
        if kind in SECTIONS:
            setattr(record, SECTIONS[kind], text)
        else:
            record.unknown.append(kind)
        at += 8 + (length + 7) // 8 * 8
    return record


def build_id(kernel):
    """That of a kernel's file: FNV-1a over the words of its code (runtime/crash_record.h)."""
    data = kernel.read_bytes()
    table, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for at in range(table, table + size * count, size):
        kind, flags, offset, _, _, file_bytes = struct.unpack_from("<IIQQQQ", data, at)
        if kind == 1 and flags & 1:
            code = data[offset:offset + file_bytes]
            code += bytes(-len(code) % 8)
            value = 0xCBF29CE484222325
            for word in struct.unpack(f"<{len(code) // 8}Q", code):
                value = (value ^ word) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
            return f"{value:016x}"
    return ""


def _which_build(record):
    try:
        same = build_id(places.KERNEL) == record.build
    except (OSError, struct.error):
        return ""
    return ", the kernel in build/" if same else ", not the kernel in build/"


def text(record):
    """For a person."""
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(record.wall_clock))
    lines = [f"when      {when if record.wall_clock else 'unknown'}, "
             f"{record.uptime_ns / 1e9:.3f} s after the machine came up",
             f"cause     {record.cause}, vector {record.vector}, error code {record.error_code:#x}, "
             f"on core {record.core}",
             f"kernel    {record.build}{_which_build(record)}",
             "options   " + " ".join(record.options.split()), "", record.report.strip()]
    return "\n".join(lines)


def main(arguments):
    try:
        with open(arguments.disk, "rb") as image:
            found = [data for _, data in find_file(image, PATH)]
    except OSError as error:
        raise Failure(f"cannot read {arguments.disk}: {error.strerror}") from None
    if not found:
        raise Failure(f"{arguments.disk} has no file BAREFLOW/crash: no machine has kept records there")
    record = next((record for record in map(parse, found) if record), None)
    if arguments.json:
        print(json.dumps(record and vars(record)))
    elif record is None:
        print("no fault has been recorded")
    else:
        print(text(record))
