"""The boot tests: each a function of a Place that raises AssertionError if the machine misbehaves.

Adding a test is adding a function with @case, and its name to meson.build. None of them depends on
how long something takes; the time limit only ends what hangs.
"""
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

import bochs
import gguf_damage
import guest
import make_iso
import platforms
import qemu
from cli import disk
from cli import soak as talking
from cli.report import Failure

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT_S = 150  # on a loaded machine; usually a boot takes one second, with UEFI five

CASES = {}


class Skip(Exception):
    """Why a test cannot run here."""


def case(function):
    CASES[function.__name__] = function
    return function


@dataclasses.dataclass
class Place:
    """What the tests boot, and what they compare with."""
    kernel: str           # unstripped, for gdb
    kernel_stripped: str
    iso: str              # the kernel alone
    program_iso: str      # with the program and the default model
    host: str             # the host engine
    program: str
    model: str
    faulty: str           # a program that fails as its prompt says


def check(condition, message, result=None):
    if condition:
        return
    if result:
        message += (f"\n--- status {result.status}\n--- text\n{result.text.decode(errors='replace')}"
                    f"\n--- log\n{result.log.decode(errors='replace')}")
    raise AssertionError(message)


def boot(iso, options="", source=None, **machine):
    lines = "".join(f"{option}\n" for option in options.split())
    return qemu.capture(qemu.Machine(iso=iso, options=lines, **machine), source, TIMEOUT_S)


@contextlib.contextmanager
def iso_with(place, options):
    """A disc with options on its command line."""
    with tempfile.TemporaryDirectory(prefix="bareflow-") as folder:
        output = os.path.join(folder, "options.iso")
        make_iso.make_iso(output, place.kernel_stripped, options=options)
        yield output


def selftest(place, name, options="", **machine):
    return boot(place.iso, f"selftest={name} {options}", **machine)


def passes(place, name, **machine):
    result = selftest(place, name, **machine)
    check(result.status == 0, f"selftest {name} failed", result)
    return result


def says(result, *patterns):
    """Every pattern is in the log, in this order."""
    at = 0
    log = result.log.decode(errors="replace")
    for pattern in patterns:
        found = re.compile(pattern, re.MULTILINE).search(log, at)
        check(found, f"the log does not say (in this order): {pattern}", result)
        at = found.end()


REGISTERS = [r"rax [0-9a-f]{16}", r"rip [0-9a-f]{16}", r"cr2 [0-9a-f]{16}"]


def faults(place, name, *patterns, status=70, frame=None, options=""):
    """The selftest ends in a fault that is reported with registers and named frames."""
    result = selftest(place, name, options)
    check(result.status == status, f"the status is not {status}", result)
    says(result, *patterns, *REGISTERS, "^backtrace:",
         frame or rf"#0 .* bf::boot::selftest_{name}\+", r"#\d+ .* bf::boot::run_selftest\+",
         r"#\d+ .* bf::run_on_main_stack\+", "^last lines of the log:",
         rf"^  \| \[selftest\] {name}: ")


# ---- Faults -----------------------------------------------------------------------------------

@case
def divide_error(place):
    faults(place, "divide_error", r"^fault: divide error \(vector 0")


@case
def null_read(place):
    faults(place, "null_read", "^fault: page fault", "^read of address 0: nothing is mapped",
           "null pointer")


@case
def null_call(place):
    faults(place, "null_call", "^fault: page fault", "^execution of address 0", frame="#0  0 ")


@case
def write_rodata(place):
    faults(place, "write_rodata", "^fault: page fault", "^write of address .*: not allowed")


@case
def write_text(place):
    faults(place, "write_text", "^fault: page fault", "^write of address .*: not allowed")


@case
def write_code(place):
    faults(place, "write_code", "^fault: page fault", "^write of address 0x100.*: not allowed")


@case
def execute_data(place):
    faults(place, "execute_data", "^execution of address .*: not allowed", frame="#0 .*not kernel")


@case
def execute_heap(place):
    faults(place, "execute_heap", "^execution of address .*: not allowed", frame="#0 .*not kernel")


@case
def invalid_opcode(place):
    faults(place, "invalid_opcode", "^fault: invalid opcode")


@case
def breakpoint(place):
    faults(place, "breakpoint", "^fault: breakpoint")


@case
def general_protection(place):
    faults(place, "general_protection", "^fault: general protection")


@case
def stack_overflow(place):
    faults(place, "stack_overflow", "^fault: page fault", "^stack overflow",
           frame=r"#0 .*recurse_forever\+.*\n.*\n +the same \d+ times more")


@case
def panic(place):
    faults(place, "panic", r"^panic: this is a test \(src/boot/selftest.cpp:\d+\)", status=134)


@case
def double_release(place):
    faults(place, "double_release", "^panic: heap: block released twice", status=134,
           frame=r"#0 .* bf::heap::release\+")


@case
def out_of_memory(place):
    """Where nothing less will do than memory that is not there."""
    faults(place, "out_of_memory", r"^panic: out of memory: give the machine more \(", status=134,
           frame=r"#\d+ .* bf::boot::selftest_out_of_memory\+")


@case
def fault_in_program(place):
    """The report names the program's functions: compiled ones with their tier, interpreted ones."""
    compiled = r"#{} .* \[jit\] .*{} \({}\)"
    interpreted = r"#\d+ .* bf::microjit::interp::.* \[interprets .*{}\]"
    chain = ["fail_as_told", "in_between", "bf_main"]
    with tempfile.TemporaryDirectory(prefix="bareflow-") as folder:
        iso = os.path.join(folder, "faulty.iso")
        make_iso.make_iso(iso, place.kernel_stripped, place.faulty)

        def reports(tier, what, *patterns):
            result = boot(iso, f"tier={tier}", prompt=what.encode())
            says(result, *patterns, "^last lines of the log:", r"^  \| \[boot\] ")
            return result

        for tier in ("baseline", "opt", "spec", "tuned"):
            frames = [compiled.format(n, name, tier) for n, name in zip(("0 ", "1 ", "2 "), chain)]
            result = reports(tier, "read", "^fault: page fault", "null pointer", *REGISTERS, *frames,
                             r"bf::run_program\+")
            check(result.status == 70, "the status is not 70", result)
        reports("interp", "write", "^fault: page fault", "null pointer", *REGISTERS,
                *[interpreted.format(name) for name in chain])
        reports("opt", "stack", "^stack overflow", compiled.format("0 ", "recurse.*", "opt"),
                r"the same \d+ times more", compiled.format(r"\d+", "in_between", "opt"))
        reports("opt", "trap", "^fault: invalid opcode",
                compiled.format(r"\d+", "fail_as_told", "opt"))
        result = reports("opt", "abort", "^program: as told", "^panic: the program gave up",
                         compiled.format(r"\d+", "fail_as_told", "opt"))
        check(result.status == 134, "the status is not 134", result)


@case
def watchdog(place):
    """What does not get on is reported, on whichever core; what gets on is left alone."""
    faults(place, "wedge", r"^watchdog: for 1 s nothing has got on", options="watchdog=1")
    with tempfile.TemporaryDirectory(prefix="bareflow-") as folder:
        iso = os.path.join(folder, "faulty.iso")
        make_iso.make_iso(iso, place.kernel_stripped, place.faulty)
        result = boot(iso, "tier=opt watchdog=1", prompt=b"loop")
        says(result, "^watchdog: for 1 s", *REGISTERS, r"\[jit\] .*fail_as_told \(opt\)",
             r"\[jit\] bf_main \(opt\)", "^last lines")
        result = boot(iso, "tier=opt watchdog=1", prompt=b"core", smp=2)
        says(result, "^watchdog: for 1 s", r"\[jit\] bf_main \(opt\)", "^core 1, at the same time:",
             r"#0 .* \[jit\] .*turn \(opt\)")
    # Time that counts instructions does not depend on how busy the machine is.
    says(tells_story(place, STORY + " watchdog=1", extra=["-icount", "shift=0"]), "^watchdog: 1 s")


@case
def on_fault(place):
    """The machine starts again after its report, or stops, as the options say; no other word does."""
    for wish, event in (("reboot", "RESET"), ("halt", None)):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "qmp")
            options = f"selftest=null_read\non-fault={wish}\n"
            machine = qemu.Machine(iso=place.iso, options=options,
                                   extra=["-action", "reboot=reset",
                                          "-qmp", f"unix:{path},server=on,wait=off"])
            text, log = qemu.Collector(), qemu.Collector()
            with qemu.Guest(machine, text, log) as guest:
                monitor = Monitor(path)
                if event:
                    monitor.wait_for(event)
                    wait_for(guest, lambda: log.data.count(b"a null pointer was used") > 1)
                    continue
                wait_for(guest, lambda: b"the machine has stopped" in log.data)
                check(guest.process.poll() is None, "the machine ended")
                check(log.data.count(b"fault: page fault") == 1, f"it went on: {log.data}")
    result = boot(place.iso, "selftest=null_read on-fault=dance")
    check(result.status == 1, "the status is not 1", result)
    says(result, "^error: on-fault=dance: use halt or reboot")


# ---- Memory and processor ---------------------------------------------------------------------

@case
def page_audit(place):
    says(passes(place, "page_audit"), "0 pages both")


@case
def page_audit_uefi(place):
    says(passes(place, "page_audit", uefi=True), "0 pages both")


@case
def memory_above_4g(place):
    """RAM above the hole below 4 GiB, which the early page tables do not map."""
    says(passes(place, "page_audit", memory="5G"), r"51\d\d MiB of RAM", "0 pages both")


@case
def memory_report(place):
    """All RAM is accounted for, with and without a model, and mapped in pages as large as they can be."""
    for iso, memory, cpu, pages in (
            (place.iso, "512M", "max", r"\d{3} of 2 MiB, 0 of 1 GiB"),
            (place.program_iso, "512M", "max", r"\d{3} of 2 MiB, 0 of 1 GiB"),
            (place.iso, "6G", "max", "[1-9] of 1 GiB"),
            (place.iso, "6G", "max,-pdpe1gb", r"\d{4} of 2 MiB, 0 of 1 GiB")):
        result = boot(iso, "selftest=memory_report", memory=memory, cpu=cpu, smp=2)
        check(result.status == 0, "it does not add up", result)
        says(result, "memory at last", pages)


@case
def take_model(place):
    """A program may have the model's memory as its own, with small pages and with large ones."""
    for machine in ({}, {"cpu": "max,-pdpe1gb"}, {"uefi": True}):
        result = boot(place.program_iso, "selftest=take_model", **machine)
        check(result.status == 0, f"selftest take_model failed with {machine}", result)
        says(result, "0 pages both")


@case
def execute_code(place):
    passes(place, "execute_code")


@case
def heap_exhaustion(place):
    passes(place, "heap_exhaustion", memory="96M")


@case
def clock_and_random(place):
    passes(place, "clock")


@case
def vector_state(place):
    says(passes(place, "vector_state"), "avx 1")


@case
def vector_state_sse2(place):
    says(passes(place, "vector_state", cpu="qemu64,-sse3"), r"features: sse2\s*$", "avx 0")


@case
def no_nx(place):
    """A processor without the NX bit still boots."""
    says(passes(place, "execute_code", cpu="qemu64,-nx"), "no NX bit")


@case
def isa_option(place):
    says(selftest(place, "vector_state", "isa=sse2"), r"features: sse2( rdrand)?\s*$", "avx 0")


@case
def no_long_mode(place):
    for cpu in ("qemu32", "486"):
        result = boot(place.iso, cpu=cpu)
        check(result.status == 1, "the status is not 1", result)
        says(result, "^error: this processor has no long mode")


@case
def too_little_memory(place):
    result = boot(place.iso, memory="8M")
    check(result.status == 1, "the status is not 1", result)
    says(result, r"^error: not enough memory: \d+ MiB are free")


def boot_bochs(place, options, **machine):
    """What Bochs writes to COM1, from a disc with the options."""
    if not bochs.is_there():
        raise Skip("bochs and bochsbios are not installed")
    # Its library of windows knows no more than 256 colours.
    with iso_with(place, options + " screen=text") as iso:
        try:
            return bochs.capture(bochs.Machine(iso=iso, **machine), TIMEOUT_S).com1.decode()
        except bochs.BochsError as error:
            raise AssertionError(error) from None


@case
def vector_state_avx512(place):
    """QEMU 7.2 emulates no AVX-512; Bochs does. It also is a second opinion on the hardware."""
    log = boot_bochs(place, "selftest=vector_state")
    check("avx 1 avx512f 1" in log and "[selftest] status 0" in log, log)


# ---- Time -------------------------------------------------------------------------------------

@case
def clocks(place):
    """The time stamp counter is measured with the best timer there is, and checked by the next."""
    sources = {"q35": r"HPET; ACPI timer: \d+", "q35,hpet=off": r"ACPI timer; PIT: \d+",
               "pc": r"HPET; ACPI timer: \d+", "pc,acpi=off": "PIT"}
    for machine, source in sources.items():
        says(passes(place, "clock", machine=machine), rf"^\[boot\] clock: \d+ MHz \({source}\), ")
    says(passes(place, "clock", cpu="qemu64"), r"\), not known to be invariant$")


@case
def date(place):
    """The clock in CMOS, with every firmware that says where its century is."""
    for uefi in (False, True):
        result = boot(place.program_iso, "tokens=0", prompt=b"", uefi=uefi,
                      extra=["-rtc", "base=2024-02-29T23:59:00"])
        says(result, r"^\[boot\] date: (2024-02-29 23:59|2024-03-01 00:0\d):\d\d UTC$")


# ---- Cores ------------------------------------------------------------------------------------

@case
def cores(place):
    """One, two and eight cores: all come, sleep and are woken, thousands of times."""
    for smp, machine in ((1, "q35"), (2, "q35"), (2, "pc"), (8, "q35")):
        result = passes(place, "cores", smp=smp, machine=machine)
        says(result, rf"^cores: {smp} of {smp} \(xAPIC\)", *([f"{smp} cores, "] if smp > 1 else []))


@case
def cores_uefi(place):
    says(passes(place, "cores", uefi=True, smp=2), "^cores: 2 of 2")


@case
def cores_64(place):
    says(passes(place, "cores", smp=64), "^cores: 64 of 64", "64 cores, ")


@case
def cores_options(place):
    """Fewer cores than there are, fewer that share the program's work, and wrong numbers."""
    says(selftest(place, "page_audit", "cores=3", smp=4), "^cores: 3 of 4")
    says(selftest(place, "cores", "threads=2", smp=4), "^cores: 4 of 4", "selftest: 2 cores")
    says(selftest(place, "cores", "idle=mwait", smp=2), "^cores: 2 of 2", "status 0")
    for option in ("cores=0", "cores=65", "threads=two"):
        result = boot(place.iso, option, smp=2)
        check(result.status == 1, f"the status with {option} is not 1", result)
        says(result, rf"^error: {option}: use a number from 1 to 64")


@case
def core_that_is_not_there(place):
    """One that does not answer is reported, left out, and nobody waits for it."""
    result = selftest(place, "cores", "absent-core=99", smp=2)
    check(result.status == 0, "the others do not work", result)
    says(result, "^cores: the one with APIC id 99 does not answer", "^cores: 2 of 2", "2 cores, ")


@case
def cores_without_acpi(place):
    """Without a table of cores, or an APIC, there is one."""
    says(passes(place, "cores", smp=2, machine="pc,acpi=off"), r"^cores: 1 \(.*ACPI")
    says(passes(place, "cores", cpu="max,-apic"), r"^cores: 1 \(.*APIC")


@case
def cores_x2apic(place):
    """QEMU 7.2 emulates no x2APIC; Bochs does."""
    log = boot_bochs(place, "selftest=cores", cores=2)
    check(re.search(r"^\[boot\] clock: \d+ MHz \(.*\), invariant\r?$", log, re.M), log)
    check("cores: 2 of 2 (x2APIC)" in log and "selftest: 2 cores, " in log, log)


@case
def fault_on_core(place):
    """A fault on another core is reported like any other, and stops them all."""
    result = selftest(place, "fault_on_core", smp=4)
    check(result.status == 70, "the status is not 70", result)
    says(result, "^fault: page fault", "^on core 1$", "null pointer", "^backtrace:",
         r"#0 .* bf::boot::selftest_fault_on_core\+", r"#1 .* bf::x86::begin_task\+")


# ---- Streams, options, the end ----------------------------------------------------------------

@case
def exit_status(place):
    for status in (0, 1, 2, 77, 125):
        result = selftest(place, "exit_status", f"status={status}")
        check(result.status == status, f"status {status} came out as {result.status}", result)


@case
def echo(place):
    """Input comes unchanged, from the first byte to the last, and ends."""
    sent = b"hello\n" + bytes(range(5, 256)) + b"x" * 5000 + b"\n"
    result = boot(place.iso, "selftest=echo", sent)
    check(result.text == sent + b"end of input\n", "other bytes came back", result)


@case
def streams_apart(place):
    result = qemu.capture(qemu.Machine(iso=place.iso, options="selftest=streams\n", profile=True),
                          None, TIMEOUT_S)
    check(result.text.startswith(b"a line of text\nna\xc3\xafve "), "wrong text", result)
    check(b"a line of log\nrow 1\n" in result.log, "wrong log", result)
    check(result.profile == b'{"a": "profile"}\n', "wrong profile", result)


@case
def streams_together(place):
    """Without options everything is on COM1, with the line ends of terminals."""
    with iso_with(place, "selftest=streams") as iso:
        result = qemu.capture(qemu.Machine(iso=iso, streams=False, exit_port=False), None, TIMEOUT_S)
    check(b"[boot] BareFlow" in result.text, "no boot log", result)
    check(b"a line of text\r\na line of log\r\nrow 1\r\n" in result.text, "not all of it", result)


@case
def command_line_options(place):
    """Options from GRUB's command line count, and those of fw_cfg win."""
    with iso_with(place, "selftest=exit_status status=3") as iso:
        check(boot(iso).status == 3, "the command line was not read")
        check(boot(iso, "status=4").status == 4, "fw_cfg does not win over the command line")


@case
def bad_options(place):
    for option in ("text=com9", "log=somewhere", "isa=mmx", "keyboard=xx"):
        result = boot(place.iso, option)
        check(result.status == 1, f"the status with {option} is not 1", result)
        says(result, rf"^error: {option} is not ")


@case
def long_options(place):
    """As long as a grammar may be; longer ones are refused, and the machine ends."""
    filler = "#" + "x" * 1000 + "\n"
    machine = qemu.Machine(iso=place.iso, options=100 * filler + "selftest=exit_status\nstatus=9\n")
    result = qemu.capture(machine, None, TIMEOUT_S)
    check(result.status == 9, "not all options were read", result)
    machine.options = 200 * filler + machine.options
    result = qemu.capture(machine, None, TIMEOUT_S)
    check(result.status == 1, "the status is not 1", result)
    says(result, "^error: the options are longer than 131072 bytes")


@case
def no_program(place):
    result = boot(place.iso)
    check(result.status == 1, "the status is not 1", result)
    says(result, "^error: there is no program")


@case
def power_off(place):
    """Without an exit port the machine switches itself off by ACPI: QEMU ends with 0."""
    for uefi in (False, True):
        passes(place, "page_audit", exit_port=False, uefi=uefi)


@case
def power_off_pc(place):
    """The same on QEMU's other machine, whose ACPI tables and disc controller are others."""
    passes(place, "page_audit", exit_port=False, machine="pc")


# ---- The screen -------------------------------------------------------------------------------

class Monitor:
    """QEMU's machine protocol (QMP) on a Unix socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(1000):
            try:
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.01)
        self.socket.settimeout(TIMEOUT_S)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.execute("qmp_capabilities")

    def message(self):
        return json.loads(self.file.readline())

    def execute(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while "return" not in (answer := self.message()):
            check("error" not in answer, f"QMP: {answer}")

    def wait_for(self, event):
        while self.message().get("event") != event:
            pass


# ---- Speed, by instruction counts -------------------------------------------------------------

@case
def instructions(place):
    """From the kernel's first instruction to the program and to the prompt: no more than is promised,
    and to the program as good as the same at every boot."""
    boots = [guest.measure(place.program_iso) for _ in range(2)]
    for result in boots:
        print("\n".join(guest.table(result)))
        over = guest.over_limit(result)
        check(not over, f"over the limit: {', '.join(over)}")
    # The clocks that are waited for tick on their own: a hundredth more or less.
    counts = [result["program"] for result in boots]
    check(max(counts) - min(counts) <= max(counts) // 100, f"different counts: {counts}")


@case
def instructions_per_token(place):
    """A token takes as many on bare metal as in a Linux process, where no clock decides anything."""
    if not shutil.which("valgrind"):
        raise Skip("valgrind is not installed")
    result = platforms.measure(place.host, place.program, place.model, place.program_iso, "512M",
                               tokens=2, options=["tier=tuned", "profile=0"])
    print(result)
    check(abs(result["ratio"] - 1) < 0.01, f"they differ by more than a hundredth: {result}")


# ---- gdb --------------------------------------------------------------------------------------

@case
def gdb(place):
    """gdb stops in a kernel function in long mode, walks the stack, steps, prints."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "gdb")
        machine = qemu.Machine(iso=place.iso, extra=[
            "-S", "-chardev", f"socket,id=gdb,path={path},server=on,wait=off", "-gdb", "chardev:gdb"])
        commands = [f"target remote {path}", "hbreak bf::run_program", "continue", "backtrace",
                    "print sizeof(void*)", "info registers cs", "next", "info line", "kill"]
        with qemu.Guest(machine, qemu.Collector(), qemu.Collector()):
            while not os.path.exists(path):
                time.sleep(0.01)
            line = ["gdb", "-q", "-nx", "-batch", "-ex", "set pagination off"]
            for command in commands:
                line += ["-ex", command]
            done = subprocess.run(line + [place.kernel], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=TIMEOUT_S)
    said = done.stdout + done.stderr
    for pattern in (r"Breakpoint 1, .*bf::run_program", r"#0 .*bf::run_program \(\) at .*run\.cpp",
                    r"#1 .*run_on_main_stack \(\) at .*main\.cpp", r"\$1 = 8", r"cs +0x8"):
        check(re.search(pattern, said), f"gdb did not say {pattern}:\n{said}")


# ---- The program ------------------------------------------------------------------------------

STORY = "tokens=24 temp=0"
PROMPT = "Once upon a time"


def on_host(place, options, prompt=None, source=b"", streams=(), model=None):
    """What the host's engine does with the same image, model and options."""
    line = [place.host, "--blob", f"program={place.program}", "--blob",
            f"model={model or place.model}"]
    line += ["--text", f"prompt={prompt}"] if prompt else []
    for option in options.splitlines() if "\n" in options else options.split():
        line += ["--option", option]
    return subprocess.run(line + list(streams), input=source, capture_output=True, timeout=TIMEOUT_S)


def host_story(place, options, prompt):
    done = on_host(place, options, prompt)
    check(done.returncode == 0, f"the host engine failed: {done.stderr.decode()}")
    return done.stdout


def tells_story(place, options=STORY, **machine):
    expected = host_story(place, options, PROMPT)
    lines = "\n".join(options.splitlines() if "\n" in options else options.split()) + "\n"
    result = qemu.capture(qemu.Machine(iso=place.program_iso, options=lines, prompt=PROMPT.encode(),
                                       **machine), None, TIMEOUT_S)
    check(result.status == 0, "the status is not 0", result)
    check(result.text == expected, f"not the host's text: {expected.decode()}", result)
    return result


# ---- Disks ------------------------------------------------------------------------------------

MIB = 1 << 20


@contextlib.contextmanager
def disk_with(*models, sector_bytes=512, table="gpt"):
    """The image of a disk with models, (name, path) each, as `./bareflow disk` makes it."""
    with tempfile.TemporaryDirectory(prefix="bareflow-") as folder:
        image = pathlib.Path(folder, "disk.img")
        named = [disk.model_at(pathlib.Path(shutil.copy(path, f"{folder}/{name}"))) for name, path in models]
        disk.make(image, named, table, sector_bytes)
        yield str(image)


@contextlib.contextmanager
def disc_without_model(place):
    with tempfile.TemporaryDirectory(prefix="bareflow-") as folder:
        iso = os.path.join(folder, "program.iso")
        make_iso.make_iso(iso, place.kernel_stripped, place.program)
        yield iso


def story_from_disk(place, kind, sizes=(512, 4096), **machine):
    """The host's text from a model on a disk, and what was written is read: by the guest, and here."""
    options = STORY.replace(" ", "\n") + "\n"
    expected = host_story(place, STORY, PROMPT)
    with disc_without_model(place) as iso:
        for sector_bytes in sizes:
            with disk_with(("Story.gguf", place.model), sector_bytes=sector_bytes) as image:
                result = qemu.capture(qemu.Machine(
                    iso=iso, options=options, prompt=PROMPT.encode(), disk=kind, disk_image=image,
                    sector_bytes=sector_bytes, **machine), None, TIMEOUT_S)
            check(result.status == 0 and result.text == expected, "not the host's text", result)
            says(result, rf"^\[disk\] .* {sector_bytes}-byte sectors",
                 rf"^\[boot\] model: Story.gguf, {os.path.getsize(place.model)} bytes from ")
            writes_disk(place, kind, sector_bytes, **machine)


def writes_disk(place, kind, sector_bytes, **machine):
    def word(offset):
        return (offset // 4 * 2654435761 & 0xffffffff ^ 0x5a5a0000).to_bytes(4, "little")

    def expect(image, offset, size):
        os.lseek(image.fileno(), offset, os.SEEK_SET)
        data = os.read(image.fileno(), size)
        wrong = next((at for at in range(0, size, 4) if data[at:at + 4] != word(offset + at)), None)
        check(wrong is None, f"the disk has other bytes at {offset} + {wrong}", result)

    size = 40 * MIB
    with tempfile.TemporaryFile() as image:
        image.truncate(size)
        path = f"/proc/{os.getpid()}/fd/{image.fileno()}"
        # With memory above 4 GiB, and with the transfers there.
        result = selftest(place, "disks", disk=kind, disk_image=path, sector_bytes=sector_bytes, **machine)
        check(result.status == 0, f"selftest disks failed on {kind}", result)
        says(result, "at 0x1[0-9a-f]{8}$" if machine.get("memory") == "5G" else "at 0x[0-9a-f]{6,8}$",
             "^.selftest. .*: as written")
        expect(image, sector_bytes, 20 * MIB)
        expect(image, sector_bytes + 20 * MIB + 100, 1000)
        expect(image, size - 4096, 4096)


@case
def disk_ahci(place):
    story_from_disk(place, "ahci", sizes=(512,))  # QEMU has no others behind AHCI


@case
def disk_ide(place):
    story_from_disk(place, "ide", sizes=(512,), machine="pc")


@case
def disk_virtio(place):
    story_from_disk(place, "virtio")


@case
def disk_nvme(place):
    story_from_disk(place, "nvme")


@case
def disk_machines(place):
    """Behind other firmware, another machine, a bridge, and without configuration space in memory."""
    writes_disk(place, "ahci", 512, uefi=True)
    writes_disk(place, "virtio", 512, uefi=True)
    writes_disk(place, "nvme", 512, uefi=True)
    for kind in qemu.DISKS:
        writes_disk(place, kind, 512, machine="pc", memory="5G")
    says(selftest(place, "disks"), "^.pci. .*configuration in memory", "^.disk. .*read-only .AHCI disc",
         "^.selftest. .*: a disc")
    says(selftest(place, "disks", machine="pc"), "^.pci. .*ports 0xcf8 and 0xcfc",
         "^.disk. .*read-only .IDE disc", "^.selftest. .*: a disc")
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(40 * MIB)
        result = selftest(place, "disks", extra=[
            "-device", "pcie-root-port,id=root,chassis=1", "-device", "virtio-blk-pci,drive=far,bus=root",
            "-drive", f"file={image.name},if=none,id=far,format=raw"])
        check(result.status == 0, "the disk behind a bridge does not work", result)


@case
def disk_bochs(place):
    """A second opinion on IDE: disk and disc on one cable."""
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(80 * bochs.CYLINDER_BYTES)
        log = boot_bochs(place, "selftest=disks", disk_image=image.name)
    check("ide0: a disc" in log and "ide1: as written" in log and "[selftest] status 0" in log, log)


@case
def disk_errors(place):
    """Sectors that cannot be read are an error with a place, and not the end."""
    with tempfile.TemporaryDirectory() as folder:
        image, rules = os.path.join(folder, "disk"), os.path.join(folder, "rules")
        with open(image, "wb") as file:
            file.truncate(40 * MIB)

        def bad(kind, once):
            with open(rules, "w") as file:
                file.write('[inject-error]\nevent = "none"\niotype = "read"\nerrno = "5"\n'
                           f'sector = "2048"\nonce = "{once}"\n')
            machine = "pc" if kind == "ide" else "q35"
            return selftest(place, "disks", extra=drive + qemu.DISKS[kind], machine=machine)

        drive = ["-drive", f"driver=blkdebug,config={rules},image.driver=file,image.filename={image},"
                           "if=none,id=disk,rerror=report,werror=report"]
        for kind in qemu.DISKS:
            result = bad(kind, "off")
            check(result.status == 1, "a bad sector went unnoticed", result)
            says(result, rf"^.selftest. {kind}\d: .*a read at sector \d+ .*failed")
        # Where a command is tried again, the device is ready for it.
        for kind in ("ahci", "ide"):
            result = bad(kind, "on")
            check(result.status == 0, "a second try did not help", result)
            says(result, rf"^.disk. {kind}\d: command \w\w at sector \d+ failed .*: once more", "as written")


@case
def disk_models(place):
    """Several models: named by an option, asked for, or an error that lists them."""
    expected = host_story(place, STORY, PROMPT)
    options = STORY.replace(" ", "\n") + "\n"
    with disc_without_model(place) as iso, tempfile.NamedTemporaryFile() as bad:
        bad.write(b"GGUF, but no more of it" * 1000)
        bad.flush()
        with disk_with(("a.gguf", bad.name), ("story.gguf", place.model)) as image:
            def told(more, source=None, **machine):
                return qemu.capture(qemu.Machine(
                    **{"iso": iso, **machine}, options=options + more, prompt=PROMPT.encode(), disk="ahci",
                    disk_image=image), source, TIMEOUT_S)

            result = told("model=STORY.GGUF\n")
            check(result.status == 0 and result.text == expected, "not the host's text", result)
            result = told("interactive=1\n", b"9\r2\r")
            check(result.status == 0 and result.text.endswith(expected), "not the host's text", result)
            check(b"  2  story.gguf, " in result.text, "no menu", result)
            result = told("")
            check(result.status == 1, "the status is not 1", result)
            says(result, "^.disk.   1  a.gguf, ", "^.disk.   2  story.gguf, ", "^error: there are 2 models")
            result = told("model=other.gguf\n")
            check(result.status == 1, "the status is not 1", result)
            says(result, "^error: model=other.gguf: there is no such file")
            # A boot module wins where no option says otherwise; an option wins over the module.
            check(told("", iso=place.program_iso).text == expected, "the module was not taken")
            result = told("model=a.gguf\n", iso=place.program_iso)
            check(result.status == 1, "the status is not 1", result)
            says(result, "^.boot. model: a.gguf", "^error: ")


@case
def story_bios(place):
    says(tells_story(place), r"^\[jit\] .* interp -> baseline")


@case
def story_uefi(place):
    tells_story(place, uefi=True)


@case
def story_sse2(place):
    tells_story(place, cpu="qemu64")


@case
def story_on_cores(place):
    """The same text with any number of cores, in any tier's work."""
    for smp in (2, 8):
        says(tells_story(place, smp=smp), f"^cores: {smp} of {smp}")


@case
def story_32m(place):
    tells_story(place, memory="32M")


@case
def story_options(place):
    """A grammar, a text to stop before, keys and values in eight bits: the same as on the host."""
    result = tells_story(place, 'tokens=60\ntemp=0\nkv=q8_0\ngrammar=root ::= " " [a-z ]+ "."\n'
                                "reverse-prompt= draw")
    check(result.text.endswith(b"loved to\n"), "it does not end before the text to stop at", result)


@case
def story_tiers(place):
    for tier in ("interp", "opt", "tuned"):
        tells_story(place, f"tokens=6 temp=0 tier={tier}")


@case
def logits(place):
    """On an emulator's debug port, the same as on the host, to the bit."""
    options = "logits=1 isa=avx2 batch=3"
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = os.path.join(folder, "ours"), os.path.join(folder, "theirs")
        result = boot(place.program_iso, options + " logits-to=0xea", prompt=PROMPT.encode(), extra=[
            "-chardev", f"file,id=logits,path={ours}",
            "-device", "isa-debugcon,iobase=0xea,chardev=logits"])
        check(result.status == 0, "the status is not 0", result)
        done = on_host(place, options, PROMPT, streams=["--stream", f"logits={theirs}"])
        check(done.returncode == 0, f"the host engine failed: {done.stderr.decode()}")
        with open(ours, "rb") as a, open(theirs, "rb") as b:
            ours, theirs = a.read(), b.read()
    check(ours and ours == theirs, f"other logits: {len(ours)} bytes, {len(theirs)} on the host")


@case
def conversation(place):
    """Typed on a terminal: slips are mended, answers are the host's, /new forgets, Ctrl-D ends."""
    options = "chat=1\nchat-template=zephyr\nsystem=Be kind.\ntokens=8\ntemp=0\n"
    messages = [b"Hello", b"Who are you?"]
    answers = on_host(place, options, source=b"\n".join(messages)).stdout.split(b"\n")
    answers = [answer for answer in answers if answer]
    check(len(answers) == 2, f"the host engine did not answer: {answers}")
    keys = [b"Helpo\x1b[D\x7fl\r", b"who are you?\x01\x1b[3~W\r", b"/new\r", b"Hello\r", b"\x04"]
    expected = answers + [None, answers[0], None]
    text, log = qemu.Collector(), qemu.Collector()
    machine = qemu.Machine(iso=place.program_iso, options=options + "interactive=1\n")
    with qemu.Guest(machine, text, log) as guest:
        for typed, answer in zip(keys, expected):
            wait_for(guest, lambda: text.data.endswith(b"> "))
            seen = len(text.data)
            guest.send(typed)
            wait_for(guest, lambda: len(text.data) > seen + len(typed) and text.data.endswith(b"> ")
                     or guest.process.poll() is not None)
            said = text.data[seen:]
            check(answer is None or answer in said, f"{typed} is answered by {said}, not {answer}")
        status = guest.wait(TIMEOUT_S)
    check(status == 0, f"the status is {status}: {log.data.decode(errors='replace')}")


def wait_for(guest, happened):
    end = time.monotonic() + TIMEOUT_S
    while not happened():
        check(time.monotonic() < end, "nothing happens any more")
        time.sleep(0.01)


@case
def damaged_models(place):
    """One line, the host's, for files of which any byte may be wrong."""
    with open(place.model, "rb") as file:
        good = file.read()
    kinds = {name: data for name, data, _ in gguf_damage.damaged(good)}
    chosen = [kinds[name] for name in ("no GGUF at all", "absurd metadata count", "huge dimension",
                                       "an offset into another tensor", "unknown format")]
    with tempfile.TemporaryDirectory() as folder:
        model, iso = os.path.join(folder, "bad.gguf"), os.path.join(folder, "bad.iso")
        for data in chosen + [good[:20000], good[:len(good) // 2]]:
            with open(model, "wb") as file:
                file.write(data)
            make_iso.make_iso(iso, place.kernel_stripped, place.program, model)
            result = boot(iso, STORY, prompt=PROMPT.encode())
            done = on_host(place, STORY, PROMPT, model=model)
            error = [line for line in done.stderr.decode().splitlines() if line.startswith("error: ")]
            check(len(error) == 1 and done.returncode == 1, f"the host says {done.stderr.decode()}")
            check(result.status == 1 and result.text == b"", "the status is not 1", result)
            says(result, "^" + re.escape(error[0]) + "$")


# ---- Words ------------------------------------------------------------------------------------

class Typist:
    """A person at the prompt line of a booted machine: types lines, reads what they show."""

    def __init__(self, place, options="", **machine):
        lines = STORY.split() + ["interactive=1", "NO_COLOR=1", *options.split()]
        self.text, self.log = qemu.Collector(), qemu.Collector()
        machine = {"iso": place.program_iso, **machine}
        self.guest = qemu.Guest(qemu.Machine(options="\n".join(lines) + "\n", **machine), self.text, self.log)
        self.seen = 0

    def __enter__(self):
        self.guest.__enter__()
        self.prompt()
        return self

    def __exit__(self, *error):
        self.guest.__exit__(*error)

    def prompt(self):
        """All that was shown up to the next prompt."""
        wait_for(self.guest, lambda: self.text.data[self.seen:].endswith(b"> ") or self.guest.process.poll() is not None)
        shown = self.text.data[self.seen:].decode(errors="replace")
        self.seen += len(self.text.data[self.seen:])
        return shown

    def type(self, line):
        self.guest.send(line.encode() + b"\r")
        wait_for(self.guest, lambda: b"\n" in self.text.data[self.seen:] or self.guest.process.poll() is not None)
        return self.prompt().partition("\n")[2].removesuffix("> ")

    def expect(self, line, *patterns):
        shown = self.type(line)
        for pattern in patterns:
            check(re.search(pattern, shown, re.M), f"{line} does not show {pattern}:\n{shown}\n{self.log.data[-1000:]}")
        check(max(map(len, shown.split("\n"))) < 80, f"{line} needs more than 80 columns:\n{shown}")
        return shown

    def end(self, line="/quit"):
        self.guest.send(line.encode() + b"\r")
        return self.guest.wait(TIMEOUT_S)


def memory_parts(shown):
    """What /mem says, by name; the sum is checked."""
    parts = {name: int(number.replace(",", ""))
             for number, name in re.findall(r"^ +([\d,]+) +[\d.]+ MiB  (.*)$", shown, re.M)}
    names = list(parts)
    above = names[:names.index("RAM")]
    check(sum(parts[name] for name in above) == parts["RAM"], f"the parts are not the whole:\n{shown}")
    return parts


@case
def words(place):
    """What the machine's words show on bare metal, and from one model to another and back."""
    table = pathlib.Path(__file__).resolve().parents[2] / "src/runtime/shell/words.def"
    names = re.findall(r'^BF_WORD\(\w+, "(\S+)"', table.read_text(), re.M)
    with tempfile.NamedTemporaryFile() as bad:
        bad.write(b"GGUF, but no more of it" * 1000)
        bad.flush()
        with disk_with(("a.gguf", bad.name), ("story.gguf", place.model)) as image, \
                Typist(place, smp=2, disk="virtio", disk_image=image) as person:
            shown = person.expect("/help", *(rf"^  {name} " for name in names))
            check(len(names) == 9, f"other words: {names}")
            before = person.type("Once upon")
            parts = memory_parts(person.expect("/mem", r"^mapped in [\d]+ pages of 4 KiB, \d+ of 2 MiB"))
            check(511 << 20 < parts["RAM"] < 512 << 20, f"not all RAM: {parts}")
            check(parts["the largest free piece"] <= parts["free"], f"{parts}")
            person.expect("/cpu", "^uses +sse2 .*avx2", "^clock +[0-9]+ MHz", "measured by HPET, which agrees with ACPI",
                          "^brand +QEMU", "^cores +2, 2 of them", "0 APIC 0 +the program +1 APIC 1 +(asleep|at work)",
                          r"^date +20\d\d-", "^up +0 d 00:0")
            person.expect("/disks", "^virtio0: .* sectors of 512 bytes", "^  partition 1 .*FAT32.* MiB free", "^    keeps the machine's files",
                          "^    model a.gguf, ", "^    model story.gguf, 2 MiB", "^ahci0: .*read-only",
                          "ISO 9660.*BAREFLOW", "^    model boot/model.gguf, 2 MiB")
            person.expect("/tiers", r"^(baseline|opt) +[1-9]")
            person.expect("/model", "^architecture llama: 5 layers", "^  1  a.gguf", "^  2  story.gguf",
                          r"^  3  boot/model.gguf.*\(in use\)")
            # What is no model: the one before is there again, and tells the same.
            person.type("/model a.gguf")
            check(b"error: " in person.log.data, "a bad model was taken")
            check(person.type("Once upon") == before, "another text after a bad model")
            person.type("/model STORY.gguf")
            person.expect("/model", r"^  2  story.gguf.*\(in use\)")
            check(person.type("Once upon") == before, "another text from the same model")
            free = []
            for number in (3, 2, 3, 2):
                person.type(f"/model {number}")
                check(person.type("Once upon") == before, "another text from the same model")
                free.append(memory_parts(person.type("/mem"))["free"])
            # A model or its cache is more than what compiled code and the heap take meanwhile.
            check(min(free) > free[0] - (256 << 10), f"memory is lost from model to model: {free}")
            person.expect("/save", r"^\d+ bytes kept as BAREFLOW/20\d\d-\d\d-\d\d-\d{6}.txt on virtio0, partition 1")
            person.expect("/save A long name.txt", "^[0-9]+ bytes kept as")
            for line, answer in (("/poweroff now", "Use: /poweroff\n"), ("/mem all", "Use: /mem\n"),
                                 ("/nothing", "There is no such command; /help lists them.\n"),
                                 ("/model 9", "There is no such model: 9. /model lists them.\n")):
                check(person.type(line) == answer, f"{line} has another answer")
            check(person.end("/poweroff") == 0, "the machine did not end with 0")
            kept = subprocess.run(["mcopy", "-i", f"{image}@@1M", "::BAREFLOW/A long name.txt", "-"],
                                  capture_output=True, timeout=TIMEOUT_S)
            check(before.strip() in kept.stdout.decode(), f"not what was said: {kept}")
            checked = subprocess.run(["mdir", "-i", f"{image}@@1M", "::BAREFLOW"], capture_output=True, text=True)
            check(str(time.gmtime().tm_year) in checked.stdout, f"no date: {checked.stdout}")


@case
def words_bad_disks(place):
    """/save where there is no disk, none that can be written, and one that is full."""
    with Typist(place) as person:
        person.expect("/save", "^Not kept: there is no FAT disk to write to")
        person.expect("/disks", "^ahci0: ")
        check(person.end() == 0, "the machine did not end with 0")
    with disk_with(("story.gguf", place.model)) as image:
        drive = ["-device", "virtio-blk-pci,drive=ro", "-drive", f"file={image},if=none,id=ro,format=raw,readonly=on"]
        with Typist(place, extra=drive) as person:
            person.expect("/save", "^Not kept: there is no FAT disk to write to")
            person.expect("/disks", "^virtio0: .*read-only", "FAT32.*read-only")
        # Filled to the last cluster.
        free = subprocess.run(["mdir", "-i", f"{image}@@1M", "::"], capture_output=True, text=True, check=True).stdout
        free = int(re.search(r"([\d ]+) bytes free", free)[1].replace(" ", ""))
        with tempfile.NamedTemporaryFile() as filler:
            filler.truncate(free)
            subprocess.run(["mcopy", "-i", f"{image}@@1M", filler.name, "::filler"], check=True)
        with Typist(place, disk="virtio", disk_image=image) as person:
            person.expect("/save", "^Not kept: .*(full|room|free)")
            person.expect("/disks", "FAT32.*, 0 KiB free")
            check(person.type("/save") != "", "the second try says nothing")
            check(person.end() == 0, "the machine did not end with 0")


@case
def words_reboot(place):
    """/reboot begins anew; /poweroff, without an exit port, ends by ACPI."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "qmp")
        with Typist(place, exit_port=False,
                    extra=["-action", "reboot=reset", "-qmp", f"unix:{path},server=on,wait=off"]) as person:
            monitor = Monitor(path)
            person.guest.send(b"/reboot\r")
            monitor.wait_for("RESET")
            person.prompt()
            check(person.log.data.count(b"[boot] BareFlow") == 2, f"it did not start again: {person.log.data}")
            person.expect("/help", "^  /reboot ")
            check(person.end("/poweroff") == 0, "the machine did not switch itself off")


@case
def soak(place):
    """A short one: prompts, stops, new conversations, the model anew. The long one is `./bareflow soak`."""
    machine = qemu.Machine(iso=place.program_iso, options=talking.OPTIONS + "seed=3\n")
    try:
        samples, counts, talk = talking.soak(lambda text, log: qemu.Guest(machine, text, log), 700, 11, 0, 200,
                                             lambda sample: print(talking.line_of(sample)))
    except Failure as failure:
        raise AssertionError(str(failure)) from None
    check(talk.tokens >= 700 and counts.stops and counts.restarts and counts.models, f"not all of it: {counts}")
    # Code is still being compiled: what that takes has been set aside. A conversation that is not forgotten
    # would be more than what it adds to the heap.
    check(samples[-1].free == samples[0].free, f"memory was lost: {samples}")
    check(samples[-1].heap_used < samples[0].heap_used + MIB, f"memory was lost: {samples}")
