"""Instructions of the guest, from the kernel's first one on, counted with QEMU's `-icount`.

With `-icount shift=0` every instruction takes one nanosecond of the machine's time and one tick of
its time stamp counter: the ticks that the kernel logs are instructions, those that it waits for a
clock included. A run that is asked for no tokens ends where a prompt would be worked on.
"""

import re
import sys

import qemu

TICKS = re.compile(r"\[boot\] (\d+) ticks from the first instruction to the (\w+)")
PLACES = {"program": "to the program's first instruction", "end": "to the prompt"}
LIMIT = 100_000_000  # to the prompt, on the default model
TIMEOUT_SECONDS = 600


def measure(image):
    """Instructions up to each place that the kernel logs."""
    machine = qemu.Machine(iso=str(image), options="tokens=0\ntemp=0\n", prompt=b"",
                           extra=["-icount", "shift=0"])
    result = qemu.capture(machine, timeout=TIMEOUT_SECONDS)
    found = {place: int(ticks) for ticks, place in TICKS.findall(result.log.decode())}
    if result.status != 0 or set(found) != set(PLACES):
        sys.exit(f"error: the guest did not count:\n{result.log.decode(errors='replace')}")
    return found


def table(result):
    lines = [f"{'from the first instruction':<36} {'instructions':>14} {'limit':>14}"]
    for place, ticks in result.items():
        limit = f"{LIMIT:,}" if place == "end" else ""
        lines.append(f"{PLACES[place]:<36} {ticks:>14,} {limit:>14}".rstrip())
    return lines


def over_limit(result):
    return ["guest instructions to the prompt"] if result["end"] > LIMIT else []
