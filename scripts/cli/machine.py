"""From parsed arguments to the machine that QEMU shall be."""

import os
import re

import qemu
from cli import disc, places, settings
from cli.report import Failure

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
    if memory_bytes(arguments.mem) < loaded + LEAST_ROOM:
        raise Failure(f"--mem {arguments.mem}: not enough memory to load {model.name}: "
                      f"give at least {(loaded + 4 * LEAST_ROOM) // MIB}M")
    return arguments.mem


def describe(arguments, model, interactive=False):
    """The machine, with a disc that holds the model."""
    options = settings.option_lines(arguments) + [f"interactive={int(interactive)}"]
    prompt = settings.prompt(arguments)
    profile = settings.profile(arguments)
    return qemu.Machine(
        iso=str(disc.cached(model)), machine=arguments.machine, cpu=arguments.cpu or "max",
        memory=memory(arguments, model), smp=int(arguments.smp or 1), uefi=arguments.uefi,
        kvm=arguments.kvm, display=arguments.display, options="\n".join(options) + "\n",
        prompt=prompt,
        profile=str(profile) if profile else None, extra=arguments.qemu_args)


def boot_seconds(model):
    """How long firmware, GRUB and an emulated disc drive may take until the kernel speaks."""
    return 90 + model.stat().st_size // (2 * MIB)
