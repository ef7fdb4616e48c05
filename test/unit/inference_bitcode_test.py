"""The program's bitcode asks the world for nothing but the program ABI, and keeps its exports.

It also stays within the IR: vectors of 16 to 64 bytes with whole powers of two of lanes, no
integers beyond 64 bits, no inline assembly, no thread-locals, no static constructors.

    inference_bitcode_test.py LLVM_NM LLVM_DIS PROGRAM.bc PROGRAM_ABI.h EXPORTS.txt
"""

import re
import subprocess
import sys


BITS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "half": 16, "float": 32, "double": 64, "ptr": 64}


def beyond_the_ir(text: str) -> list[str]:
    """What of the program the IR cannot express."""
    problems = []
    # The mask of a shuffle is written like a vector, and is none.
    text = re.sub(r"(shufflevector .*), <\d+ x i32> ", r"\1, ", text)
    for lanes, element in set(re.findall(r"<(\d+) x (\w+)>", text)):
        count = int(lanes)
        size = count * BITS.get(element, 0) // 8
        masks = element == "i1" and count <= 64
        if count & (count - 1) or not (masks or 16 <= size <= 64):
            problems.append(f"has vectors <{lanes} x {element}>")
    code = "\n".join(line for line in text.splitlines()
                     if not line.startswith(("target ", "source_filename", "!", "attributes ")))
    for pattern, what in ((r"\bi(?:6[5-9]|[7-9]\d|\d{3,})\b", "integers beyond 64 bits"),
                          (r"\basm\b", "inline assembly"), (r"\bthread_local\b", "thread-locals"),
                          (r"@llvm\.global_ctors", "static constructors")):
        if re.search(pattern, code):
            problems.append(f"has {what}")
    return problems


def main() -> None:
    nm, dis, bitcode, abi_header, exports_file = sys.argv[1:]
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
    text = subprocess.run([dis, bitcode, "-o", "-"], check=True, capture_output=True, text=True)
    problems += beyond_the_ir(text.stdout)
    if not undefined or not exports:
        problems.append("nothing was found to compare")
    print(f"{len(undefined)} imports, {len(defined)} exports")
    sys.exit("\n".join(problems) or 0)


if __name__ == "__main__":
    main()
