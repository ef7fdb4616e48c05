#!/usr/bin/env python3
"""Makes the kernel's symbol table from its first link, as assembly for the second.

The format is described in src/arch/x86/symbols.h: functions by address, names demangled without
their parameters, each name written as how much it shares with the one before and the rest.
"""
import argparse
import pathlib
import re
import subprocess

MAX_NAME_BYTES = 120


def functions(nm, elf):
    """(address, name) of every function, by address; of several names at one address the shortest."""
    output = subprocess.run([nm, "--demangle", "--defined-only", elf], check=True,
                            capture_output=True, text=True).stdout
    names = {}
    for line in output.splitlines():
        address, kind, name = line.split(" ", 2)
        if kind not in "tTwW":
            continue
        name = short_name(name)
        old = names.get(int(address, 16))
        if old is None or len(name) < len(old):
            names[int(address, 16)] = name
    return sorted(names.items())


def short_name(name):
    """A demangled name without parameters, template arguments and inline namespaces."""
    name = name.replace("(anonymous namespace)::", "").replace("asmjit::_abi_1_9::", "asmjit::")
    name = name.replace("__llvm_libc_19_1_7_::", "libc::")
    depth = 0
    kept = []
    operator = re.search(r"operator\W+\(", name)
    start = operator.end() - 1 if operator else 0
    for i, c in enumerate(name):
        if i < start:
            kept.append(c)
            continue
        if c == "(" and depth == 0:
            break
        if c == "<":
            depth += 1
        elif c == ">":
            depth -= 1
        elif depth == 0:
            kept.append(c)
    text = "".join(kept).strip()
    # The return type of a template's instance comes first.
    if " " in text and "operator" not in text:
        text = text.rsplit(" ", 1)[1]
    return (text or name)[:MAX_NAME_BYTES]


def uleb128(value):
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def encode(symbols):
    out = bytearray()
    last_address, last_name = 0, b""
    for address, text in symbols:
        name = text.encode()
        kept = 0
        while kept < min(len(name), len(last_name)) and name[kept] == last_name[kept]:
            kept += 1
        out += uleb128(address - last_address) + bytes([kept, len(name) - kept]) + name[kept:]
        last_address, last_name = address, name
    return bytes(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("elf", help="the kernel's first link")
    parser.add_argument("--nm", required=True)
    parser.add_argument("-o", "--output", required=True)
    arguments = parser.parse_args()
    table = encode(functions(arguments.nm, arguments.elf))
    lines = ['  .section .symbols, "a", @progbits']
    for i in range(0, len(table), 32):
        lines.append("  .byte " + ",".join(str(b) for b in table[i:i + 32]))
    pathlib.Path(arguments.output).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
