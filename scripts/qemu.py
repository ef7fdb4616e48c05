"""Runs a BareFlow disc in QEMU.

    machine = Machine(iso="bareflow.iso", options="tokens=20\\ntemp=0\\n", prompt=b"Once upon a time")
    status = run(machine, source=sys.stdin.fileno(), text=sys.stdout.buffer, log=sys.stderr.buffer)

    result = capture(machine, source=b"a line of input\\n", timeout=60)   # for tests
    result.status, result.text, result.log

Text and input have the serial port COM3, the log COM4, the profile a debug port. COM1 and COM2 are
left to the firmware, because OVMF prints on them and reads from them; what comes from COM1 is passed
to the log where the guest ended without one. Options and prompt reach the guest beside the disc,
through QEMU's fw_cfg. The exit status comes through isa-debug-exit; src/arch/x86/power.h says how
it is encoded.
"""
import contextlib
import ctypes
import dataclasses
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import threading
import time

QEMU = "qemu-system-x86_64"
EXIT_PORT = 0xF4
PROFILE_PORT = 0xE9
END_OF_INPUT = b"\x04"
FIRMWARE_LOG = "com1"  # file name
MONITOR = "monitor"  # its socket's name
# What the kernel says last where a run without an exit port has failed.
FAILED = re.compile(rb"^status (\d+): the machine has stopped\r?$", re.MULTILINE)
# First words of what GRUB and the kernel say on COM1 when they cannot know better.
EARLY_ERRORS = (b"error:", b"panic:", b"fault:")
INTERRUPT = 0x03
INTERRUPTS_TO_STOP = 3  # in a row: on a terminal, Ctrl-C is the program's

# Debian's package ovmf; code and the variables that belong to it.
FIRMWARE = [("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
            ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd")]

LARGE_STATUS = 126  # what the exit port gives for all statuses above 125: a panic
PANIC_STATUS = 134
NOT_BOOTED_STATUS = 1  # GRUB has said why


# Kinds of disks, and QEMU's arguments for one whose drive is called "disk".
DISKS = {"ahci": ["-device", "ich9-ahci,id=disk-ahci", "-device", "ide-hd,drive=disk,bus=disk-ahci.0"],
         "ide": ["-device", "ide-hd,drive=disk"],  # on the controller that the machine pc has
         "virtio": ["-device", "virtio-blk-pci,drive=disk"],
         "nvme": ["-device", "nvme,serial=bareflow,drive=disk"]}
OLD_DISKS = ("ahci", "ide")  # whose sectors have 512 bytes, whatever is asked for
# Where the machine has no IDE controller (q35): a PIIX4's, while pc has a PIIX3.
IDE_ON_A_CARD = ["-device", "piix4-ide,id=disk-ide", "-device", "ide-hd,drive=disk,bus=disk-ide.0"]


class QemuError(Exception):
    """Why the machine did not run, or did not end as it should: a text for a person."""


@dataclasses.dataclass
class Machine:
    """A machine and what it boots. Memory as QEMU writes it (512M, 4G)."""
    iso: str
    cpu: str = "max"
    memory: str = "512M"
    machine: str = "q35"
    smp: int = 1
    uefi: bool = False
    kvm: bool = False
    display: str = "none"
    options: str = ""            # lines of key=value
    prompt: bytes | None = None
    profile: str | None = None   # file that the profile is written to
    exit_port: bool = True       # not with a screenshot: QEMU would be gone before it is taken
    screenshot: str | None = None  # file that gets a picture (PNG) of the screen as it is at the end
    debugger: str | None = None  # a character device of QEMU's on COM2, such as socket,path=...
    streams: bool = True         # a port for each stream; else the kernel's own default, all on COM1
    disk: str | None = None      # one of DISKS
    disk_image: str | None = None
    sector_bytes: int = 512      # of the disk
    drive: str = ""              # more of QEMU's options for the disk's drive, such as ",cache=unsafe"
    extra: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Result:
    status: int
    text: bytes
    log: bytes
    profile: bytes = b""


def guest_options(machine):
    """All the option lines the guest gets; the launcher's own come first, so others may win."""
    lines = []
    if machine.streams:
        lines += ["text=com3", "log=com4", "raw=1",
                  "profile-to=" + (f"{PROFILE_PORT:#x}" if machine.profile else "none")]
    if machine.exit_port:
        lines.append(f"exit-port={EXIT_PORT:#x}")
    if machine.screenshot:
        lines.append("on-error=off")
    return "\n".join(lines) + "\n" + machine.options


def firmware_arguments(folder):
    for code, variables in FIRMWARE:
        if os.path.exists(code) and os.path.exists(variables):
            break
    else:
        raise QemuError("there is no UEFI firmware: install ovmf")
    own = os.path.join(folder, "vars.fd")
    shutil.copyfile(variables, own)
    return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,unit=1,format=raw,file={own}"]


def escape(path):
    """QEMU's option values: a comma is written twice."""
    return str(path).replace(",", ",,")


def disk_arguments(machine):
    """A disk of the kind, which is never what boots."""
    sectors = f",logical_block_size={machine.sector_bytes},physical_block_size={machine.sector_bytes}"
    has_ide = machine.machine.split(",")[0] in ("pc", "isapc") or "i440fx" in machine.machine
    words = DISKS[machine.disk] if machine.disk != "ide" or has_ide else IDE_ON_A_CARD
    device = [word + (sectors if "drive=disk" in word and machine.sector_bytes != 512 else "")
              for word in words]
    return ["-drive", f"file={escape(machine.disk_image)},if=none,id=disk,format=raw{machine.drive}"] + device


def command_line(machine, folder, log_fd):
    """QEMU's command line; files it needs are written to `folder`."""
    options = os.path.join(folder, "options")
    with open(options, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(guest_options(machine))
    line = [QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-vga", "std",
            "-machine", machine.machine, "-cpu", machine.cpu, "-m", machine.memory,
            "-smp", str(machine.smp), "-accel", "kvm" if machine.kvm else "tcg",
            "-display", machine.display, "-monitor", "none",
            "-drive", f"file={escape(machine.iso)},if=none,id=disc,media=cdrom,format=raw,readonly=on",
            "-device", "ide-cd,drive=disc,bootindex=0",
            "-chardev", "stdio,id=text,signal=off",
            "-chardev", f"file,id=log,path=/dev/fd/{log_fd},append=on",
            "-fw_cfg", f"name=opt/bareflow/options,file={escape(options)}"]
    if machine.streams:
        second = ["-serial", "null"]
        if machine.debugger:
            second = ["-chardev", machine.debugger.replace(",", ",id=debugger,", 1), "-serial", "chardev:debugger"]
        line += ["-serial", "chardev:firmware", *second,
                 "-serial", "chardev:text", "-serial", "chardev:log",
                 "-chardev", f"file,id=firmware,path={escape(os.path.join(folder, FIRMWARE_LOG))}"]
    else:
        line += ["-serial", "chardev:text"]
    if machine.profile:
        line += ["-chardev", f"file,id=profile,path={escape(machine.profile)}",
                 "-device", f"isa-debugcon,iobase={PROFILE_PORT:#x},chardev=profile"]
    if machine.prompt is not None:
        prompt = os.path.join(folder, "prompt")
        with open(prompt, "wb") as file:
            file.write(machine.prompt)
        line += ["-fw_cfg", f"name=opt/bareflow/prompt,file={escape(prompt)}"]
    if machine.exit_port:
        line += ["-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=4"]
    if machine.screenshot:
        line += ["-no-shutdown", "-qmp", f"unix:{os.path.join(folder, MONITOR)},server=on,wait=off"]
    if machine.uefi:
        line += firmware_arguments(folder)
    if machine.disk:
        line += disk_arguments(machine)
    return line + list(machine.extra)


def decode_status(code, machine, stderr):
    """The guest's exit status from QEMU's."""
    if code < 0:
        raise QemuError(f"QEMU was ended by signal {-code}\n{stderr}".rstrip())
    if code == 0 and not machine.exit_port:
        return 0
    if code == 0:
        raise QemuError("the machine switched itself off, or was reset by a fault, before the "
                        "program ended")
    if code % 2 == 0 or code == 1:
        raise QemuError(f"QEMU failed: {stderr.strip() or 'it did not say why'}")
    status = (code - 1) // 2 - 1
    return PANIC_STATUS if status == LARGE_STATUS else status


@contextlib.contextmanager
def unedited_terminal(fd):
    """Every key reaches the guest as it is typed; the line editor there does the rest."""
    before = termios.tcgetattr(fd)
    after = termios.tcgetattr(fd)
    after[0] &= ~(termios.IXON | termios.ICRNL)
    after[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
    termios.tcsetattr(fd, termios.TCSANOW, after)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


@contextlib.contextmanager
def termination_as_exit():
    """SIGTERM and SIGHUP end Python in order, so that QEMU is ended too."""
    def leave(number, _frame):
        raise SystemExit(128 + number)
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def watched_size(guest, terminal):
    """The guest is told how large the terminal is whenever that changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGWINCH, lambda *_: guest.tell_size(terminal))
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def die_with_parent():
    """In the child: QEMU never outlives us (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Guest:
    """A running QEMU. Use as a context manager: leaving it ends QEMU."""

    def __init__(self, machine, text, log):
        self.machine = machine
        self.last_output = time.monotonic()
        self.wants_to_stop = threading.Event()
        self.kernel_started = threading.Event()  # before, input would go to the firmware
        self.sink_closed = threading.Event()
        self.monitor_error = None
        self._log_end = b""
        self._folder = tempfile.TemporaryDirectory(prefix="bareflow-")
        self._stderr = tempfile.TemporaryFile()
        log_read, log_write = os.pipe()
        line = command_line(machine, self._folder.name, log_write)
        try:
            self.process = subprocess.Popen(
                line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr,
                pass_fds=[log_write], start_new_session=True, preexec_fn=die_with_parent)
        except FileNotFoundError:
            os.close(log_read)
            raise QemuError(f"{QEMU} is missing: install qemu-system-x86") from None
        finally:
            os.close(log_write)
        boot_log_fd = log_read if machine.streams else self.process.stdout.fileno()
        self._readers = [self._thread(self._forward, fd, sink, fd == boot_log_fd)
                         for fd, sink in ((self.process.stdout.fileno(), text), (log_read, log))]
        self._log_fd = log_read
        self._log = log
        if machine.screenshot:
            self._thread(self._take_screenshot)

    @staticmethod
    def _thread(function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        thread.start()
        return thread

    def _take_screenshot(self):
        """Waits until the machine switches itself off, which is when QEMU would end."""
        with socket.socket(socket.AF_UNIX) as monitor:
            path = os.path.join(self._folder.name, MONITOR)
            while self.process.poll() is None:
                with contextlib.suppress(OSError):
                    monitor.connect(path)
                    break
                time.sleep(0.05)
            commands = [("qmp_capabilities", {}, None),
                        ("screendump", {"filename": self.machine.screenshot, "format": "png"}, "SHUTDOWN"),
                        ("quit", {}, None)]
            with contextlib.suppress(OSError, ValueError), monitor.makefile("rw") as lines:
                lines.readline()
                for command, arguments, event in commands:
                    while event and json.loads(lines.readline()).get("event") != event:
                        pass
                    lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
                    lines.flush()
                    while not {"return", "error"} & (answer := json.loads(lines.readline())).keys():
                        pass
                    if "error" in answer:
                        self.monitor_error = answer["error"]["desc"]

    def _forward(self, fd, sink, has_boot_log):
        seen = b""
        while data := os.read(fd, 65536):
            self.last_output = time.monotonic()
            if has_boot_log:
                self._log_end = (self._log_end + data)[-400:]
            if has_boot_log and not self.kernel_started.is_set():
                # The kernel logs its first line when its ports are open.
                seen += data
                if b"[boot]" in seen:
                    self.kernel_started.set()
            try:
                sink.write(data)
                sink.flush()
            except (BrokenPipeError, ValueError):
                self.sink_closed.set()

    def send(self, data):
        """Gives the guest input; blocks while it does not read."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def feed(self, source):
        """Passes on a file descriptor's or bytes' content in the background, then end of input."""
        self._thread(self._feed, source)

    def _feed(self, source):
        self.kernel_started.wait()
        if isinstance(source, int):
            while data := os.read(source, 4096):
                self.send(data.replace(END_OF_INPUT, b""))
        elif source:
            self.send(source)
        self.send(END_OF_INPUT)

    def feed_keys(self, terminal):
        """The same from a terminal, unedited and without end."""
        self._thread(self._feed_keys, terminal)

    def tell_size(self, terminal):
        """That the terminal has another size now, as terminals tell it by themselves."""
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(terminal)
            self.send(b"\x1b[48;%d;%d;0;0t" % (size.lines, size.columns))

    def _feed_keys(self, terminal):
        interrupts = 0
        self.kernel_started.wait()
        while data := os.read(terminal, 4096):
            interrupts = interrupts + len(data) if set(data) == {INTERRUPT} else 0
            if interrupts >= INTERRUPTS_TO_STOP:
                self.wants_to_stop.set()
                return
            self.send(data)
        self.send(END_OF_INPUT)

    def wait(self, timeout=None, silence=None, first_word=None):
        """The guest's exit status. Limits in seconds: altogether, without any output, and until
        the kernel's first word in the log."""
        start = time.monotonic()
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.process.wait(0.1)
                break
            now = time.monotonic()
            if timeout and now - start > timeout:
                raise QemuError(f"the machine did not end within {timeout:g} s")
            if silence and now - self.last_output > silence:
                raise QemuError(f"the machine hangs: no output for {silence:g} s")
            if first_word and not self.kernel_started.is_set() and now - start > first_word:
                self._pass_early_errors()
                raise QemuError(f"the kernel did not start within {first_word:g} s: firmware or "
                                "GRUB did not get that far (more memory? another machine?)")
            if self.wants_to_stop.is_set():
                raise KeyboardInterrupt
            if self.sink_closed.is_set():
                raise BrokenPipeError
        for reader in self._readers:
            reader.join()
        said_why = not self.kernel_started.is_set() and self._pass_early_errors()
        if code == 0 and said_why:
            return NOT_BOOTED_STATUS
        if self.monitor_error:
            raise QemuError(f"no picture of the screen: {self.monitor_error}")
        failed = FAILED.search(self._log_end) if not self.machine.exit_port else None
        return int(failed[1]) if failed else decode_status(code, self.machine, self.stderr())

    def _pass_early_errors(self):
        """Whether COM1 had any; the kernel's own streams were never open."""
        path = os.path.join(self._folder.name, FIRMWARE_LOG)
        if not os.path.exists(path):  # without streams, and where QEMU did not even start
            return False
        with open(path, "rb") as file:
            said = file.read().replace(b"\r\n", b"\n")
        starts = [at for at in map(said.find, EARLY_ERRORS) if at >= 0]
        if starts:
            self._log.write(said[min(starts):])
            self._log.flush()
        return bool(starts)

    def stderr(self):
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for reader in self._readers:
            reader.join()
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()
        os.close(self._log_fd)
        self._stderr.close()
        self._folder.cleanup()


def run(machine, source, text, log, interactive=False, timeout=None, silence=None,
        first_word=None):
    """Boots the machine and passes its streams on; the guest's exit status.

    source is a file descriptor, bytes, or None. With `interactive` it is a terminal; the caller
    passes the option interactive=1 as well. Raises QemuError, KeyboardInterrupt, BrokenPipeError.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(termination_as_exit())
        guest = stack.enter_context(Guest(machine, text, log))
        if interactive:
            stack.enter_context(unedited_terminal(source))
            guest.feed_keys(source)
            if "terminal=ansi" in machine.options.split():
                stack.enter_context(watched_size(guest, source))
        else:
            guest.feed(source)
        return guest.wait(timeout, silence, first_word)


class Collector:
    """A sink that keeps what is written to it."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data

    def flush(self):
        pass


def capture(machine, source=None, timeout=None):
    """Boots the machine and collects its streams."""
    text, log = Collector(), Collector()
    with tempfile.TemporaryDirectory(prefix="bareflow-") as folder:
        if machine.profile is True:
            machine = dataclasses.replace(machine, profile=os.path.join(folder, "profile"))
        try:
            status = run(machine, source, text, log, timeout=timeout)
        except QemuError as error:
            raise QemuError(f"{error}\n--- text\n{text.data.decode(errors='replace')}"
                            f"\n--- log\n{log.data.decode(errors='replace')}") from None
        profile = b""
        if machine.profile:
            with open(machine.profile, "rb") as file:
                profile = file.read()
        return Result(status, text.data, log.data, profile)
