"""`./bareflow gdb`: the kernel in QEMU, stopped where its C++ begins, under gdb."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace

import qemu
from cli import machine, packages, places, settings
from cli.build import build
from cli.report import Failure, say

ENTRY = "kernel_main"
QEMU_REFUSED = 1


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(port, batch):
    """gdb's command line; -nx keeps the user's own settings out of batches."""
    line = ["gdb", "-q", "-iex", "set debuginfod enabled off", "-iex", "set confirm off"]
    if batch:
        line += ["-nx", "-batch"]
    # Breakpoints in memory would be overwritten by GRUB: the first has to be the hardware's.
    steps = [f"directory {places.BUILD}", f"target remote 127.0.0.1:{port}", f"thbreak {ENTRY}",
             "continue", *batch]
    return line + [word for step in steps for word in ("-ex", step)] + [str(places.KERNEL_SYMBOLS)]


@contextlib.contextmanager
def _interrupts_are_gdbs():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _debug(guest, port, batch):
    """gdb's exit status. All that the guest says goes to standard error."""
    said = sys.stderr.buffer
    with qemu.Guest(guest, said, said) as running, _interrupts_are_gdbs():
        running.feed(None)
        environment = dict(os.environ, LC_ALL="C.UTF-8")
        status = subprocess.run(command(port, batch), env=environment,
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                                stdin=subprocess.DEVNULL if batch else None).returncode
        if running.process.poll() == QEMU_REFUSED:
            raise Failure("QEMU failed: " + " ".join(running.stderr().split()))
        return status


def main(arguments):
    model = settings.model(arguments)
    packages.require(packages.GDB_SET)
    build(places.KERNEL, places.PROGRAM)
    port = _free_port()
    arguments.gdb = 1  # the engine tells gdb of what it compiles
    guest = machine.describe(arguments, model)
    guest = replace(guest, extra=[*guest.extra, "-S", "-gdb", f"tcp:127.0.0.1:{port}"])
    say(f"QEMU waits for gdb at 127.0.0.1:{port}")
    try:
        return _debug(guest, port, arguments.gdb_commands)
    except qemu.QemuError as error:
        raise Failure(str(error)) from None
