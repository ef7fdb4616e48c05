"""What further cores are worth on bare metal: machines of one, two and eight cores in QEMU.

Time per token is measured in pairs: the machines with one core and with two are both up, and
generate by turns; who has no turn sleeps. QEMU's cores are threads of the host, so more than the
host has are only asked for their text and their share of the work.
"""

import dataclasses
import json
import os
import re
import statistics
import tempfile
import time

import qemu
from cli import arguments, machine

WARM_UP_TURNS = 3
TURN_TOKENS = 32
TEXT_TOKENS = 150
TIMEOUT_S = 600
PROMPT = "Once upon a time"
MATRIX_PRODUCTS = "multiply_rows"

MOST_TIME = 0.65          # of one core's, per token, on two
LEAST_SHARE, MOST_SHARE = 0.45, 0.55  # of the rows, on two cores
LEAST_OF_EIGHT = 0.25     # of a fair share: no core starves
MOST_IDLE = 0.05          # of a host's core, while waiting at the prompt


def _run(model, cores, *more):
    """As `./bareflow run` describes it."""
    return arguments.parse(["run", "--model", str(model), "--smp", str(cores), *more])


class Player:
    """A machine that does so many tokens when it is asked (the program's option `bench`)."""

    def __init__(self, model, cores, folder):
        self.profile = os.path.join(folder, f"profile-{cores}.json")
        self.text, self.log = qemu.Collector(), qemu.Collector()
        with machine.described(_run(model, cores)) as (described, _):
            described = dataclasses.replace(described, options="bench=1\n", profile=self.profile)
            self.guest = qemu.Guest(described, self.text, self.log)

    def __enter__(self):
        self.guest.__enter__()
        self._next_line(0)  # "ready"
        return self

    def __exit__(self, *error):
        self.guest.__exit__(*error)

    def turn(self, tokens=TURN_TOKENS):
        """Seconds per token, and what the host's processors worked for them meanwhile."""
        worked = self.processor_seconds()
        answers = self.text.data.count(b"\n")
        self.guest.send(b"generate %d\n" % tokens)
        seconds = int(self._next_line(answers)) / 1e9
        return seconds / tokens, (self.processor_seconds() - worked) / tokens

    def _next_line(self, lines_before):
        deadline = time.monotonic() + TIMEOUT_S
        while self.text.data.count(b"\n") == lines_before:
            if self.guest.process.poll() is not None or time.monotonic() > deadline:
                raise qemu.QemuError(f"no answer:\n{self.log.data.decode(errors='replace')}")
            time.sleep(0.01)
        return self.text.data.split(b"\n")[lines_before]

    def processor_seconds(self):
        with open(f"/proc/{self.guest.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def idle(self, seconds=3):
        """Host cores that are busy while the machine waits for input."""
        start = self.processor_seconds()
        time.sleep(seconds)
        return (self.processor_seconds() - start) / seconds

    def shares(self):
        """Each core's part of the rows of matrix products. The machine ends."""
        self.guest.send(qemu.END_OF_INPUT)
        self.guest.wait(TIMEOUT_S)
        with open(self.profile) as file:
            work = json.load(file)["shared"]
        products = [w["items"] for w in work if MATRIX_PRODUCTS in w["name"]]
        rows = [sum(counts) for counts in zip(*products)]
        return [n / sum(rows) for n in rows]


def _text(model, cores):
    told = _run(model, cores, "--prompt", PROMPT, "--temp", "0", "--tokens", str(TEXT_TOKENS))
    with machine.described(told) as (described, _):
        result = qemu.capture(described, timeout=TIMEOUT_S)
    if result.status != 0 or not re.search(rb"^cores: %d of %d " % (cores, cores), result.log, re.M):
        raise qemu.QemuError(f"with {cores} cores:\n{result.log.decode(errors='replace')}")
    return result.text.decode(errors="replace")


def measure(model, repeat):
    result = {"turn_tokens": TURN_TOKENS, "pairs": [], "work": []}
    with tempfile.TemporaryDirectory() as folder:
        with Player(model, 1, folder) as one, Player(model, 2, folder) as two:
            for _ in range(WARM_UP_TURNS):
                one.turn(), two.turn()
            for _ in range(repeat):
                turns = one.turn(), two.turn()
                result["pairs"].append([seconds for seconds, _ in turns])
                result["work"].append([worked for _, worked in turns])
            result["idle"] = {"1": one.idle(), "2": two.idle()}
            result["shares"] = {"2": two.shares()}
        with Player(model, 8, folder) as eight:
            for _ in range(WARM_UP_TURNS):
                eight.turn()
            result["idle"]["8"] = eight.idle()
            result["shares"]["8"] = eight.shares()
    ratios = [two / one for one, two in result["pairs"]]
    result["time_per_token"] = statistics.median(ratios)
    texts = [_text(model, cores) for cores in (1, 2, 8)]
    result["same_text"] = texts[0] == texts[1] == texts[2] != ""
    return result


def table(result):
    ratios = [two / one for one, two in result["pairs"]]
    one, two = (statistics.median(side) * 1e3 for side in zip(*result["pairs"]))
    work = statistics.median(two / one for one, two in result["work"])
    percent = lambda shares: " ".join(f"{share * 100:.1f}" for share in shares)
    return [
        f"time per token, two cores to one   {result['time_per_token']:.2f}  (at most {MOST_TIME}; "
        f"pairs from {min(ratios):.2f} to {max(ratios):.2f}; median {one:.2f} and {two:.2f} ms)",
        f"host's processor time, the same    {work:.2f}  (1.00: two cores waste nothing; whatever "
        "else the host does)",
        f"rows of two cores, percent         {percent(result['shares']['2'])}",
        f"rows of eight cores, percent       {percent(result['shares']['8'])}",
        f"host cores busy at the prompt      " + ", ".join(
            f"{busy:.3f} with {cores}" for cores, busy in result["idle"].items()),
        f"the same text with 1, 2 and 8      {'yes' if result['same_text'] else 'NO'}",
    ]


def over_limit(result):
    over = []
    if result["time_per_token"] > MOST_TIME:
        over.append("time per token of two cores")
    if not all(LEAST_SHARE <= share <= MOST_SHARE for share in result["shares"]["2"]):
        over.append("shares of two cores")
    if min(result["shares"]["8"]) < LEAST_OF_EIGHT / 8:
        over.append("the least share of eight cores")
    if max(result["idle"].values()) > MOST_IDLE:
        over.append("work while waiting")
    if not result["same_text"]:
        over.append("texts that differ")
    return over
