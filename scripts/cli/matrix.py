"""`./bareflow test --matrix`: one short story on every machine that emulators can be, and each time
the text that the host's engine tells.

A case is a command line of `./bareflow run`, so whatever fails can be run by hand. Beside them stand
machines that only a test builds: Bochs, and what VirtualBox presents (docs/virtualbox.md). Those
get a disc that knows all by itself, as a real machine does.
"""

import dataclasses
import fnmatch
import json
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import bochs
import pairs
import qemu
from cli import arguments as command_line
from cli import disc, disk, host, machine, places, settings
from cli.report import USAGE, Failure, say

STORY = ("--prompt", "Once upon a time", "--temp", "0", "--tokens", "12")
SEED = 7
TIMEOUT_S = 400
UNCHANGED = ",snapshot=on"  # a disk that many machines read
FOLDER = "matrix"  # in the build directory: logs of what failed

# What comes first in a row is what most machines of the short form have: cheap, and usual.
AXES = {"firmware": ("bios", "uefi"), "machine": ("q35", "pc"),
        "cpu": ("max", "qemu64", "Nehalem", "Haswell"), "cores": (1, 2, 8),
        "source": ("module", "ahci", "ide", "virtio", "nvme")}


@dataclasses.dataclass
class Outcome:
    text: bytes
    log: bytes


class Run:
    """A machine that `./bareflow run` can be told to boot."""

    def __init__(self, firmware, machine, cpu, cores, source):
        self.columns = (firmware, machine, cpu, cores, source)
        self.name = "-".join(map(str, self.columns))
        self.words = ["run", *STORY, "--machine", machine, "--cpu", cpu, "--smp", str(cores)]
        self.words += ["--uefi"] if firmware == "uefi" else []
        self.words += ["--disk", source] if source != "module" else []
        self.cores, self.disk = cores, source if source != "module" else None
        self.by_hand = "./bareflow " + shlex.join(self.words)

    def boot(self, discs):
        parsed = command_line.parse(self.words)
        if self.disk:
            parsed.disk_image = str(discs.disk())
        with machine.described(parsed) as (guest, _):
            result = qemu.capture(dataclasses.replace(guest, drive=UNCHANGED), timeout=TIMEOUT_S)
        if result.status != 0:
            raise qemu.QemuError(f"the status is {result.status}\n{result.log.decode(errors='replace')}")
        return Outcome(result.text, result.log)


class Alone:
    """A machine that knows nothing but its disc: the log goes to COM1, the text to COM3 (UEFI
    firmware writes to COM1 and COM2), and the machine switches itself off."""

    options = ["text=com3", "log=com1", "raw=1"]

    def __init__(self, name, *columns):
        self.name, self.columns = name, columns
        _, _, _, self.cores, source = columns
        self.disk = source if source != "module" else None
        self.by_hand = f"./bareflow test --matrix full {name}"


class OnBochs(Alone):
    def boot(self, discs):
        try:
            result = bochs.capture(bochs.Machine(
                iso=str(discs.alone(bool(self.disk), "screen=text")), cores=self.cores,
                disk_image=str(discs.disk()) if self.disk else None), TIMEOUT_S)
        except bochs.BochsError as error:
            raise qemu.QemuError(str(error)) from None
        return Outcome(result.com3, result.com1)


class LikeVirtualBox(Alone):
    """Its chipsets, disks, network card and ports, in QEMU; without virtio, without QEMU's own ways
    to hand things over. The network card has no driver here, and must do no harm."""

    def boot(self, discs):
        firmware, board, cpu, cores, _ = self.columns
        with tempfile.NamedTemporaryFile(prefix="bareflow-com3-") as text:
            guest = qemu.Machine(
                iso=str(discs.alone(bool(self.disk))), machine=board, cpu=cpu, smp=cores,
                uefi=firmware == "uefi", memory="512M", streams=False, exit_port=False, disk=self.disk,
                disk_image=str(discs.disk()) if self.disk else None,
                drive=UNCHANGED,
                extra=["-serial", "null", "-serial", f"file:{text.name}", "-device", "e1000"])
            result = qemu.capture(guest, timeout=TIMEOUT_S)
            return Outcome(text.read(), result.text)


# Name, then the columns of AXES.
OTHERS = (
    OnBochs("bochs", "bios", "bochs", "skylake_x", 1, "module"),
    OnBochs("bochs-disk", "bios", "bochs", "skylake_x", 2, "ide"),
    LikeVirtualBox("virtualbox", "bios", "pc", "Haswell", 2, "module"),  # PIIX3, disc on IDE
    LikeVirtualBox("virtualbox-ide", "bios", "pc", "Nehalem", 1, "ide"),
    LikeVirtualBox("virtualbox-ich9-ide", "bios", "q35", "Nehalem", 2, "ide"),  # PIIX4
    LikeVirtualBox("virtualbox-sata", "bios", "pc", "Haswell", 2, "ahci"),
    LikeVirtualBox("virtualbox-ich9-efi", "uefi", "q35", "Haswell", 2, "ahci"),
)


class Discs:
    """What the machines boot, made once."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.model = places.DEFAULT_MODEL
        self.lock = threading.Lock()

    def _once(self, name, make):
        path = self.folder / name
        with self.lock:
            if not path.exists():
                make(path)
        return path

    def alone(self, with_disk, *more_options):
        """A disc for a machine that gets nothing beside it."""
        parsed = command_line.parse(["iso", "-o", "unused", *STORY])
        options = [*settings.option_lines(parsed), *Alone.options, *more_options]
        return self._once(f"alone-{'-'.join([str(with_disk), *more_options])}.iso", lambda path: disc.make(
            path, None if with_disk else self.model, options, settings.prompt(parsed)))

    def disk(self):
        """A disk with the model; whole cylinders, for Bochs."""
        return self._once("disk.img", lambda path: disk.make(
            path, [disk.model_at(self.model)], size=200 * bochs.CYLINDER_BYTES))


def cases(which):
    """Those of the full product, or of its pairs, and the others."""
    rows = pairs.product(AXES) if which == "full" else pairs.covering(AXES, SEED)
    runs = [Run(**row) for row in rows]
    # Slow ones first, so that two at a time end together.
    runs.sort(key=lambda run: (run.columns[0] != "uefi", -run.cores))
    return [*OTHERS, *runs]


def share_of(cases, share):
    """The i-th of n parts, as (i, n), i from 1: every n-th case."""
    return cases[share[0] - 1::share[1]] if share else cases


def chosen(which, names, share):
    found = [case for case in cases(which)
             if not names or any(fnmatch.fnmatch(case.name, name) for name in names)]
    if not found:
        raise Failure(f"no machine of the matrix is called {' or '.join(names)}", USAGE)
    return share_of(found, share)


def host_text():
    """What is right."""
    line = host.command(command_line.parse(["host", *STORY]))
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        raise Failure(f"the host's engine failed: {done.stderr.decode(errors='replace')}")
    return done.stdout


def wrong(case, outcome, expected):
    """What is wrong with a run, or None."""
    if outcome.text != expected:
        return f"another text: {outcome.text!r}"
    if not re.search(rb"^cores: %d of %d \(" % (case.cores, case.cores), outcome.log, re.M):
        return f"not {case.cores} cores"
    if case.disk and not re.search(rb"^\[boot\] model: .* from %s\d" % case.disk.encode(), outcome.log, re.M):
        return f"the model does not come from {case.disk}"
    return None


def run(case, discs, expected, folder):
    """One boot, as a row of the report."""
    start = time.monotonic()
    log = folder / f"{case.name}.log"
    log.unlink(missing_ok=True)
    try:
        outcome = case.boot(discs)
        problem = wrong(case, outcome, expected)
        said = outcome.log
    except qemu.QemuError as error:
        problem, _, more = str(error).partition("\n")
        said = more.encode()
    row = dict(zip(AXES, case.columns), name=case.name, seconds=round(time.monotonic() - start, 1),
               passed=problem is None)
    if problem:
        log.write_bytes(f"{problem}\n".encode() + said)
        row |= {"problem": problem, "log": str(log), "run": case.by_hand}
    return row


def run_all(cases, jobs, discs, expected, folder):
    """Rows in the order of the cases."""
    rows = {}
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        waiting = {pool.submit(run, case, discs, expected, folder): case for case in cases}
        try:
            for done in as_completed(waiting):
                row = rows[waiting[done].name] = done.result()
                say(f"{len(rows)} of {len(cases)}: {row['name']}: "
                    f"{'the right text' if row['passed'] else row['problem'][:60]}, {row['seconds']} s")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [rows[case.name] for case in cases]


def table(rows):
    """Within 80 columns; under it, how to run what failed."""
    lines = [f"{'firmware':<9}{'machine':<8}{'processor':<10}{'cores':>5}  {'model':<7}"
             f"{'seconds':>7}  text"]
    for row in rows:
        lines.append(f"{row['firmware']:<9}{row['machine']:<8}{row['cpu']:<10}{row['cores']:>5}  "
                     f"{row['source']:<7}{row['seconds']:>7.1f}  {'right' if row['passed'] else 'WRONG'}"
                     + (f" ({row['name']})" if row["name"].startswith("virtualbox") else ""))
    for row in rows:
        if not row["passed"]:
            lines += ["", f"{row['name']}: {row['problem']}", f"  log: {row['log']}", f"  {row['run']}"]
    return lines


def main(arguments):
    """The exit status; `arguments` are those of `./bareflow test`."""
    wanted = chosen(arguments.matrix, arguments.names, arguments.share)
    if arguments.list:
        print("\n".join(case.name for case in wanted))
        return 0
    folder = places.BUILD / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    say(f"{len(wanted)} machines, {arguments.jobs} at a time")
    with tempfile.TemporaryDirectory(prefix="bareflow-matrix-") as scratch:
        discs = Discs(scratch)
        for model in (discs.model, None):
            disc.cached(model)  # not by two at once
        rows = run_all(wanted, arguments.jobs, discs, host_text(), folder)
    counts = {"passed": sum(row["passed"] for row in rows)}
    counts["failed"] = len(rows) - counts["passed"]
    if arguments.json:
        print(json.dumps(counts | {"seconds": round(time.monotonic() - start, 1), "cases": rows}))
    else:
        print("\n".join([*table(rows), "", f"{counts['passed']} passed, {counts['failed']} failed"]))
    sys.stdout.flush()
    return 1 if counts["failed"] else 0
