"""`./bareflow run`: the model in a machine of its own."""

import sys

import qemu
from cli import machine, packages, places, settings
from cli.build import build
from cli.report import Failure, say


def one_line(error):
    return "; ".join(line.strip() for line in str(error).splitlines() if line.strip())


def _boot(guest, model, interactive):
    """The program's exit status."""
    source = None if guest.prompt is not None else sys.stdin.fileno()
    try:
        return qemu.run(guest, source, sys.stdout.buffer, sys.stderr.buffer, interactive,
                        first_word=machine.boot_seconds(model))
    except qemu.QemuError as error:
        raise Failure(one_line(error)) from None


def package_set(arguments):
    return packages.RUN_SET + (packages.WINDOW if arguments.display != "none" else ())


def main(arguments):
    model = settings.model(arguments)
    packages.require(package_set(arguments))
    build(places.KERNEL, places.PROGRAM)
    interactive = arguments.prompt is None and sys.stdin.isatty()
    guest = machine.describe(arguments, model, interactive)
    say(f"booting {model.name} in QEMU ({guest.machine}, {'UEFI' if guest.uefi else 'BIOS'}, "
        f"{guest.memory}, processor {guest.cpu})")
    return _boot(guest, model, interactive)
