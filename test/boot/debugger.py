"""The boot tests of the kernel's own stub for gdb, on the second serial port."""
import contextlib
import os
import random
import re
import socket
import subprocess
import tempfile
import time

import make_iso
import qemu
from cases import PROMPT, STORY, TIMEOUT_S, boot, case, check, host_story, says, wait_for

@contextlib.contextmanager
def debugged(iso, options, prompt, word, smp=2):
    """A machine with a debugger's line on its second serial port, from when it has said `word`. Gives
    what runs gdb's commands there, and the guest with its text and log."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "gdb")
        machine = qemu.Machine(iso=iso, options=options, prompt=prompt, smp=smp,
                               debugger=f"socket,path={path},server=on,wait=off")
        text, log = qemu.Collector(), qemu.Collector()
        with qemu.Guest(machine, text, log) as guest:
            guest.feed(None)
            wait_for(guest, lambda: word in log.data or guest.process.poll() is not None)

            def run(kernel, *commands):
                line = ["gdb", "-q", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex",
                        "set pagination off", "-ex", "set width 0", "-ex", "set remotetimeout 60"]
                for command in (f"target remote {path}", *commands):
                    line += ["-ex", command]
                return subprocess.run([*line, kernel], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      text=True, env=dict(os.environ, LC_ALL="C.UTF-8"),
                                      stdin=subprocess.DEVNULL, timeout=TIMEOUT_S).stdout
            run.path = path
            yield run, guest, text, log


def said_in_order(said, *patterns):
    at = 0
    for pattern in patterns:
        found = re.compile(pattern, re.MULTILINE).search(said, at)
        check(found, f"gdb did not say (in this order) {pattern}:\n{said}")
        at = found.end()


@case
def gdb_serial(place):
    """gdb over the second serial port, with nothing of the emulator's: cores, stacks, steps, registers,
    memory, breakpoints that both cores come by, a watched variable. The story is none the worse for it."""
    expected = host_story(place, STORY, PROMPT)
    options = STORY.replace(" ", "\n") + "\ngdb=serial,wait\n"
    with debugged(place.program_iso, options, PROMPT.encode(), b"gdb: waits on COM2") as (run, guest, text, log):
        said = run(place.kernel, "info threads", "thread 2", "backtrace", "thread 1", "break bf::run_program",
                   "continue", "backtrace", "next", "stepi", "p (long)$rip - (long)&'bf::run_program'",
                   "set var $before = $r15", "set var $r15 = 0x1122334455667788", "p/x $r15",
                   "set var $r15 = $before", "p/x $cs", "set var $before = $xmm0.v4_int32[3]",
                   "p $xmm0.v4_int32[3] = 77", "p $xmm0.v4_int32", "set var $xmm0.v4_int32[3] = $before",
                   "p/x $ymm15.v8_int32", "p sizeof(void*)", "x/4xb &bf_panic_trap",
                   "x/x 0", "x/x 0x8000000000000000", "p *(int*)0x30000000000 = 1",
                   "p *(long*)($rsp - 512) = 4711", "p *(long*)($rsp - 512)", "delete",
                   "break bf::platform::wake", "ignore 2 12", "continue", "info breakpoints", "delete",
                   "hbreak bf::x86::rest_core", "continue", "delete",
                   "watch 'bf::progress'", "continue", "delete", "detach")
        status = guest.wait(TIMEOUT_S)
    said_in_order(
        said, r"^\* 1 +Thread 1 \(core 0\) +0x\w+ in bf::x86::gdb::start", r"^  2 +Thread 2 \(core 1, asleep\)",
        r"^#0 .*bf::x86::rest_core", r"^#\d .*bf_core_main \(", "hit Breakpoint 1, .*bf::", r"^#\d .*bf::run_program \(",
        r"^#\d .*run_on_main_stack \(\) at .*main\.cpp", r"^\$1 = \d+$", r"^\$2 = 0x1122334455667788$",
        r"^\$3 = 0x8$", r"^\$4 = 77$", r"^\$5 = \{.*, 77\}$", r"^\$6 = \{", r"^\$7 = 8$", r":\t0x0f\t0x0b",
        "Cannot access memory at address 0x0$", "Cannot access memory at address 0x8000000000000000$",
        "Cannot access memory at address 0x30000000000$", r"^\$8 = 4711$", r"^\$9 = 4711$",
        r"hit Breakpoint 2\.", "already hit 13 times", "hit Hardware assisted breakpoint|hit Breakpoint 3",
        "hit Hardware watchpoint 4: 'bf::progress'", r"New value = .*_M_i = \d+", "detached")
    check(status == 0 and text.data == expected, f"status {status}, text {text.data}\n{said}\n{log.data.decode()}")


CTRL_C = ("python import os, signal, threading; gdb.events.cont.connect(lambda event: "
          "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start())")


@case
def gdb_serial_jit(place):
    """A breakpoint in code compiled at run time, Ctrl-C, and the end."""
    frame = r"^#{} +0x0*100\w+ in {} \(\)"
    with tempfile.TemporaryDirectory(prefix="bareflow-") as folder:
        iso = os.path.join(folder, "faulty.iso")
        make_iso.make_iso(iso, place.kernel_stripped, place.faulty)
        with debugged(iso, "tier=opt\ngdb=serial,wait\n", b"loop", b"gdb: waits") as (run, guest, _, _):
            said = run(place.kernel, "set breakpoint pending on", "break bf_main", "continue", "backtrace 2",
                       "stepi", "p/x (long)$rip >> 40", "delete", CTRL_C, "continue", "backtrace", "info threads", "kill")
            said_in_order(said, "hit Breakpoint 1, .*bf_main", "^#0 .*bf_main", "^#1 .*bf::run_program",
                          r"^\$1 = 0x1$", "received signal SIGINT", frame.format(0, ".*fail_as_told"),
                          frame.format(2, "bf_main"), "core 1", "killed")
            check(guest.wait(TIMEOUT_S) == qemu.PANIC_STATUS, "it was not killed")


@case
def gdb_serial_later(place):
    """A debugger that comes to a running machine, leaves and comes again; one that sees a fault first;
    machines without what it takes."""
    with tempfile.TemporaryDirectory(prefix="bareflow-") as folder:
        iso = os.path.join(folder, "faulty.iso")
        make_iso.make_iso(iso, place.kernel_stripped, place.faulty)
        with debugged(iso, "tier=opt\ngdb=serial\n", b"loop", b"turn interp -> opt", 1) as (run, guest, _, log):
            for _ in range(2):
                said_in_order(run(place.kernel, "backtrace", "detach"), r"^#\d .*fail_as_told", "^#. .*bf_main",
                              "detached")
            check(guest.process.poll() is None and b"fault" not in log.data, f"it ended: {log.data}")
        with debugged(iso, "tier=opt\ngdb=serial,wait\n", b"read", b"gdb: waits", 1) as (run, guest, _, log):
            said = run(place.kernel, "continue", "backtrace", "continue")
            said_in_order(said, "received signal SIGSEGV", "^#0 .*fail_as_told", "^#1 .*in_between", "^#2 .*bf_main")
            status = guest.wait(TIMEOUT_S)
            check(status == 70 and b"\nfault: page fault" in log.data, f"status {status}: {log.data.decode()}")
    says(boot(place.iso, "gdb=serial selftest=page_audit", machine="pc,acpi=off"),
         "^gdb: listens on COM2, but cannot be interrupted", "status 0")
    result = boot(place.iso, "gdb=cable")
    check(result.status == 1, "the status is not 1", result)
    says(result, "^error: gdb=cable: use 0, 1, serial or serial,wait")
    says(boot(place.iso, "gdb=serial profile-to=com2"), "^error: gdb=serial wants com2")


class Client:
    """What gdb does on the line, by hand: faster, and at worse moments."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(TIMEOUT_S)
        self.received = b""

    def send(self, packet):
        self.socket.sendall(b"$%b#%02x" % (packet, sum(packet) & 255))

    def receive(self):
        while not (found := re.search(rb"\$([^#]*)#..", self.received)):
            data = self.socket.recv(4096)
            check(data, "the machine has hung up")
            self.received += data
        self.received = self.received[found.end():]
        self.socket.sendall(b"+")
        return found[1]

    def ask(self, packet, answer=rb".*"):
        self.send(packet)
        got = self.receive()
        check(re.fullmatch(answer, got), f"{packet} is answered by {got}, not {answer}")
        return got

    def program_counter(self, thread):
        self.ask(b"Hg" + thread, b"OK")
        return int.from_bytes(bytes.fromhex(self.ask(b"p10", b"[0-9a-f]{16}").decode()), "little")


def address_of(kernel, name):
    said = subprocess.run(["gdb", "-q", "-nx", "-batch", "-ex", f"info address {name}", kernel],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S)
    return int(re.search(r"at address (0x[0-9a-f]+)", said.stdout)[1], 16)


@case
def gdb_stops(place):
    """Cores that run into a breakpoint, are stopped by Ctrl-C and stepped at random moments: each is where
    it should be, and the story comes out right."""
    chance = random.Random(1)
    expected = host_story(place, STORY, PROMPT)
    options = STORY.replace(" ", "\n") + "\ngdb=serial,wait\n"
    insert, remove = (b"%c0,%x,1" % (letter, address_of(place.kernel, "bf_clock_ns")) for letter in b"Zz")
    point = int(insert.split(b",")[1], 16)
    with debugged(place.program_iso, options, PROMPT.encode(), b"gdb: waits on COM2") as (run, guest, text, log):
        client = Client(run.path)
        client.ask(b"qSupported:swbreak+", b"PacketSize=.*")
        client.ask(b"qfThreadInfo", b"m1,2")
        client.ask(insert, b"OK")
        client.ask(b"vCont;c", b"T05thread:1;.*swbreak:;")
        client.ask(remove, b"OK")
        stops = set()
        for _ in range(30):
            places = {thread: client.program_counter(thread) for thread in (b"1", b"2")}
            for thread, at in places.items():
                if at == point or chance.random() < 0.3:
                    client.ask(b"vCont;s:" + thread, b"T05thread:%b;.*" % thread)
            is_set = chance.random() < 0.5
            if is_set:
                client.ask(insert, b"OK")
            client.send(b"vCont;c")
            time.sleep(chance.random() * (0.05 if is_set else 0.01))
            client.socket.sendall(b"\x03")
            got = client.receive()
            check(re.fullmatch(rb"T02thread:[12];.*|T05thread:[12];.*swbreak:;", got), f"it stopped with {got}")
            stops.add(got[:3])
            if got.startswith(b"T05"):
                check(client.program_counter(got[10:11]) == point, f"it stopped somewhere else: {got}")
            if is_set:
                client.ask(remove, b"OK")
        client.ask(b"D", b"OK")
        status = guest.wait(TIMEOUT_S)
    check(stops == {b"T02", b"T05"}, f"only {stops}")
    check(status == 0 and text.data == expected, f"status {status}, text {text.data}: {log.data.decode()}")
