"""Runs a BareFlow disc in Bochs: AVX-512 and x2APIC, which QEMU 7.2 does not emulate, and a second
opinion on everything else.

    result = capture(Machine(iso="bareflow.iso", cores=2), timeout=100)
    result.com1, result.com3

Options, prompt and model come with the disc or from the disk, and nothing comes back but what the
serial ports carry: the machine has to switch itself off by ACPI.
"""
import dataclasses
import os
import shutil
import subprocess
import tempfile

import qemu

BIOS = "/usr/share/bochs/BIOS-bochs-latest"
# Of a disk: Bochs wants its size to be a whole number of cylinders.
HEADS, SECTORS = 16, 63
CYLINDER_BYTES = HEADS * SECTORS * 512

SETTINGS = """\
display_library: rfb, options="timeout=0"
romimage: file={bios}
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model={machine.cpu}, count={machine.cores}, ips=50000000
memory: guest={machine.memory_mib}, host={machine.memory_mib}
ata0-master: type=cdrom, path={machine.iso}, status=inserted
{disk}
boot: cdrom
com1: enabled=1, mode=file, dev={folder}/com1
com3: enabled=1, mode=file, dev={folder}/com3
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
log: {folder}/log
"""


class BochsError(Exception):
    """Why the machine did not run, or did not end as it should: a text for a person."""


@dataclasses.dataclass
class Machine:
    iso: str
    cpu: str = "corei7_skylake_x"
    cores: int = 1
    memory_mib: int = 256
    disk_image: str | None = None  # IDE, on the disc's cable; whole cylinders


@dataclasses.dataclass
class Result:
    com1: bytes
    com3: bytes


def is_there():
    return bool(shutil.which("bochs")) and os.path.exists(BIOS)


def _settings(machine, folder):
    disk = ""
    if machine.disk_image:
        cylinders, rest = divmod(os.path.getsize(machine.disk_image), CYLINDER_BYTES)
        if rest:
            raise BochsError(f"{machine.disk_image} is no whole number of cylinders")
        disk = (f"ata0-slave: type=disk, mode=flat, path={machine.disk_image}, "
                f"cylinders={cylinders}, heads={HEADS}, spt={SECTORS}")
    return SETTINGS.format(bios=BIOS, machine=machine, folder=folder, disk=disk)


def _contents(path):
    if not os.path.exists(path):
        return b""
    with open(path, "rb") as file:
        return file.read()


def capture(machine, timeout):
    """Boots the machine, and waits until it has switched itself off."""
    if not is_there():
        raise BochsError("bochs and bochsbios are not installed")
    with tempfile.TemporaryDirectory(prefix="bareflow-") as folder:
        rc, commands = os.path.join(folder, "rc"), os.path.join(folder, "commands")
        with open(rc, "w") as file:
            file.write(_settings(machine, folder))
        with open(commands, "w") as file:
            file.write("c\n")  # Debian's Bochs starts in its debugger
        why = "was not switched off"
        try:
            # Ends by ACPI power-off, which Bochs reports as a failure.
            subprocess.run(["bochs", "-q", "-unlock", "-f", rc, "-rc", commands], timeout=timeout,
                           stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True,
                           preexec_fn=qemu.die_with_parent)
        except subprocess.TimeoutExpired:
            why = f"did not end within {timeout:g} s"
        result = Result(_contents(f"{folder}/com1"), _contents(f"{folder}/com3"))
        if b"soft power off" not in _contents(f"{folder}/log"):
            raise BochsError(f"the machine {why}:\n{result.com1.decode(errors='replace')}")
        return result
