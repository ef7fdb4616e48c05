"""Counts the instructions of a Linux process with callgrind, which counts the same every time."""

import re
import subprocess
import tempfile
from pathlib import Path

COLLECTED = re.compile(r"^==\d+== Collected\s*: (\d+)$", re.MULTILINE)
TOTALS = re.compile(r"^totals: (\d+)$", re.MULTILINE)


def _run(command, profile, *options, given=b""):
    """What callgrind says of a run of `command`, whose output is dropped; a failure raises."""
    process = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", *options, *command],
        input=given, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.decode(errors="replace")
    found = COLLECTED.search(said)
    if process.returncode != 0 or not found:
        raise RuntimeError(f"{' '.join(command)}\nended with status {process.returncode}:\n"
                           + said[-2000:])
    return int(found.group(1))


def instructions(command):
    """How many instructions `command` executes."""
    return _run(command, "/dev/null")


def between_calls(command, function, given):
    """How many it executes, with that input, up to each call of a function since the one before."""
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile"
        _run(command, profile, f"--dump-before={function}", given=given)
        # One file for each call, and one without a number for what comes after the last.
        parts = sorted(profile.parent.glob("profile.*"), key=lambda path: int(path.suffix[1:]))
        return [int(TOTALS.search(path.read_text()).group(1)) for path in parts]


def stripped(binary, folder):
    """A copy without line tables: Valgrind 3.19 gives up on those that clang 19 writes."""
    copy = Path(folder) / Path(binary).name
    subprocess.run(["strip", "--strip-debug", "-o", str(copy), str(binary)], check=True)
    return copy
