"""Prints the sizes of what boots, beside their limits; a size over its limit is status 1.

    scripts/sizes.py --kernel bareflow.elf --program program.bfir [--iso FILE --model FILE]

The kernel is the stripped file that goes onto the disc. A disc counts without its model.
"""

import argparse
import json
import os
import sys

KIB = 1024
# The program was promised to stay below 300 KiB when it had four weight formats and no grammars,
# conversations or architectures but Llama's.
LIMITS = {"kernel": 1792 * KIB, "program": 384 * KIB, "disc": 8192 * KIB}
TITLES = {"kernel": "stripped kernel", "program": "program IR", "disc": "ISO without its model"}


def measure(kernel=None, program=None, iso=None, model=None):
    """The sizes in bytes of those parts that are named."""
    sizes = {name: os.path.getsize(path)
             for name, path in (("kernel", kernel), ("program", program)) if path}
    if iso:
        sizes["disc"] = os.path.getsize(iso) - (os.path.getsize(model) if model else 0)
    return sizes


def too_large(sizes):
    return [name for name, size in sizes.items() if size > LIMITS[name]]


def table(sizes):
    """A line for each size."""
    return [f"{TITLES[name]:<22} {size:>9,} bytes  limit {LIMITS[name]:>9,}"
            + ("  TOO LARGE" if size > LIMITS[name] else "")
            for name, size in sizes.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("kernel", "program", "iso", "model"):
        parser.add_argument(f"--{name}", metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--stamp", metavar="FILE", help="write the table here too")
    arguments = parser.parse_args()
    sizes = measure(arguments.kernel, arguments.program, arguments.iso, arguments.model)
    if not sizes:
        parser.error("name at least one file")
    text = json.dumps(sizes) if arguments.json else "\n".join(table(sizes))
    print(text)
    if arguments.stamp:
        with open(arguments.stamp, "w") as stamp:
            stamp.write(text + "\n")
    return 1 if too_large(sizes) else 0


if __name__ == "__main__":
    sys.exit(main())
