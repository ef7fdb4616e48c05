"""`./bareflow run`: the model in a machine of its own."""

import re
import sys

import qemu
from cli import machine, packages, places, settings
from cli.build import build
from cli.report import Failure, say

CONTROL = re.compile(rb"\x1b\[[0-9;=?]*[A-Za-z]|[^\n\x20-\x7e]")


class Streams:
    """The guest's text and log, on standard output and standard error.

    Firmware and GRUB may write to the serial port of the text before the kernel owns it. What
    comes there before the kernel's first word in the log is kept back, and told only when the
    kernel never gets that far.
    """

    class Sink:
        def __init__(self, write):
            self.write = write

        def flush(self):
            pass

    def __init__(self):
        self.early = b""
        self.started = False
        self.text = self.Sink(self._write_text)
        self.log = self.Sink(self._write_log)

    def _write_text(self, data):
        if not self.started:
            self.early += data
            return
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def _write_log(self, data):
        self.started = True
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()

    def tell_early_words(self):
        words = CONTROL.sub(b"", self.early).strip()
        if not self.started and words:
            sys.stderr.buffer.write(words + b"\n")
            sys.stderr.buffer.flush()


def one_line(error):
    return "; ".join(line.strip() for line in str(error).splitlines() if line.strip())


def _boot(guest, model, interactive):
    """The program's exit status."""
    streams = Streams()
    source = None if guest.prompt is not None or sys.stdin is None else sys.stdin.fileno()
    try:
        return qemu.run(guest, source, streams.text, streams.log, interactive,
                        first_word=machine.boot_seconds(model))
    except qemu.QemuError as error:
        raise Failure(one_line(error)) from None
    finally:
        streams.tell_early_words()


def package_set(arguments):
    return packages.RUN_SET + (packages.WINDOW if arguments.display != "none" else ())


def main(arguments):
    model = settings.model(arguments)
    packages.require(package_set(arguments))
    build(places.KERNEL, places.PROGRAM)
    interactive = arguments.prompt is None and sys.stdin is not None and sys.stdin.isatty()
    guest = machine.describe(arguments, model, interactive)
    say(f"booting {model.name} in QEMU ({guest.machine}, {'UEFI' if guest.uefi else 'BIOS'}, "
        f"{guest.memory}, processor {guest.cpu})")
    return _boot(guest, model, interactive)
