"""Checks who includes whom: the layering rules of HACKING.md, run as a test.

    scripts/check_includes.py [SOURCE_ROOT]

Prints every include that breaks a rule, and ends with status 1 if there is one.
"""

import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

# Which parts of the source each part may include, besides itself. The longest prefix of a file's
# path below src/ decides.
MAY_INCLUDE = {
    "runtime/": (),
    "arch/host/": ("runtime/",),
    "arch/x86/": ("runtime/",),
    "microjit/": ("runtime/",),
    "inference/": ("runtime/program_abi.h",),
    "boot/": ("runtime/", "arch/x86/"),
    # Composition roots: the few files that know all parts.
    "boot/run.": ("runtime/", "microjit/"),
    "boot/main.": ("runtime/", "arch/x86/", "microjit/"),
    "boot/host_main.": ("runtime/", "arch/host/", "microjit/"),
    "boot/host_words.": ("runtime/", "arch/host/"),
    "inference/native_main.": ("runtime/", "arch/host/"),
    "tools/run/": ("runtime/", "microjit/"),
    "tools/gguf/": ("runtime/", "inference/"),
}

# All that the platform's implementations may know of the runtime: what lies below the port or is
# shared by all platforms.
BELOW_THE_PORT = ("runtime/base.h", "runtime/platform.h", "runtime/cpu_features.h",
                  "runtime/options.h", "runtime/text.h", "runtime/calendar.h",
                  "runtime/counters.h", "runtime/counters.def", "runtime/progress.h",
                  "runtime/fs/block_device.h")

# Libraries that appear in some places only.
ONLY_IN = {
    "llvm/": ("microjit/lower/",),
    "llvm-c/": ("microjit/lower/",),
    "asmjit/": ("microjit/tiers/", "microjit/emit/"),
}

# Headers of an operating system, for which bare metal has no place.
HOST_ONLY = re.compile(r"(sys/|unistd\.h|fcntl\.h|pthread\.h|termios\.h|thread$|mutex$|iostream$|"
                       r"fstream$|filesystem$)")
HOST_PLACES = ("arch/host/", "microjit/lower/", "microjit/interp/count_cells.", "microjit/inspect/disassemble.",
               "microjit/inspect/perf_map.", "microjit/inspect/sampler.", "tools/", "boot/host_main.", "boot/host_words.",
               "inference/native_main.")


def part_of(path):
    """The rule that a file falls under."""
    return max((part for part in MAY_INCLUDE if path.startswith(part)), key=len, default=None)


def own_folder(path):
    """A file may always include its own part."""
    part = part_of(path)
    return part if part.endswith("/") else part.rsplit("/", 1)[0] + "/"


def is_source(name):
    return name.split("/")[0] in {part.split("/")[0] for part in MAY_INCLUDE}


def breaks_layers(path, name):
    if name.endswith(".def") or not is_source(name):
        return False
    if path.startswith("arch/") and name.startswith("runtime/"):
        return name not in BELOW_THE_PORT
    return not name.startswith((own_folder(path), *MAY_INCLUDE[part_of(path)]))


def reason(path, bracket, name):
    """Why `path` may not include `name`, or None."""
    if path.endswith(".def"):
        return "a table includes nothing"
    if part_of(path) is None:
        return "the file is in no part that scripts/check_includes.py knows"
    if breaks_layers(path, name):
        return f"{own_folder(path)} may not include this"
    for library, places in ONLY_IN.items():
        if name.startswith(library) and not path.startswith(places):
            return f"{library} belongs into {' and '.join(places)} only"
    if bracket == "<" and HOST_ONLY.match(name) and not path.startswith(HOST_PLACES):
        return "bare metal has no operating system"
    return None


def problems(path, text):
    """The lines about one file, whose path is relative to src/."""
    for bracket, name in INCLUDE.findall(text):
        why = reason(path, bracket, name)
        if why:
            yield f"src/{path}: includes {bracket}{name}{'>' if bracket == '<' else bracket}: {why}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parents[1])
    sources = root / "src"
    files = [file for file in sorted(sources.rglob("*")) if file.suffix in (".h", ".cpp", ".def", ".S")]
    found = [line for file in files
             for line in problems(file.relative_to(sources).as_posix(), file.read_text())]
    for line in found:
        print(line)
    print(f"{len(files)} files, {len(found)} includes that break a rule")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
