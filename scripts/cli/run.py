"""`./bareflow run`: the model in a machine of its own."""

import contextlib
import re
import subprocess
import sys
import threading

import qemu
from cli import machine, packages, places, settings
from cli.build import build
from cli.report import Failure, say


# A status line, which leaves the cursor where it was (src/arch/x86/remote_terminal.cpp).
STATUS = re.compile(rb"\x1b7.*?\x1b8", re.DOTALL)


class Terminal:
    """Text and log on one terminal: the log comes in whole lines, none inside a line of text."""

    class Sink:
        def __init__(self, write, flush):
            self.write, self.flush = write, flush

    def __init__(self, text, log):
        self._text, self._log = text, log
        self._lock = threading.Lock()
        self._text_is_in_line = False
        self._begun = b""  # a log line without its end
        self.text = self.Sink(self._write_text, text.flush)
        self.log = self.Sink(self._write_log, log.flush)

    def _write_text(self, data):
        with self._lock:
            self._text.write(data)
            self._text.flush()
            if shown := STATUS.sub(b"", data):
                self._text_is_in_line = not shown.endswith(b"\n")

    def _write_log(self, data):
        with self._lock:
            lines, end, self._begun = (self._begun + data).rpartition(b"\n")
            if end:
                self._log.write((b"\n" if self._text_is_in_line else b"") + lines + end)
                self._text_is_in_line = False

    def close(self):
        self._log.write(self._begun)
        self._log.flush()


@contextlib.contextmanager
def _sinks():
    """Where the guest's text and log go."""
    text, log = sys.stdout.buffer, sys.stderr.buffer
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield text, log
        return
    terminal = Terminal(text, log)
    try:
        yield terminal.text, terminal.log
    finally:
        terminal.close()


def one_line(error):
    return "; ".join(line.strip() for line in str(error).splitlines() if line.strip())


def _boot(guest, model, interactive):
    """The program's exit status."""
    source = None if guest.prompt is not None else sys.stdin.fileno()
    try:
        with _sinks() as (text, log):
            return qemu.run(guest, source, text, log, interactive,
                            first_word=machine.boot_seconds(model))
    except qemu.QemuError as error:
        raise Failure(one_line(error)) from None


def package_set(arguments):
    return packages.RUN_SET + (packages.WINDOW if arguments.display != "none" else ())


def _show_names(arguments):
    """QEMU's own list, for --cpu help and --machine help."""
    option = "-cpu" if arguments.cpu == "help" else "-machine"
    packages.require(packages.MACHINE)
    return subprocess.run([qemu.QEMU, option, "help"], stdin=subprocess.DEVNULL).returncode


def main(arguments):
    if "help" in (arguments.cpu, arguments.machine):
        return _show_names(arguments)
    machine.check_disk(arguments)
    # What is wrong with these is said before anything is built.
    settings.machine_option_lines(arguments)
    if not machine.kept_disk(arguments):
        settings.model(arguments)
    packages.require(package_set(arguments))
    build(places.KERNEL, places.PROGRAM)
    interactive = settings.prompt(arguments) is None and sys.stdin.isatty()
    with machine.described(arguments, interactive) as (guest, model):
        say(f"booting {model.name} in QEMU ({guest.machine}, {'UEFI' if guest.uefi else 'BIOS'}, "
            f"{guest.memory}, processor {guest.cpu}{', disk ' + guest.disk if guest.disk else ''})")
        return _boot(guest, model, interactive)
