"""`./bareflow test --plug`: QEMU is killed while its guest writes files, and what is left is read by
others than those who wrote it: fsck.fat, mtools, and the next machine that boots.

The guest (src/boot/selftest_plug.cpp) says what it is about to do and when it is done, and each file
says itself what it has to be. After a kill every file must be as it was before the operation that
was under way, or as it is after it, and no other may have changed.

A disk whose host dies loses nothing that it was given: what QEMU had written is in the files' pages,
and there are no more writes than were issued, in the order in which they were. What a real disk may
lose besides, writes since the last flush, is tested where every one of them can be left out:
test/unit/fs_crash.cpp.
"""

import collections
import dataclasses
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import make_iso
import qemu
from cli import disk, places
from cli.report import Failure, say

TIMEOUT_S = 200
LONGEST_S = 1.0  # from the first operation to the kill
FOLDER = "plug"  # in the build directory: logs and disks of what failed
SBIN = "/usr/sbin:/sbin:/usr/bin:/bin"
MIB = 1 << 20

MAGIC = 0x43524642
HEADER = struct.Struct("<4I")
OPERATION = re.compile(r"plug: (?:begin (\d+) (\w+) (\d+) (\d+) (.+)|end (\d+))")


class Broken(Exception):
    """What is wrong with a disk."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """A volume to write to, and who made it."""
    name: str
    sector_bytes: int = 512
    mkfs: tuple = ()  # mkfs.fat's options; none: a volume of ours
    switched: bool = True  # as FAT32 of mkfs.fat's is from the first write on

    def make(self, path):
        if not self.mkfs:
            disk.make(path, [], table="none", sector_bytes=self.sector_bytes)
            return
        with open(path, "wb") as file:
            file.truncate(48 * MIB)
        subprocess.run([_tool("mkfs.fat"), *self.mkfs, path], check=True, capture_output=True)


OURS = Kind("FAT32 of ours")
KINDS = (OURS, Kind("FAT16", mkfs=("-F", "16", "-s", "4"), switched=False), Kind("FAT32", mkfs=("-F", "32", "-s", "1")))
LARGE = Kind("FAT32 of ours, 4K", sector_bytes=4096)
# Ours first: that is what a machine of ours writes to. The order of those that a few kills go to.
PLACES = [(disk_kind, kind) for kind in KINDS for disk_kind in qemu.DISKS]
PLACES[4:4] = [("nvme", LARGE), ("virtio", LARGE)]
NAMES = [(disk_kind, kind.name) for disk_kind, kind in PLACES]


def _tool(name):
    path = shutil.which(name, path=SBIN)
    if not path:
        raise Failure(f"{name} is missing")
    return path


# ---- What was to be done -----------------------------------------------------------------------

class State:
    """Files, as (version, records) by path, and folders."""

    def __init__(self, files=(), folders=()):
        self.files, self.folders = dict(files), set(folders)

    def __eq__(self, other):
        return (self.files, self.folders) == (other.files, other.folders)

    def after(self, what, version, records, path):
        state = State(self.files, self.folders)
        if what == "put":
            state.files[path] = (version, records)
        elif what == "remove":
            state.files.pop(path, None)
        elif what == "mkdir":
            state.folders.add(path)
        elif what == "rmdir":
            state.folders.discard(path)
        else:
            raise Broken(f"the guest does what nobody knows: {what}")
        return state

    def differences(self, other):
        """What `other` has otherwise, for a person."""
        named = [(path, self.files.get(path), other.files.get(path))
                 for path in sorted({*self.files, *other.files})]
        words = [f"{path}: {there}, not {wanted}" for path, wanted, there in named if wanted != there]
        return "; ".join(words + [f"folder {path}" for path in sorted(self.folders ^ other.folders)])


def replay(log, state):
    """(the state after the last operation that ended, the one that was under way or None, how many
    ended). A line without its end was not said."""
    under_way, ended = None, 0
    for line in log.split("\n")[:-1]:
        found = OPERATION.search(line)
        if not found:
            continue
        number, what, version, records, path, end = found.groups()
        if end:
            if under_way is None:
                raise Broken(f"the guest ended {end}, which it had not begun")
            state, under_way, ended = state.after(*under_way), None, ended + 1
        else:
            under_way = (what, int(version), int(records), path)
    return state, under_way, ended


# ---- What is there -----------------------------------------------------------------------------

def examine(data):
    """(version, records) of a file's bytes; raises Broken if nobody ever wrote these."""
    at, versions, index = 0, set(), 0
    while at < len(data):
        if len(data) - at < HEADER.size + 4:
            raise Broken(f"a record is cut off, at {at}")
        magic, version, number, payload = HEADER.unpack_from(data, at)
        end = at + HEADER.size + payload
        if magic != MAGIC or number != index or end + 4 > len(data):
            raise Broken(f"no record {index} at {at}")
        if zlib.crc32(data[at:end]) != struct.unpack_from("<I", data, end)[0]:
            raise Broken(f"a record is damaged, at {at}")
        versions.add(version)
        at, index = end + 4, index + 1
    if len(versions) != 1:
        raise Broken("it is empty" if not versions else "records of two files")
    return versions.pop(), index


def read_volume(image):
    """The state on an image, as mtools read it."""
    with tempfile.TemporaryDirectory(prefix="bareflow-plug-") as folder:
        environment = dict(os.environ, LC_ALL="C.UTF-8", MTOOLS_SKIP_CHECK="1")
        done = subprocess.run(["mcopy", "-s", "-n", "-i", image, "::*", folder], env=environment,
                              capture_output=True, text=True)
        if done.returncode != 0 and '"::*" not found' not in done.stderr:  # nothing is on it
            raise Broken(f"mtools cannot read it: {done.stderr.strip()}")
        state = State()
        for path in Path(folder).rglob("*"):
            name = str(path.relative_to(folder))
            if path.is_dir():
                state.folders.add(name)
                continue
            try:
                state.files[name] = examine(path.read_bytes())
            except Broken as error:
                raise Broken(f"{name}: {error}") from None
        return state


def complaints(image):
    """What fsck.fat has to say, but for its version and what it counted."""
    done = subprocess.run([_tool("fsck.fat"), "-n", image], capture_output=True, text=True)
    usual = ("fsck.fat ", " clusters", "may lead to problems", "Warning: Filesystem is FAT32",
             "Free cluster summary uninitialized", "Leaving filesystem unchanged")
    said = [line.strip() for line in done.stdout.splitlines() + done.stderr.splitlines()
            if line.strip() and not any(word in line for word in usual)]
    return said or ([f"status {done.returncode}"] if done.returncode else [])


# ---- Kills -------------------------------------------------------------------------------------

class Disk:
    """A disk that machines are killed on, again and again."""

    def __init__(self, folder, disk_kind, kind, seed):
        self.disk_kind, self.kind = disk_kind, kind
        self.name = f"{disk_kind}, {kind.name}"
        self.image = folder / (re.sub("[^a-z0-9]+", "-", self.name.lower()) + ".img")
        self.chance = random.Random(f"{seed} {self.name}")
        self.log = ""
        kind.make(self.image)
        self.state = read_volume(self.image)

    def machine(self, iso, *options):
        lines = ["selftest=plug", "crash=0", f"plug={self.chance.randrange(1, 1 << 31)}", *options]
        return qemu.Machine(iso=str(iso), options="\n".join(lines) + "\n", memory="128M",
                            disk=self.disk_kind, disk_image=str(self.image),
                            sector_bytes=self.kind.sector_bytes)

    def kill(self, iso):
        """One machine, from its start to its kill. A row of the report."""
        text, log = qemu.Collector(), qemu.Collector()
        delay = self.chance.uniform(0, LONGEST_S)
        with qemu.Guest(self.machine(iso), text, log) as guest:
            deadline = time.monotonic() + TIMEOUT_S
            while b"plug: begin" not in log.data and guest.process.poll() is None:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.005)
            time.sleep(delay)
            gone = guest.process.poll() is not None
            guest.process.kill()
        self.log = log.data.decode(errors="replace")
        if gone or "plug: begin" not in self.log or "plug: error" in self.log:
            said = re.findall("^(?:plug: error|panic|fault|error).*", self.log, re.M) or ["nothing"]
            raise Broken(f"the machine did not write until it was killed, and said: {said[0]}")
        return self.judge()

    def judge(self):
        """What is left of the last machine."""
        before, under_way, ended = replay(self.log, self.state)
        there = read_volume(self.image)
        after = before.after(*under_way) if under_way else before
        if there != before and there != after:
            raise Broken(f"neither old nor new after {ended} operations and "
                         f"{under_way or 'none under way'}: {before.differences(there)}")
        self.state = there
        said = complaints(self.image)
        if said and self.kind.switched:
            raise Broken(f"fsck.fat says: {'; '.join(said)}")
        return {"disk": self.disk_kind, "volume": self.kind.name, "operations": ended,
                "under_way": under_way[0] if under_way else None,
                "left": "new" if under_way and there == after else "old" if under_way else "between",
                "clean": not said}

    def recover(self, iso):
        """The next machine finds all files whole, and its first write leaves nothing to say."""
        result = qemu.capture(self.machine(iso, "plug-operations=1"), timeout=TIMEOUT_S)
        self.log = result.log.decode(errors="replace")
        if result.status != 0:
            raise Broken(f"the next machine is not content:\n{self.log}")
        self.state, under_way, _ = replay(self.log, self.state)
        if under_way or read_volume(self.image) != self.state:
            raise Broken("not what the next machine has written")
        if said := complaints(self.image):
            raise Broken(f"after the next write fsck.fat says: {'; '.join(said)}")


class Kills:
    """All of a run, and what it found."""

    def __init__(self, count, seed, iso, folder, kept):
        self.count, self.seed, self.iso, self.folder, self.kept = count, seed, iso, folder, kept
        self.rows, self.failures = [], []

    def on(self, place_and_count):
        """Those on one disk, one after the other; what is broken ends them."""
        (disk_kind, kind), count = place_and_count
        plugged = Disk(self.folder, disk_kind, kind, self.seed)
        for number in range(count):
            try:
                row = plugged.kill(self.iso)
                last_of_many = count > 2 and number == count - 1
                if not row["clean"] or last_of_many:
                    plugged.recover(self.iso)
            except (Broken, qemu.QemuError) as error:
                self._keep(plugged, f"{plugged.name}, kill {number + 1}: {error}")
                return
            self.rows.append(row)
            said = {"between": "between two operations",
                    "old": f"in a {row['under_way']}: the old one is there",
                    "new": f"in a {row['under_way']}: the new one is there"}[row["left"]]
            say(f"{len(self.rows)} of {self.count}: {plugged.name}: {row['operations']} operations, "
                f"killed {said}{'' if row['clean'] else '; clean after the next write'}")

    def _keep(self, plugged, problem):
        self.kept.mkdir(parents=True, exist_ok=True)
        image = self.kept / plugged.image.name
        subprocess.run(["cp", "--sparse=always", plugged.image, image], check=True)
        image.with_suffix(".log").write_text(plugged.log)
        self.failures.append({"problem": problem, "image": str(image),
                              "log": str(image.with_suffix(".log"))})
        say(f"BROKEN: {problem}")


def table(rows, failures):
    """Within 80 columns."""
    lines = [f"{'disk':<8}{'volume':<20}{'kills':>6}{'operations':>12}{'between':>9}{'old':>6}{'new':>6}"
             f"{'clean':>7}"]
    groups = collections.defaultdict(list)
    for row in sorted(rows, key=lambda row: NAMES.index((row["disk"], row["volume"]))):
        groups[row["disk"], row["volume"]].append(row)
    total = {("all", ""): rows} if rows else {}
    for (disk_kind, volume), group in [*groups.items(), *total.items()]:
        left = collections.Counter(row["left"] for row in group)
        lines.append(f"{disk_kind:<8}{volume:<20}{len(group):>6}{sum(r['operations'] for r in group):>12,}"
                     f"{left['between']:>9}{left['old']:>6}{left['new']:>6}"
                     f"{sum(row['clean'] for row in group):>7}")
    lines += ["", "clean: fsck.fat -n has nothing to say at once. On FAT16 it may find clusters",
              "that belong to nothing, until the next machine's first write."]
    for failure in failures:
        lines += ["", failure["problem"], f"  disk: {failure['image']}", f"  log: {failure['log']}"]
    return lines


def _shares(count, seed):
    """(place, kills): two on each at least, so that a machine comes after a kill; chance chooses
    where there are fewer than that."""
    chosen = random.Random(seed).sample(PLACES, max(1, min(len(PLACES), count // 2)))
    chosen.sort(key=PLACES.index)
    each, more = divmod(count, len(chosen))
    return [(place, each + (i < more)) for i, place in enumerate(chosen)]


def main(arguments):
    """The exit status; `arguments` are those of `./bareflow test`."""
    seed = random.SystemRandom().randrange(10**9) if arguments.seed is None else arguments.seed
    start = time.monotonic()
    say(f"{arguments.plug} kills, seed {seed}, {arguments.jobs} machines at a time")
    with tempfile.TemporaryDirectory(prefix="bareflow-plug-") as folder:
        iso = Path(folder) / "kernel.iso"
        make_iso.make_iso(str(iso), str(places.KERNEL))
        kills = Kills(arguments.plug, seed, iso, Path(folder), places.BUILD / FOLDER)
        with ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
            list(pool.map(kills.on, _shares(arguments.plug, seed)))
    counts = {"passed": len(kills.rows), "failed": len(kills.failures)}
    if arguments.json:
        print(json.dumps(counts | {"seed": seed, "seconds": round(time.monotonic() - start, 1),
                                   "kills": kills.rows, "failures": kills.failures}))
    else:
        print("\n".join([*table(kills.rows, kills.failures), "",
                         f"{counts['passed']} passed, {counts['failed']} failed"]))
    sys.stdout.flush()
    return 1 if kills.failures else 0
