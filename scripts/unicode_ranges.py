"""Writes the tables of Unicode that the sources keep.

    scripts/unicode_ranges.py > src/inference/unicode_ranges.def
    scripts/unicode_ranges.py --widths > src/runtime/character_widths.def

The first: which characters are letters, numbers, punctuation. The second: which take no cell of a
terminal, or two. The data are those of this Python's unicodedata; the files name their version.
"""

import sys
import unicodedata

CLASSES = {"L": "Letter", "N": "Number", "P": "Punctuation"}
COLUMNS = 3

SOFT_HYPHEN = 0xAD
# Vowels and final consonants of Hangul that join the syllable before them.
JOINING_JAMO = range(0x1160, 0x1200)


def runs(name_of, first):
    """[first, last, name] of runs of characters with the same name, ascending; None is no name."""
    found = []
    for code in range(first, 0x110000):
        name = name_of(code)
        if name is None:
            continue
        if found and found[-1][1] == code - 1 and found[-1][2] == name:
            found[-1][1] = code
        else:
            found.append([code, code, name])
    return found


def class_of(code):
    return CLASSES.get(unicodedata.category(chr(code))[0])


def width_of(code):
    """0, 2, or None for one cell."""
    category = unicodedata.category(chr(code))
    if code in JOINING_JAMO or (category in ("Mn", "Me", "Cf") and code != SOFT_HYPHEN):
        return 0
    is_wide = category != "Cn" and unicodedata.east_asian_width(chr(code)) in "WF"
    return 2 if is_wide else None


def without_gaps(ranges):
    """Runs of the same name become one where only characters that are not assigned lie between."""
    joined = []
    for run in ranges:
        before = joined[-1] if joined else None
        if before and before[2] == run[2] and all(
                unicodedata.category(chr(code)) == "Cn" for code in range(before[1] + 1, run[0])):
            before[1] = run[1]
        else:
            joined.append(run)
    return joined


def text(header, macro, ranges):
    lines = [f"// Unicode {unicodedata.unidata_version}{header[0]}",
             *(f"// {line}".rstrip() for line in header[1:])]
    cells = [f"{macro}({first:#x}, {last:#x}, {name})" for first, last, name in ranges]
    for at in range(0, len(cells), COLUMNS):
        lines.append(" ".join(cells[at:at + COLUMNS]))
    return "\n".join(lines) + "\n"


def main():
    if sys.argv[1:] == ["--widths"]:
        header = [": characters of a terminal that take no cell, or two; all others take one.",
                  "Ascending. Made by scripts/unicode_ranges.py.", "", "BF_WIDTH(first, last, cells)"]
        print(text(header, "BF_WIDTH", without_gaps(runs(width_of, 0x80))), end="")
        return
    header = [", general categories L, N and P from U+0080 on,",
              "ascending. Made by scripts/unicode_ranges.py.", "", "RANGE(first, last, class)"]
    print(text(header, "RANGE", runs(class_of, 0x80)), end="")


if __name__ == "__main__":
    main()
