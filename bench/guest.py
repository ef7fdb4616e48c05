"""Instructions of the guest, from the kernel's first one on, counted with QEMU's `-icount`.

With `-icount shift=0` every instruction takes one nanosecond of the machine's time and one tick of
its time stamp counter: the ticks that the kernel logs are instructions, those that it waits for a
clock included. A run that is asked for no tokens ends where a prompt would be worked on.
"""

import re

import qemu

TICKS = re.compile(r"\[boot\] (\d+) ticks from the first instruction to the (\w+)")
# What each place is called, and how many instructions there may be up to it, with the default model.
PLACES = {"program": ("to the program's first instruction", 5_000_000),
          "end": ("to the prompt", 100_000_000)}
TIMEOUT_SECONDS = 600


def measure(image):
    """Instructions up to each place that the kernel logs."""
    machine = qemu.Machine(iso=str(image), options="tokens=0\ntemp=0\n", prompt=b"",
                           extra=["-icount", "shift=0"])
    result = qemu.capture(machine, timeout=TIMEOUT_SECONDS)
    found = {place: int(ticks) for ticks, place in TICKS.findall(result.log.decode())}
    if result.status != 0 or set(found) != set(PLACES):
        raise RuntimeError(f"the guest did not count:\n{result.log.decode(errors='replace')}")
    return found


def table(result):
    lines = [f"{'from the first instruction':<36} {'instructions':>14} {'limit':>14}"]
    for place, ticks in result.items():
        name, limit = PLACES[place]
        lines.append(f"{name:<36} {ticks:>14,} {limit:>14,}")
    return lines


def over_limit(result):
    return [f"guest instructions {name}" for place, (name, limit) in PLACES.items()
            if result[place] > limit]
