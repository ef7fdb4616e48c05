"""The boot tests of faults: every exception, and what is kept of one on a disk."""
import json
import os
import re
import subprocess

from cases import REGISTERS, ROOT, TIMEOUT_S, case, check, disk_with, passes, says, selftest

# Vectors that are raised by what the processor does, with the error code that comes with them; the
# others of its exceptions by an instruction that names them.
RAISED = {0: "divide error", 1: "debug", 2: "non-maskable interrupt", 3: "breakpoint", 4: "overflow",
          5: "bound range exceeded", 6: "invalid opcode", 7: "device not available", 8: "double fault",
          9: "coprocessor segment overrun", 10: "invalid TSS", 11: "segment not present",
          12: "stack-segment fault", 13: "general protection", 14: "page fault", 15: "exception 15",
          16: "x87 floating-point error", 18: "machine check", 19: "SIMD floating-point error",
          20: "virtualization exception", 22: "exception 22", 23: "exception 23", 24: "exception 24",
          25: "exception 25", 26: "exception 26", 27: "exception 27", 28: "hypervisor injection",
          31: "exception 31"}
ERROR_CODES = {10: "0x18", 11: "0x10", 12: "0x10"}


@case
def exceptions(place):
    """Every exception that can be raised, in one boot: each is reported in full, under its name."""
    log = passes(place, "exceptions").log.decode()
    reports = re.split(r"^\[selftest\] went on after vector (\d+)$", log, flags=re.M)
    check([int(vector) for vector in reports[1::2]] == list(RAISED), f"not all of them:\n{log}")
    for report, vector in zip(reports[::2], RAISED):
        for pattern in (rf"^fault: {RAISED[vector]} \(vector {vector}, error code "
                        rf"{ERROR_CODES.get(vector, 0)}\) at 0x", *REGISTERS, "^backtrace:",
                        r"^  #[01]  0x[0-9a-f]+ .*raise", r"^  #[12]  .* bf::boot::selftest_exceptions\+",
                        r"bf::run_on_main_stack\+", "^last lines of the log:", r"^  \| \[selftest\] "):
            check(re.search(pattern, report, re.M), f"vector {vector}: no {pattern} in:\n{report}")


def recorded(image, *words):
    return subprocess.run([os.path.join(ROOT, "bareflow"), "crash", *words, image], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S)


@case
def crash_record(place):
    """A fault is remembered on every kind of disk, whatever the disk was doing, and told of once."""
    told = "^.crash. the last run ended with a fault: "
    written = "^crash record: BAREFLOW/crash on {}.*, partition 1"
    at_disk = (r"page fault \(vector 14, error code 0\) at .*\n"
               r".crash. in bf::boot::selftest_fault_at_disk\+.*, after \d+\.\d s, on 20\d\d-")
    runs = [("ahci", "fault_at_disk", "", at_disk), ("ide", "fault_at_disk", "", at_disk),
            ("virtio", "fault_at_disk", "", at_disk), ("nvme", "fault_at_disk", "", at_disk),
            ("ahci", "panic", "", r"panic: this is a test \(src/boot/selftest.cpp:\d+\)$"),
            ("virtio", "out_of_memory", "", "panic: out of memory: give the machine more"),
            ("nvme", "wedge", "watchdog=1", "watchdog: for 1 s nothing has got on")]
    with disk_with(("story.gguf", place.model)) as image:
        done = recorded(image)
        check(done.returncode == 1 and "no machine has kept records" in done.stderr, done.stderr)
        before = None
        for kind, name, options, summary in runs:
            machine = {"machine": "pc"} if kind == "ide" else {}
            result = selftest(place, name, options, disk=kind, disk_image=image, smp=2, **machine)
            says(result, *([told + before] if before else []), "^.crash. a fault would be recorded",
                 "^last lines of the log:", written.format(kind))
            check(before or b"ended with a fault" not in result.log, "it tells of nothing", result)
            before = summary
            check(json.loads(recorded(image, "--json").stdout)["told"] is False, "told before it was")
        done = recorded(image)
        for pattern in (r"^when +20\d\d-\d\d-\d\d .* UTC, \d+\.\d{3} s after", "^cause +watchdog, vector 2, ",
                        "^options .*selftest=wedge", "^watchdog: for 1 s", "  rax [0-9a-f]{16}",
                        r"#0 .* bf::boot::selftest_wedge\+", r"^  \| \[selftest\] wedge: "):
            check(re.search(pattern, done.stdout, re.M), f"no {pattern} in:\n{done.stdout}{done.stderr}")
        for again in (True, False):
            result = passes(place, "page_audit", disk="ahci", disk_image=image)
            check(again == bool(re.search(told.encode() + b"watchdog", result.log, re.M)),
                  "told at the wrong time", result)
        check("watchdog: for 1 s" in recorded(image).stdout, "the record was not kept")
        check(b"crash" not in passes(place, "page_audit").log, "a record without a disk")
        check(b"crash" not in selftest(place, "page_audit", "crash=0", disk="ahci", disk_image=image).log,
              "crash=0 is no use")
