"""Configures the build directory once, and brings targets up to date with ninja."""

import contextlib
import fcntl
import os
import subprocess
import sys

from cli import places
from cli.report import Failure, Step, say

COMPILER = "clang++-19"
QUIET = ("ninja: Entering directory", "ninja: no work to do.")


@contextlib.contextmanager
def _locked():
    """One builder at a time: ninja itself has no lock."""
    places.BUILD.mkdir(parents=True, exist_ok=True)
    with open(places.BUILD / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build in the same directory")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _configure():
    if (places.BUILD / "build.ninja").exists():
        return
    with Step("configuring the build directory"):
        environment = dict(os.environ, CXX=COMPILER)
        status = subprocess.run(["meson", "setup", str(places.BUILD), str(places.ROOT)],
                                env=environment, stdin=subprocess.DEVNULL,
                                stdout=sys.stderr).returncode
        if status != 0:
            raise Failure(f"meson setup failed with status {status} (its words are above)")


def _show(line, on_terminal):
    """A line of ninja's: progress overwrites itself on a terminal, the rest stays."""
    if line.startswith(QUIET):
        return
    if on_terminal and line.startswith("["):
        sys.stderr.write("\r\x1b[K" + line.rstrip("\n")[:79])
    else:
        sys.stderr.write(line)
    sys.stderr.flush()


def _ninja(targets):
    on_terminal = sys.stderr.isatty()
    process = subprocess.Popen(["ninja", "-C", str(places.BUILD), *targets],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace")
    shown = ""
    for shown in process.stdout:
        _show(shown, on_terminal)
    if on_terminal and shown.startswith("["):
        sys.stderr.write("\r\x1b[K")
    return process.wait()


def build(*paths):
    """Brings files of the build directory up to date; everything if none is named."""
    with _locked():
        _configure()
        status = _ninja([places.target(path) for path in paths])
    if status != 0:
        raise Failure("the build failed (the compiler's words are above)")
