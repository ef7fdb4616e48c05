"""llama.cpp as a peer: got from npm when a comparison is asked for, and built against its C API.

    tool = llama_peer.ready()
    subprocess.run(tool.command(model, threads, "serve"))

The npm package node-llama-cpp carries llama.cpp's sources as a git bundle, of which the headers are
taken; @node-llama-cpp/linux-x64 carries its library, one variant for each kind of processor, which
is chosen when it is loaded. Everything goes to build/llama.cpp; nothing is installed elsewhere.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from cli import packages, places
from cli.build import COMPILER
from cli.report import Failure, Step

FOLDER = places.BUILD / "llama.cpp"
MODULES = FOLDER / "node_modules"
BUNDLE = MODULES / "node-llama-cpp" / "llama" / "gitRelease.bundle"
SOURCE = places.ROOT / "bench" / "llama_peer.cpp"
NPM = ("node-llama-cpp", "@node-llama-cpp/linux-x64")


class Tool:
    def __init__(self, program, libraries, version):
        self.program, self.libraries, self.version = program, libraries, version

    def command(self, model, threads, *what):
        return [str(self.program), str(self.libraries), str(model), str(threads),
                *map(str, what)]


def _run(*command, **options):
    status = subprocess.run([str(word) for word in command], stdout=sys.stderr,
                            stdin=subprocess.DEVNULL, **options).returncode
    if status != 0:
        raise Failure(f"{command[0]} failed with status {status} (its words are above)")


def _install():
    if not shutil.which("npm"):
        packages.require(("npm",))
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Step("getting llama.cpp from npm"):
        _run("npm", "install", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund",
             "--prefix", FOLDER, *NPM)


def _headers(bundle):
    """llama.h and ggml*.h, out of the sources in the bundle."""
    git = FOLDER / "sources.git"
    shutil.rmtree(git, ignore_errors=True)
    _run("git", "clone", "--quiet", "--bare", bundle, git)
    archive = subprocess.run(["git", "--git-dir", git, "archive", "HEAD", "include",
                              "ggml/include"], stdout=subprocess.PIPE)
    if archive.returncode != 0:
        raise Failure("llama.cpp's sources have no headers where they are looked for")
    subprocess.run(["tar", "-x", "-C", FOLDER], input=archive.stdout, check=True)
    shutil.rmtree(git)


def _library(folder, stem):
    """lib<stem>.so, with or without a version in its name."""
    found = sorted(folder.glob(f"lib{stem}.so")) + sorted(folder.glob(f"lib{stem}.*.so"))
    if not found:
        raise Failure(f"there is no lib{stem}.so in {folder}: remove {FOLDER} and try again")
    return found[0]


def _compile(program, libraries):
    with Step("building the peer"):
        _run(COMPILER, "-std=c++20", "-O2", SOURCE, "-I", FOLDER / "include", "-I",
             FOLDER / "ggml" / "include", "-o", program,
             *(_library(libraries, stem) for stem in ("llama", "ggml", "ggml-base")),
             f"-Wl,-rpath,{libraries}")


def shared_objects():
    """The folder of its libraries, which are installed if they are not there yet."""
    libraries = MODULES / "@node-llama-cpp" / "linux-x64" / "bins" / "linux-x64"
    if not BUNDLE.exists() or not libraries.exists():
        _install()
    return libraries


def ready():
    libraries = shared_objects()
    if not (FOLDER / "include" / "llama.h").exists():
        _headers(BUNDLE)
    program = FOLDER / "llama-peer"
    if not program.exists() or program.stat().st_mtime < SOURCE.stat().st_mtime:
        _compile(program, libraries)
    return Tool(program, libraries, _library(libraries, "llama").name.split(".", 1)[1][:-3])
