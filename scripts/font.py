#!/usr/bin/env python3
"""Makes the screen's font from an X11 bitmap font (PCF), as C++ tables for the kernel.

    scripts/font.py /usr/share/fonts/X11/misc/ter-u16n_unicode.pcf.gz -o font_data.cpp

The font is Terminus Font (Debian's xfonts-terminus, SIL Open Font License 1.1), 8 x 16. What is
taken of it: RANGES. Only glyphs that are there get a place; src/arch/x86/screen/font.h says how one
is found. PCF: the X Window System's portable compiled format, as libXfont reads it.
"""
import argparse
import gzip
import pathlib
import struct
import sys
import unicodedata

PACKAGE = "xfonts-terminus"
PATH = "/usr/share/fonts/X11/misc/ter-u16n_unicode.pcf.gz"
WIDTH, HEIGHT = 8, 16
REPLACEMENT = 0xFFFD

# First and last character of what the screen can show.
RANGES = [
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x024F),  # Latin-1, Latin Extended A and B
    (0x0250, 0x02FF),  # phonetic, modifiers
    (0x0370, 0x03FF),  # Greek
    (0x0400, 0x052F),  # Cyrillic
    (0x1E00, 0x1FFF),  # Latin Extended Additional, Greek Extended
    (0x2000, 0x20CF),  # punctuation, superscripts, currencies
    (0x2100, 0x23FF),  # letter-like, numbers, arrows, mathematics, technical
    (0x2500, 0x25FF),  # boxes, blocks, shapes
    (0x2600, 0x27FF),  # symbols, dingbats, more mathematics
    (0xFFFD, 0xFFFD),  # the replacement
]


class FontError(Exception):
    """What is wrong with the font file."""


class Table:
    """One table of a PCF file: its numbers are in the byte order that its format says."""

    def __init__(self, data, offset):
        self.data, self.at = data, offset + 4
        self.format = struct.unpack_from("<I", data, offset)[0]
        self.order = ">" if self.format & 4 else "<"

    def take(self, kinds):
        """The numbers of these kinds (as struct writes them), in a tuple."""
        values = struct.unpack_from(self.order + kinds, self.data, self.at)
        self.at += struct.calcsize(self.order + kinds)
        return values


PROPERTIES, METRICS, BITMAPS, ENCODINGS = 1, 4, 8, 32
COMPRESSED_METRICS = 0x100
NO_GLYPH = 0xFFFF


def read_tables(data):
    if data[:4] != b"\1fcp":
        raise FontError("it is no PCF font")
    count = struct.unpack_from("<I", data, 4)[0]
    entries = [struct.unpack_from("<4I", data, 8 + 16 * i) for i in range(count)]
    return {kind: Table(data, offset) for kind, _, _, offset in entries}


def read_properties(table):
    """Texts by name."""
    count = table.take("I")[0]
    rows = [table.take("IBI") for _ in range(count)]
    table.at += -count * 9 % 4
    size = table.take("I")[0]
    texts = table.data[table.at:table.at + size]

    def text(at):
        return texts[at:texts.index(b"\0", at)].decode("latin-1")
    return {text(name): text(value) for name, is_text, value in rows if is_text}


def read_metrics(table):
    """(left, right, ascent, descent) of each glyph, in pixels."""
    if table.format & COMPRESSED_METRICS:
        rows = [[v - 0x80 for v in table.take("5B")] for _ in range(table.take("H")[0])]
    else:
        rows = [table.take("5hH") for _ in range(table.take("I")[0])]
    return [(r[0], r[1], r[3], r[4]) for r in rows]


def read_bitmaps(table, metrics):
    """For each glyph its rows as numbers, the leftmost pixel of `right - left` being the highest bit."""
    if not table.format & 8:
        raise FontError("its bitmaps are not in the order that is supported")
    offsets = table.take(f"{table.take('I')[0]}I")
    table.take("4I")
    padding = 1 << (table.format & 3)
    bitmaps = []
    for offset, (left, right, ascent, descent) in zip(offsets, metrics):
        width = right - left
        stride = -(-width // (8 * padding)) * padding
        start = table.at + offset
        rows = [int.from_bytes(table.data[start + y * stride:start + (y + 1) * stride], "big")
                >> (stride * 8 - width) for y in range(ascent + descent)]
        bitmaps.append(rows)
    return bitmaps


def read_encodings(table):
    """Glyph numbers by character."""
    first_low, last_low, first_high, last_high, _ = table.take("5H")
    codes = [high << 8 | low for high in range(first_high, last_high + 1)
             for low in range(first_low, last_low + 1)]
    glyphs = table.take(f"{len(codes)}H")
    return {code: glyph for code, glyph in zip(codes, glyphs) if glyph != NO_GLYPH}


def place(rows, metrics, ascent):
    """A glyph in its cell: HEIGHT bytes."""
    left, right, glyph_ascent, _ = metrics
    cell = [0] * HEIGHT
    for y, row in enumerate(rows, ascent - glyph_ascent):
        shift = WIDTH - right
        moved = row << shift if shift >= 0 else row >> -shift
        if 0 <= y < HEIGHT:
            cell[y] |= moved & 0xFF
    return bytes(cell)


def read_font(path=PATH):
    """(glyphs, notice): 16 bytes by character, of all the font has; and its copyright."""
    try:
        data = gzip.decompress(pathlib.Path(path).read_bytes())
    except FileNotFoundError:
        raise FontError(f"install the package {PACKAGE}") from None
    try:
        tables = read_tables(data)
        metrics = read_metrics(tables[METRICS])
        bitmaps = read_bitmaps(tables[BITMAPS], metrics)
        codes = read_encodings(tables[ENCODINGS])
        properties = read_properties(tables[PROPERTIES])
    except (struct.error, KeyError, ValueError):
        raise FontError("it is damaged") from None
    ascent = max(m[2] for m in metrics)
    glyphs = {code: place(bitmaps[glyph], metrics[glyph], ascent) for code, glyph in codes.items()}
    return glyphs, properties.get("COPYRIGHT", "")


def screen_font(glyphs):
    """What the screen gets: (runs, bitmaps). A run is (first character, last one, first glyph)."""
    chosen = sorted(code for first, last in RANGES for code in range(first, last + 1)
                    if code in glyphs)
    for code in (*range(0x20, 0x7F), REPLACEMENT):
        if code not in glyphs:
            raise FontError(f"it has no U+{code:04X}")
    runs = []
    for index, code in enumerate(chosen):
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code, index])
    return runs, [glyphs[code] for code in chosen]


def compositions(runs):
    """(base, mark, character), ascending, for what the screen gets: Unicode's canonical ones."""
    found = []
    for first, last, _ in runs:
        for code in range(first, last + 1):
            parts = unicodedata.decomposition(chr(code)).split()
            if len(parts) == 2 and parts[0][0] != "<" and unicodedata.combining(chr(int(parts[1], 16))):
                found.append((int(parts[0], 16), int(parts[1], 16), code))
    return sorted(found)


def cpp(runs, bitmaps, notice):
    quoted = notice.replace("\\", "\\\\").replace('"', '\\"')
    replacement = next(glyph for first, _, glyph in runs if first == REPLACEMENT)
    lines = ["// Made by scripts/font.py.", '#include "arch/x86/screen/font.h"', "",
             "namespace bf::x86 {", "",
             f'extern const char kFontNotice[] = "Terminus Font: {quoted} '
             'SIL Open Font License 1.1.";',
             f"const u32 kFontRunCount = {len(runs)};", f"const u32 kReplacementGlyph = {replacement};",
             "const FontRun kFontRuns[] = {"]
    lines += [f"    {{{first:#06x}, {last:#06x}, {index}}}," for first, last, index in runs]
    lines += ["};", f"const u32 kGlyphCount = {len(bitmaps)};",
              "const u8 kGlyphs[][kGlyphHeight] = {"]
    lines += ["    {" + ",".join(f"{row:#04x}" for row in rows) + "}," for rows in bitmaps]
    joined = compositions(runs)
    lines += ["};", f"const u32 kCompositionCount = {len(joined)};",
              "const Composition kCompositions[] = {"]
    lines += [f"    {{{base:#06x}, {mark:#06x}, {code:#06x}}}," for base, mark, code in joined]
    return "\n".join(lines + ["};", "", "}  // namespace bf::x86", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("font", nargs="?", default=PATH)
    parser.add_argument("-o", "--output", required=True)
    arguments = parser.parse_args()
    try:
        glyphs, notice = read_font(arguments.font)
        text = cpp(*screen_font(glyphs), notice)
    except FontError as error:
        sys.exit(f"error: the font {arguments.font}: {error}")
    pathlib.Path(arguments.output).write_text(text)


if __name__ == "__main__":
    main()
