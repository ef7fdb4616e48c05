#!/usr/bin/env python3
"""Strips the kernel for the disc, prints its size, and refuses one that is too big.

Also checks that the second link has put every function where the first had it, since the symbol
table in it was made from the first.
"""
import argparse
import os
import subprocess
import sys


def text_symbols(nm, elf):
    output = subprocess.run([nm, "--defined-only", elf], check=True, capture_output=True,
                            text=True).stdout
    return sorted(line for line in output.splitlines() if line.split(" ", 2)[1] in "tTwW")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("elf")
    parser.add_argument("--first-link", required=True)
    parser.add_argument("--objcopy", required=True)
    parser.add_argument("--nm", required=True)
    parser.add_argument("--limit", type=int, required=True, help="bytes")
    parser.add_argument("-o", "--output", required=True)
    arguments = parser.parse_args()
    if text_symbols(arguments.nm, arguments.elf) != text_symbols(arguments.nm, arguments.first_link):
        sys.exit("error: the two links of the kernel put functions at different addresses")
    subprocess.run([arguments.objcopy, "--strip-all", arguments.elf, arguments.output], check=True)
    size = os.path.getsize(arguments.output)
    print(f"kernel: {size:,} bytes stripped (limit {arguments.limit:,})")
    if size > arguments.limit:
        os.remove(arguments.output)
        sys.exit("error: the stripped kernel is too big")


if __name__ == "__main__":
    main()
