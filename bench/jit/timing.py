"""Running processes in turn, and the time that counts.

What counts is processor time (user and system, of all threads), not the clock: a shared machine
takes processors away, and gives the time back in no clock. Engines run in turn (native, one tier,
the next, native again ...), so that a slow minute slows all of them; of each, the least time is kept.
"""

import os
import shutil
import subprocess
import threading
from dataclasses import dataclass, field

TIMEOUT_SECONDS = 300
SLOW, SLOW_RUNS = 4, 1


class Wrong(Exception):
    """A program did not end as it should; the text says how."""


@dataclass
class Sample:
    """The runs of one command: the least processor time, how far apart the runs were, the output."""
    seconds: list = field(default_factory=list)
    output: bytes = b""

    @property
    def least(self):
        return min(self.seconds)

    @property
    def spread(self):
        """By how much the second-best run was slower than the best, as a share."""
        best = sorted(self.seconds)[:2]
        return best[-1] / best[0] - 1 if best[0] > 0 else 0.0


def run(command, timeout=TIMEOUT_SECONDS):
    """Processor seconds and output of a command; raises Wrong if it fails or never ends."""
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    killer = threading.Timer(timeout, process.kill)
    killer.start()
    with process.stdout as pipe:
        output = pipe.read()
    _, status, usage = os.wait4(process.pid, 0)  # tells the time of this child alone
    process.returncode = os.waitstatus_to_exitcode(status)
    killer.cancel()
    if process.returncode != 0:
        raise Wrong(_how_it_ended(process.returncode))
    return usage.ru_utime + usage.ru_stime, output


def _how_it_ended(status):
    return f"status {status}" if status > 0 else f"killed by signal {-status}"


def _often_enough(samples, name):
    first, this = next(iter(samples.values())), samples[name]
    return (not isinstance(first, Wrong) and len(this.seconds) >= SLOW_RUNS
            and this.least > SLOW * first.least)


def sample_in_turn(commands, repeat, timeout=TIMEOUT_SECONDS):
    """Runs every command `repeat` times, in turn. Gives a Sample or the Wrong of each by name.

    A command that takes much longer than the first one runs fewer times: noise is a smaller share
    of its time, and the first one's best run is known well enough."""
    samples = {name: Sample() for name in commands}
    for _ in range(repeat):
        for name, command in commands.items():
            if isinstance(samples[name], Wrong) or _often_enough(samples, name):
                continue
            try:
                seconds, samples[name].output = run(command, timeout)
                samples[name].seconds.append(seconds)
            except Wrong as wrong:
                samples[name] = wrong
    return samples


# ---- Instructions --------------------------------------------------------------------------------

def user_instructions(command, timeout=TIMEOUT_SECONDS):
    """The instructions that a command runs in user mode, by `perf stat`; None where that does not
    work (no perf, no permission, a virtual machine without counters)."""
    if not shutil.which("perf"):
        return None
    process = subprocess.run(
        ["perf", "stat", "--field-separator", ";", "--event", "instructions:u", "--"]
        + [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, timeout=timeout, text=True, errors="replace", check=False)
    for line in process.stderr.splitlines():
        count, _, rest = line.partition(";")
        if "instructions" in rest and count.isdigit():
            return int(count)
    return None


def counts_instructions():
    """Whether user_instructions() works here."""
    return bool(user_instructions(["true"]))
