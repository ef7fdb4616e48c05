"""The program's bitcode asks the world for nothing but the program ABI, and keeps its exports.

    program_bitcode_test.py LLVM_NM PROGRAM.bc PROGRAM_ABI.h EXPORTS.txt
"""

import re
import subprocess
import sys


def main() -> None:
    nm, bitcode, abi_header, exports_file = sys.argv[1:]
    lines = subprocess.run([nm, bitcode], check=True, capture_output=True, text=True).stdout
    symbols = [line.split()[-2:] for line in lines.splitlines()]
    undefined = {name for kind, name in symbols if kind == "U"}
    defined = {name for kind, name in symbols if kind == "T"}
    with open(abi_header, encoding="utf-8") as file:
        abi = set(re.findall(r"\b(bf_\w+)\(", file.read()))
    with open(exports_file, encoding="utf-8") as file:
        exports = set(file.read().split())

    problems = [f"asks for {name}, which the ABI does not have" for name in undefined - abi]
    problems += [f"does not define {name} of the exports" for name in exports - defined]
    problems += [f"exports {name}, which is not in the list" for name in defined - exports]
    if not undefined or not exports:
        problems.append("nothing was found to compare")
    print(f"{len(undefined)} imports, {len(defined)} exports")
    sys.exit("\n".join(problems) or 0)


if __name__ == "__main__":
    main()
