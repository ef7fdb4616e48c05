"""`./bareflow exec`: a C program from source to running in the engine, in one command."""

import hashlib
import os
import signal
import subprocess
from pathlib import Path

from cli import packages, places
from cli.build import build
from cli.report import USAGE, Failure

CLANG = "clang-19"
CXX = "clang++-19"
CXX_SUFFIXES = (".cpp", ".cc", ".cxx")
SOURCES = (".c", *CXX_SUFFIXES)
BITCODE = (".bc", ".ll")
IMAGE = ".bfir"


def _run(*command):
    """The compiler's and the lowering's words go to standard error as they are."""
    status = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                            stdout=2).returncode
    if status != 0:
        raise Failure(f"{Path(command[0]).name} failed (its words are above)")


def _check(files):
    for file in files:
        if file.suffix not in (*SOURCES, *BITCODE, IMAGE):
            raise Failure(f"{file}: give C or C++ sources, bitcode (.bc, .ll) or one image (.bfir)",
                          USAGE)
        if not file.exists():
            raise Failure(f"{file}: there is no such file")
    if len(files) > 1 and any(file.suffix == IMAGE for file in files):
        raise Failure("an image stands alone: lower everything together instead", USAGE)


def _folder(files, arguments):
    """Where the files of this program go: the same place for the same command."""
    what = repr(([str(file.absolute()) for file in files], arguments.optimise, arguments.cflags))
    folder = places.BUILD / "exec" / hashlib.sha256(what.encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _bitcode(file, number, folder, arguments):
    """The bitcode of one file, compiled if it is a source."""
    if file.suffix in BITCODE:
        return file
    compiler, extra = CLANG, []
    if file.suffix in CXX_SUFFIXES:
        compiler, extra = CXX, ["-fno-exceptions", "-fno-rtti"]
    made = folder / f"{number}-{os.getpid()}.bc"
    _run(compiler, f"-O{arguments.optimise}", "-g", *extra, *arguments.cflags, "-emit-llvm", "-c",
         file, "-o", made)
    return made


def _image(files, arguments):
    if files[0].suffix == IMAGE:
        return files[0]
    folder = _folder(files, arguments)
    image = folder / f"{files[0].stem}{IMAGE}"
    made = folder / f"{os.getpid()}{IMAGE}"
    inputs = [_bitcode(file, number, folder, arguments) for number, file in enumerate(files)]
    try:
        _run(places.LOWER_TOOL, *inputs, "-o", made)
    finally:
        for bitcode in set(inputs) - set(files):
            bitcode.unlink(missing_ok=True)
    made.replace(image)  # another run of the same program may be reading it
    return image


def main(arguments):
    files = [Path(name) for name in arguments.files]
    _check(files)
    packages.require(packages.BUILD)
    build(places.LOWER_TOOL, places.RUN_TOOL)
    image = _image(files, arguments)
    options = ["--tier", arguments.tier] if arguments.tier else []
    options += ["--stats"] if arguments.stats else []
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec would keep that
    os.execv(places.RUN_TOOL, [str(places.RUN_TOOL), *options, *arguments.engine, str(image),
                               *arguments.program_arguments])
