"""`./bareflow gdb`: the kernel in QEMU, stopped where its C++ begins, under gdb."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace

import qemu
from cli import machine, packages, places, settings
from cli.build import build
from cli.report import Failure, say

ENTRY = "kernel_main"
STUB_WAITS = b"gdb: waits on COM2"
QEMU_REFUSED = 1


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(port, batch, serial=False):
    """gdb's command line; -nx keeps the user's own settings out of batches."""
    line = ["gdb", "-q", "-iex", "set debuginfod enabled off", "-iex", "set confirm off"]
    if batch:
        line += ["-nx", "-batch"]
    steps = [f"directory {places.BUILD}", f"target remote 127.0.0.1:{port}"]
    if not serial:
        # Breakpoints in memory would be overwritten by GRUB: the first has to be the hardware's.
        steps += [f"thbreak {ENTRY}", "continue"]
    return line + [word for step in [*steps, *batch] for word in ("-ex", step)] + [str(places.KERNEL_SYMBOLS)]


class _Said:
    """Standard error, which is looked through for the moment when the kernel's stub is ready."""

    def __init__(self):
        self.ready = threading.Event()
        self._end = b""

    def write(self, data):
        sys.stderr.buffer.write(data)
        self._end = (self._end + data)[-1024:]
        if STUB_WAITS in self._end:
            self.ready.set()

    def flush(self):
        sys.stderr.buffer.flush()


@contextlib.contextmanager
def _interrupts_are_gdbs():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _debug(guest, port, batch, serial):
    """gdb's exit status. All that the guest says goes to standard error."""
    said = _Said()
    with qemu.Guest(guest, said, said) as running, _interrupts_are_gdbs():
        running.feed(None)
        while serial and not said.ready.wait(0.1) and running.process.poll() is None:
            pass
        environment = dict(os.environ, LC_ALL="C.UTF-8")
        status = subprocess.run(command(port, batch, serial), env=environment,
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
    # Either way the engine tells gdb of what it compiles.
    arguments.gdb = "serial,wait" if arguments.serial else 1
    guest = machine.describe(arguments, model)
    if arguments.serial:
        guest = replace(guest, debugger=f"socket,host=127.0.0.1,port={port},server=on,wait=off")
    else:
        guest = replace(guest, extra=[*guest.extra, "-S", "-gdb", f"tcp:127.0.0.1:{port}"])
    say(f"{'the kernel' if arguments.serial else 'QEMU'} waits for gdb at 127.0.0.1:{port}")
    try:
        return _debug(guest, port, arguments.gdb_commands, arguments.serial)
    except qemu.QemuError as error:
        raise Failure(str(error)) from None
