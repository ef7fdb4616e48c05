"""Counts the instructions of a Linux process with callgrind, which counts the same every time."""

import re
import subprocess
from pathlib import Path

COLLECTED = re.compile(r"^==\d+== Collected\s*: (\d+)$", re.MULTILINE)


def instructions(command):
    """How many instructions `command` executes; its output is dropped, a failure raises."""
    process = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        errors="replace")
    found = COLLECTED.search(process.stderr)
    if process.returncode != 0 or not found:
        raise RuntimeError(f"{' '.join(command)}\nended with status {process.returncode}:\n"
                           + process.stderr[-2000:])
    return int(found.group(1))


def stripped(binary, folder):
    """A copy without line tables: Valgrind 3.19 gives up on those that clang 19 writes."""
    copy = Path(folder) / Path(binary).name
    subprocess.run(["strip", "--strip-debug", "-o", str(copy), str(binary)], check=True)
    return copy
