"""The programs of the benchmark, and making of each what the engines run.

A program takes its size as its only argument and prints checksums. Size 1 does next to nothing: that
run is what starting, loading and compiling cost, and is taken off the longer one.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "programs"
CLANG = "clang-19"
SIZE = re.compile(r"argv\[1\]\) : (\d+);")

# Sizes that LLVM's interpreter, some thousand times slower than native code, ends in a second or
# two, where a hundredth of the program's own size does not say it.
SMALL = {"binary_trees": 10, "fannkuch": 8, "fib": 26, "queens": 10, "digits": 2000, "mandelbrot": 100,
         "matrix": 40, "spectral_norm": 60}


@dataclass
class Program:
    """One program, and the files that were made of it."""
    name: str
    source: Path
    bitcode: Path
    native: Path
    image: Path

    @property
    def size(self):
        """The size that the program has without an argument."""
        return int(SIZE.search(self.source.read_text()).group(1))

    @property
    def small_size(self):
        return SMALL.get(self.name, max(2, self.size // 100))

    @property
    def about(self):
        """What the program does: its first line."""
        return self.source.read_text().split("\n", 1)[0].removeprefix("// ")


def names():
    return sorted(path.stem for path in FOLDER.glob("*.c"))


def _older(made, *sources):
    return not made.exists() or any(made.stat().st_mtime < source.stat().st_mtime
                                    for source in sources)


def _make(made, sources, *command):
    """Runs a command that makes a file, unless the file is up to date."""
    if _older(made, *sources):
        made.unlink(missing_ok=True)
        subprocess.run([str(word) for word in command], check=True)


def _program(name, folder, source=None):
    return Program(name, source or FOLDER / f"{name}.c", folder / f"{name}.bc",
                   folder / f"{name}.native", folder / f"{name}.bfir")


def make_image(program, lower):
    """Bitcode and image of a program. One that cannot be lowered has no image: then all tiers fail."""
    _make(program.bitcode, [program.source], CLANG, "-O2", "-emit-llvm", "-c", program.source, "-o",
          program.bitcode)
    try:
        _make(program.image, [program.bitcode, lower], lower, program.bitcode, "-o", program.image)
    except subprocess.CalledProcessError:
        pass  # bf-lower has said why
    return program


def make(name, folder, lower):
    """A program with its bitcode, its native executable and its image, brought up to date."""
    program = make_image(_program(name, folder), lower)
    _make(program.native, [program.bitcode], CLANG, "-O2", program.bitcode, "-o", program.native,
          "-lm")
    return program


def make_from_source(source, folder, lower):
    """A program that is not one of `names()`: bitcode and image only."""
    return make_image(_program(source.stem, folder, source), lower)
