"""The boot tests of screen and keyboard: what a person in front of the machine sees, and types."""
import os
import re
import tempfile
import time
import unicodedata

import font
import qemu
from cases import ROOT, TIMEOUT_S, Monitor, case, check, iso_with, wait_for

COLUMNS, ROWS = 80, 25  # of a text screen
LOG_COLOUR, TEXT_COLOUR = 8, 7
REPLACEMENT = "\ufffd"
SEQUENCE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")


def palette():
    """The sixteen colours as (red, green, blue)."""
    table = (ROOT / "src/arch/x86/screen/palette.def").read_text()
    numbers = [int(rgb, 16) for rgb in re.findall(r"^BF_COLOUR\(\w+, (0x[0-9a-f]{6})\)", table, re.M)]
    return [(n >> 16, n >> 8 & 255, n & 255) for n in numbers]


class Pen:
    """Colours as sequences ask for them."""

    def __init__(self):
        self.change("")

    def change(self, parameters):
        for number in (int(n or 0) for n in parameters.split(";")):
            if number == 0:
                self.foreground, self.background, self.bold, self.inverse = None, 0, False, False
            elif number == 1:
                self.bold = True
            elif number in (7, 27):
                self.inverse = number == 7
            elif number == 39:
                self.foreground = None
            elif number // 10 in (3, 9):
                self.foreground = number % 10 + (8 if number >= 90 else 0)
            elif number // 10 in (4, 10):
                self.background = number % 10 + (8 if number >= 100 else 0)

    def colours(self):
        """(foreground, background); a foreground of None is the stream's own."""
        colour = self.foreground
        if self.bold and (colour is None or colour < 8):
            colour = (TEXT_COLOUR if colour is None else colour) + 8
        if not self.inverse:
            return colour, self.background
        return self.background, TEXT_COLOUR if colour is None else colour


def shown(text, columns, rows):
    """The last rows of cells (character, foreground, background) that a screen shows after this."""
    blank = (" ", None, 0)
    cells, column, pen = [[blank] * columns], 0, Pen()
    at = 0
    while at < len(text):
        c = text[at]
        at += 1
        if sequence := SEQUENCE.match(text, at - 1):
            at = sequence.end()
            if sequence[2] == "m":
                pen.change(sequence[1])
        elif c == "\r":
            column = 0
        elif c == "\b":
            column = max(0, column - 1)
        elif c == "\n":
            cells.append([blank] * columns)
            column = 0
        elif unicodedata.combining(c):
            before, *colours = cells[-1][column - 1]
            cells[-1][column - 1] = (unicodedata.normalize("NFC", before + c), *colours)
        else:
            width = 2 if unicodedata.east_asian_width(c) in "WF" else 1
            if column + width > columns:
                cells.append([blank] * columns)
                column = 0
            cells[-1][column] = (c, *pen.colours())
            if width == 2:
                cells[-1][column + 1] = (" ", *pen.colours())
            column += width
    return ([[blank] * columns] * rows + cells)[-rows:] if len(cells) >= rows else (
        cells + [[blank] * columns] * (rows - len(cells)))


def in_code_page(c):
    """What a text screen shows for a character."""
    for like in (c, unicodedata.normalize("NFD", c)[0], {"“": '"', "”": '"'}.get(c, "?")):
        if like.isascii() or like in "→∟":
            return like
        try:
            return like.encode("cp437").decode("cp437")
        except UnicodeEncodeError:
            pass
    return "?"


class Picture:
    """A screen dump of QEMU's: a PPM file."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        magic, size, _, self.pixels = data.split(b"\n", 3)
        assert magic == b"P6"
        self.width, self.height = map(int, size.split())

    def row(self, x, y, count):
        at = (y * self.width + x) * 3
        return self.pixels[at:at + 3 * count]


def end_of_run(iso, look, options="", keys=None, **machine):
    """Boots, waits until the machine switches itself off, and calls look(monitor, folder). The text of
    COM1."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "qmp")
        extra = ["-no-shutdown", "-qmp", f"unix:{path},server=on,wait=off"]
        text = qemu.Collector()
        with qemu.Guest(qemu.Machine(iso=iso, streams=False, exit_port=False, options=options, extra=extra,
                                     **machine), text, qemu.Collector()):
            monitor = Monitor(path)
            monitor.wait_for("SHUTDOWN")
            seen = look(monitor, folder)
    return text.data, seen


def dump(monitor, folder):
    path = os.path.join(folder, "screen.ppm")
    monitor.execute("screendump", filename=path)
    return Picture(path)


def compare(picture, text):
    """Every cell of the picture, pixel by pixel, with what the text should look like."""
    glyphs, _ = font.read_font()
    colours = [bytes(c) for c in palette()]
    columns, rows = picture.width // 8, picture.height // 16
    left, top = picture.width % 8 // 2, picture.height % 16 // 2
    expected = shown(text, columns, rows)
    end = next((y for y in range(rows - 1, -1, -1) if any(c[0] != " " for c in expected[y])), 0)
    chosen = {code for first, last in font.RANGES for code in range(first, last + 1)}
    for y, line in enumerate(expected):
        for x, (c, foreground, background) in enumerate(line):
            code = ord(c) if ord(c) in glyphs and ord(c) in chosen else ord(REPLACEMENT)
            if y == end + 1 and x == 0:
                foreground, background = background, TEXT_COLOUR  # the cursor
            seen = [picture.row(left + 8 * x, top + 16 * y + i, 8) for i in range(16)]
            choices = [foreground] if foreground is not None else [LOG_COLOUR, TEXT_COLOUR]
            pictures = [[b"".join(colours[choice if row >> (7 - i) & 1 else background] for i in range(8))
                         for row in glyphs[code]] for choice in choices]
            check(seen in pictures, f"row {y}, column {x}: not {c!r} in {choices} on {background}:\n"
                  + "\n".join(str(row) for row in seen))
    return expected


def lines_of(text):
    """What was written to the streams: COM1 has carriage returns besides, and what the firmware said."""
    text = text[max(0, text.find(b"[boot] BareFlow")):]
    return text.decode(errors="replace").replace("\r\n", "\n")


@case
def screen(place):
    """The text screen shows the end of what COM1 carries: scrolled, wrapped, in code page 437."""
    def look(monitor, folder):
        path = os.path.join(folder, "screen")
        monitor.execute("pmemsave", val=0xB8000, size=COLUMNS * ROWS * 2, filename=path)
        with open(path, "rb") as file:
            return file.read()
    with iso_with(place, "selftest=streams screen=text") as iso:
        text, cells = end_of_run(iso, look)
    expected = shown(lines_of(text), COLUMNS, ROWS)
    arrow = {0x1A: "→"}
    seen = [[(arrow.get(cells[at], bytes([cells[at]]).decode("cp437")), cells[at + 1])
             for at in range(row * 2 * COLUMNS, (row + 1) * 2 * COLUMNS, 2)] for row in range(ROWS)]
    swapped = [0, 4, 2, 6, 1, 5, 3, 7]  # red and blue change places on a VGA
    for line, line_seen in zip(expected, seen):
        for (c, foreground, background), (c_seen, attribute) in zip(line, line_seen):
            check(in_code_page(c) == c_seen, f"not {c!r} but {c_seen!r} in " + "".join(c for c, _ in line_seen))
            choices = [foreground] if foreground is not None else [LOG_COLOUR, TEXT_COLOUR]
            attributes = [swapped[background % 8] << 4 | swapped[f % 8] | f & 8 for f in choices]
            check(attribute in attributes, f"{c!r} has the attribute {attribute:#x}, not {attributes}")
    check(any(c == "é" for line in expected for c, *_ in line), "the sample is not there")


def pixels(place, size, options="", **machine):
    with iso_with(place, "selftest=streams " + options) as iso:
        text, picture = end_of_run(iso, dump, **machine)
    check((picture.width, picture.height) == size, f"the screen is {picture.width} x {picture.height}")
    check(f"{size[0]} x {size[1]} pixels".encode() in text, f"the log does not tell of the screen: {text}")
    return lines_of(text), picture


@case
def screen_pixels(place):
    """The framebuffer, glyph by glyph: of the size that is usual, and one with other pixels."""
    for size, options in (((1280, 800), ""), ((800, 600), "screen=800x600x16")):
        text, picture = pixels(place, size, options)
        if "x16" not in options:
            compare(picture, text)
            continue
        colours = len({picture.pixels[at:at + 3] for at in range(0, len(picture.pixels), 3)})
        check(8 < colours <= 16, f"{colours} colours")


@case
def screen_uefi(place):
    """A machine that has no text screen at all."""
    text, picture = pixels(place, (1280, 800), uefi=True)
    compare(picture, text)


@case
def screen_plain(place):
    """NO_COLOR, on the kernel's line."""
    _, picture = pixels(place, (1280, 800), "NO_COLOR")
    found = {picture.pixels[at:at + 3] for at in range(0, len(picture.pixels), 3)}
    colours = [bytes(c) for c in palette()]
    check(found == {colours[0], colours[TEXT_COLOUR]}, f"these colours: {found}")


def read(picture, row):
    """What is written in a row of the picture, of the letters of ASCII."""
    glyphs, _ = font.read_font()
    by_rows = {glyphs[code]: chr(code) for code in range(0x7E, 0x1F, -1)}
    left, top = picture.width % 8 // 2, picture.height % 16 // 2
    text = ""
    for x in range(picture.width // 8):
        seen = [picture.row(left + 8 * x, top + 16 * row + i, 8) for i in range(16)]
        ground = seen[15][:3]
        text += by_rows.get(bytes(sum((line[3 * i:3 * i + 3] != ground) << (7 - i) for i in range(8))
                                  for line in seen), "#")
    return text.rstrip()


@case
def status_line(place):
    """Below a story, which the log does not interrupt: how many tokens, how fast, functions by tier, cores.
    Not where it is not wanted, and never on a serial port that did not ask for it."""
    for options, wanted in (("", True), ("tokens=12\nstatus=0\n", False)):
        text, picture = end_of_run(place.program_iso, dump, "temp=0\n" + options, smp=2,
                                   prompt=b"Once upon a time")
        last = read(picture, picture.height // 16 - 1)
        shape = r" 1\d\d tokens, \d+\.\d tok/s # (interp|baseline) \d+.*, .* # 2 cores"
        check(bool(re.fullmatch(shape, last)) == wanted, f"the last row is {last!r}")
        check(b"\x1b[" not in text[text.find(b"[boot] BareFlow"):] and b" tokens, " not in text.replace(b"prompt", b""),
              f"COM1 has it: {text}")
        rows = [read(picture, row) for row in range(picture.height // 16)]
        check(not wanted or any(row.startswith("First Grace sat very still, so that the fish") for row in rows),
              "the log is in the middle of the story:\n" + "\n".join(rows))


@case
def status_line_on_a_terminal(place):
    """The same on a terminal at a serial port that says how large it is, as the terminal shows it."""
    options = "tokens=12\ntemp=0\ninteractive=1\nterminal=ansi\nscreen=text\nlog=com4\ntext=com3\n"
    text, log = qemu.Collector(), qemu.Collector()
    with qemu.Guest(qemu.Machine(iso=place.program_iso, options=options), text, log) as guest:
        wait_for(guest, lambda: b"\x1b[18t" in text.data or guest.process.poll() is not None)
        guest.send(b"\x1b[8;40;30t")
        wait_for(guest, lambda: text.data.endswith(b"> ") or guest.process.poll() is not None)
        seen = len(text.data)
        guest.send(b"The end of a line that is longer than that")
        wait_for(guest, lambda: b"han that" in text.data[seen:] or guest.process.poll() is not None)
        guest.send(b"\x03/quit\r")
        status = guest.wait(TIMEOUT_S)
    said = text.data.decode(errors="replace")
    check(status == 0, f"the status is {status}: {said}")
    check(re.search(r"\x1b7(\x1b\[1;39r)?\x1b\[40;1H\x1b\[7m 12 tokens, [^\x1b]{,29}\x1b\[K\x1b\[0m\x1b8", said),
          f"no status line in row 40: {said!r}")
    check("<" in text.data[seen:].decode(), f"the line was not cut: {said!r}")
    check("\x1b[r" in said.rpartition("tokens")[2], "the rows were not given back")


# ---- Keys -------------------------------------------------------------------------------------

def type_keys(place, chords, options="", **machine):
    """What the kernel reads when these keys are pressed, each chord a list of QEMU's names of keys."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "qmp")
        guest_machine = qemu.Machine(iso=place.iso, options="selftest=echo\n" + options,
                                     extra=["-qmp", f"unix:{path},server=on,wait=off"], **machine)
        text, log = qemu.Collector(), qemu.Collector()
        with qemu.Guest(guest_machine, text, log) as guest:
            monitor = Monitor(path)
            wait_for(guest, lambda: b"echo:" in log.data or guest.process.poll() is not None)
            for chord in [*chords, ["ctrl", "d"]]:
                monitor.execute("send-key", keys=[{"type": "qcode", "data": key} for key in chord])
                time.sleep(0.15)  # a key is held for 0.1 s, and the queue is short
            status = guest.wait(TIMEOUT_S)
    end = b"end of input\n"
    check(status == 0 and text.data.endswith(end), f"{status} {text.data} {log.data}")
    return text.data.removesuffix(end)


@case
def keyboard(place):
    """Keys on the PS/2 keyboard are input like any other; Ctrl-D ends it."""
    chords = [["h"], ["i"], ["shift", "a"], ["caps_lock"], ["b"], ["caps_lock"], ["1"], ["shift", "1"],
              ["left"], ["ctrl", "right"], ["backspace"], ["alt", "f"], ["ret"]]
    typed = type_keys(place, chords)
    check(typed == b"hiAB1!\x1b[D\x1b[1;5C\x7f\x1bf\r", f"{typed}")


@case
def keyboard_layouts(place):
    """The same places on other keyboards; the second one under UEFI."""
    french = type_keys(place, [["q"], ["m"], ["2"], ["bracket_left"], ["e"], ["alt_r", "0"], ["shift", "semicolon"]],
                       "keyboard=fr\n")
    check(french.decode() == "a,éê@M", french)
    german = type_keys(place, [["y"], ["z"], ["minus"], ["equal"], ["e"], ["alt_r", "q"], ["apostrophe"]],
                       "keyboard=de\n", uefi=True)
    check(german.decode() == "zyßé@ä", german)


@case
def stop(place):
    """Ctrl-C stops an answer that would never end, from the serial line and from the keyboard."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "qmp")
        machine = qemu.Machine(iso=place.program_iso, options="interactive=1\nchat=1\nchat-template=zephyr\ntokens=1000000\nseed=1\n",
                               extra=["-qmp", f"unix:{path},server=on,wait=off"])
        text = qemu.Collector()
        with qemu.Guest(machine, text, qemu.Collector()) as guest:
            monitor = Monitor(path)

            def seen_after(at, condition):
                wait_for(guest, lambda: condition(text.data[at:]) or guest.process.poll() is not None)
            seen_after(0, lambda data: data.endswith(b"> "))
            for stop in (lambda: guest.send(b"\x03"),
                         lambda: monitor.execute("send-key", keys=[{"type": "qcode", "data": key}
                                                                   for key in ("ctrl", "c")])):
                at = len(text.data)
                guest.send(b"Tom was\r")
                seen_after(at, lambda data: len(data) > 80)
                stop()
                seen_after(at, lambda data: data.endswith(b"> "))
            guest.send(b"/quit\r")
            check(guest.wait(TIMEOUT_S) == 0, "the status is not 0")


# ---- Serial lines -----------------------------------------------------------------------------

@case
def serial_flow(place):
    """XOFF stops what the machine sends and XON lets it go on; neither is input. And what comes at once,
    more of it than the port's queue holds, is all read."""
    text, log = qemu.Collector(), qemu.Collector()
    with qemu.Guest(qemu.Machine(iso=place.iso, options="selftest=echo\nflow=xonxoff\n"), text, log) as guest:
        def echoed(data):
            wait_for(guest, lambda: text.data.endswith(data) or guest.process.poll() is not None)
        wait_for(guest, lambda: b"echo:" in log.data or guest.process.poll() is not None)
        guest.send(b"one")
        echoed(b"one")
        guest.send(b"\x13two" + 100 * b"-")
        time.sleep(0.5)
        check(text.data == b"one", f"it did not stop: {text.data}")
        guest.send(b"\x11")
        echoed(b"two" + 100 * b"-")
        many = b"".join(b"%d " % n for n in range(2000))
        guest.send(many)
        echoed(many[-20:])
        check(text.data.replace(b"\x13", b"").replace(b"\x11", b"") == b"onetwo" + 100 * b"-" + many,
              "something was lost")
        guest.send(b"\x04")
        check(guest.wait(TIMEOUT_S) == 0, "the status is not 0")
