"""The Debian packages that each command needs, and getting those that are missing.

A stamp in the build directory remembers that a set of packages was there. It holds as long as
dpkg's own record has not changed, so that a second run asks nobody.
"""

import os
import shutil
import subprocess
import sys

from cli import places
from cli.report import Failure, Step, say

BUILD = ("python3", "clang-19", "libclang-rt-19-dev", "lld-19", "llvm-19-dev", "libllvmlibc-19-dev",
         "libasmjit-dev", "catch2", "meson", "ninja-build", "pkg-config")
DISC = ("grub-common", "grub-pc-bin", "grub-efi-amd64-bin", "xorriso", "mtools", "xz-utils")
FONT = ("xfonts-terminus",)  # the kernel's, on its own screen
MACHINE = ("qemu-system-x86", "ovmf")
WINDOW = ("qemu-system-gui",)
DEBUGGER = ("gdb",)
COUNTER = ("valgrind",)
LLVM_PEER = ("llvm-19-runtime",)  # lli, LLVM's interpreter
OTHER_MACHINE = ("bochs", "bochsbios", "vgabios")  # AVX-512, which QEMU does not emulate
FILE_SYSTEMS = ("dosfstools", "genisoimage", "gdisk", "fdisk")  # whose word on our disks counts
RANDOM_PROGRAMS = ("csmith", "libcsmith-dev")

HOST_SET = BUILD
ISO_SET = BUILD + DISC + FONT
RUN_SET = ISO_SET + MACHINE
GDB_SET = RUN_SET + DEBUGGER
TEST_SET = GDB_SET + OTHER_MACHINE + RANDOM_PROGRAMS + COUNTER + FILE_SYSTEMS
BENCH_SET = RUN_SET + COUNTER
BENCH_JIT_SET = BUILD + LLVM_PEER

DPKG_RECORD = "/var/lib/dpkg/status"


def _stamp():
    return places.BUILD / ".packages"


def _dpkg_state():
    return str(os.stat(DPKG_RECORD).st_mtime_ns)


def _remembered():
    """The packages that the stamp vouches for."""
    try:
        state, *names = _stamp().read_text().split()
        return set(names) if state == _dpkg_state() else set()
    except (OSError, ValueError):
        return set()


def _remember(names):
    places.BUILD.mkdir(parents=True, exist_ok=True)
    known = sorted(_remembered() | set(names))
    _stamp().write_text(" ".join([_dpkg_state()] + known) + "\n")


def missing(names):
    """Those of `names` that dpkg does not have installed."""
    if not shutil.which("dpkg-query"):
        raise Failure("dpkg-query is missing: BareFlow sets itself up on Debian 12 only")
    answer = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = (line.split() for line in answer.stdout.splitlines())
    installed = {name for name, status in lines if status == "installed"}
    return [name for name in names if name not in installed]


def _as_root(command):
    if os.geteuid() == 0:
        return command
    if not shutil.which("sudo"):
        raise Failure("packages are missing, and so is sudo: run as root: " + " ".join(command))
    return ["sudo", *command]


def _apt(*arguments):
    command = _as_root(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", *arguments])
    status = subprocess.run(command, stdout=sys.stderr).returncode
    if status != 0:
        raise Failure(f"apt-get {arguments[0]} failed with status {status} (its words are above)")


def _install(names):
    with Step("apt-get update"):
        _apt("update")
    with Step(f"installing {len(names)} packages"):
        _apt("install", "-y", "--no-install-recommends", *names)


def require(names):
    """Installs what is missing of `names`, and names it first."""
    if set(names) <= _remembered():
        return
    lacking = missing(names)
    if lacking:
        say("these Debian packages are needed and missing: " + " ".join(lacking))
        _install(lacking)
        still = missing(lacking)
        if still:
            raise Failure("apt-get did not install: " + " ".join(still))
    _remember(names)
