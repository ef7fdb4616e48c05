"""From parsed arguments to the machine that QEMU shall be: the one description of machines, which
benchmarks (bench/cores.py) and tests (cli/matrix.py) use with command lines of their own.

    parsed = cli.arguments.parse(["run", "--smp", "2", "--disk", "nvme"])
    with described(parsed) as (guest, model):
        qemu.capture(guest)
"""

import contextlib
import os
import re
import stat
import tempfile
from pathlib import Path

import qemu
from cli import disc, disk, disk_tables, places, settings
from cli.report import USAGE, Failure

MIB = 1 << 20
USUAL_MEMORY = 512 * MIB
UNITS = {"": MIB, "K": 1024, "M": MIB, "G": 1024 * MIB}

# What a machine needs beside what GRUB loads: the kernel's place, page tables, the program's heap.
LEAST_ROOM = 8 * MIB


def memory_bytes(text):
    """A size as QEMU writes it; without a unit it means MiB."""
    number, unit = re.fullmatch("([0-9]+)([KMG]?)", text.upper()).groups()
    return int(number) * UNITS[unit]


def _loaded_bytes(model):
    return sum(os.path.getsize(path) for path in (places.KERNEL, places.PROGRAM, model))


def usual_memory(model):
    """Enough for this model, as QEMU writes it."""
    return f"{max(USUAL_MEMORY, USUAL_MEMORY // 2 + _loaded_bytes(model) * 5 // 4) // MIB}M"


def memory(arguments, model):
    """The machine's memory; less than GRUB needs to load everything is refused here."""
    if not arguments.mem:
        return usual_memory(model)
    loaded = _loaded_bytes(model)
    # What lies on a disk is not loaded by GRUB; the kernel says by itself what it lacks.
    if not getattr(arguments, "disk", None) and memory_bytes(arguments.mem) < loaded + LEAST_ROOM:
        raise Failure(f"--mem {arguments.mem}: not enough memory to load {model.name}: "
                      f"give at least {(loaded + 4 * LEAST_ROOM) // MIB}M")
    return arguments.mem


def check_disk(arguments):
    if arguments.disk_image and not arguments.disk:
        raise Failure("--disk-image: say what kind of disk it is, such as --disk ahci", USAGE)


def kept_disk(arguments):
    """The image of --disk-image if it is there already, or None."""
    path = Path(arguments.disk_image).absolute() if arguments.disk_image else None
    mode = settings.mode_of(path, "--disk-image: cannot read") if path else None
    if mode is None:
        return None
    if not stat.S_ISREG(mode):
        raise Failure(f"--disk-image: {path} is no regular file")
    return path


def disk_image(arguments, folder):
    """The disk that --disk asks for, and the options that go with it: an image that is there already,
    or one that is made, to be kept or in the folder. (None, []) without --disk."""
    if not arguments.disk:
        return None, []
    if kept := kept_disk(arguments):
        return kept, [f"model={Path(arguments.model).name}"] if arguments.model else []
    model = settings.model(arguments)
    path = Path(arguments.disk_image).absolute() if arguments.disk_image else Path(folder) / "disk.img"
    disk.make(path, [disk.model_at(model)])
    return path, [f"model={model.name}"]


def _sector_bytes(kind, image):
    """As the image has them: a disk of ours may have been made for another machine."""
    found = disk_tables.sector_bytes_of(image)
    if found != 512 and kind in qemu.OLD_DISKS:
        raise Failure(f"--disk {kind}: QEMU's has sectors of 512 bytes, and {image.name} was made for "
                      f"{found}: use --disk nvme or --disk virtio")
    return found


def describe(arguments, model, interactive=False, image=None, more_options=()):
    """The machine, with a disc that holds the model, or with a disk."""
    options = settings.machine_option_lines(arguments) + [f"interactive={int(interactive)}", *more_options]
    for_loader = [line for line in options if line.startswith("screen=")]
    if arguments.display == "curses" and not for_loader:
        for_loader = ["screen=text"]  # a terminal shows no pixels
    screenshot = settings.screenshot(arguments)
    if interactive and vars(arguments).get("status"):
        options.append("terminal=ansi")
    prompt = settings.prompt(arguments)
    profile = settings.profile(arguments)
    return qemu.Machine(
        iso=str(disc.cached(None if image else model, for_loader)), machine=arguments.machine,
        cpu=arguments.cpu or "max",
        memory=memory(arguments, model), smp=int(arguments.smp or 1), uefi=arguments.uefi,
        kvm=arguments.kvm, display=arguments.display, options="\n".join(options) + "\n",
        prompt=prompt, disk=arguments.disk if image else None,
        disk_image=str(image) if image else None,
        sector_bytes=_sector_bytes(arguments.disk, image) if image else 512,
        screenshot=str(screenshot) if screenshot else None, exit_port=screenshot is None,
        profile=str(profile) if profile else None, extra=arguments.qemu_args)


@contextlib.contextmanager
def described(arguments, interactive=False):
    """(the machine of a run, the model); the disk that --disk asks for is there as long as this is."""
    check_disk(arguments)
    # A disk that is there already has its models on it.
    model = kept_disk(arguments) or settings.model(arguments)
    with tempfile.TemporaryDirectory(prefix="bareflow-disk-") as folder:
        image, options = disk_image(arguments, folder)
        yield describe(arguments, model, interactive, image, options), model


def boot_seconds(model):
    """How long firmware, GRUB and an emulated disc drive may take until the kernel speaks."""
    return 90 + model.stat().st_size // (2 * MIB)
