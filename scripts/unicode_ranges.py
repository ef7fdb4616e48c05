"""Writes src/inference/unicode_ranges.def: which characters are letters, numbers, punctuation.

    scripts/unicode_ranges.py > src/inference/unicode_ranges.def

The data are those of this Python's unicodedata; the file names their version.
"""

import unicodedata

CLASSES = {"L": "Letter", "N": "Number", "P": "Punctuation"}
COLUMNS = 3


def ranges():
    """(first, last, class), ascending, for everything from U+0080 on; ASCII is the code's own."""
    found = []
    for code in range(0x80, 0x110000):
        name = CLASSES.get(unicodedata.category(chr(code))[0])
        if name is None:
            continue
        if found and found[-1][1] == code - 1 and found[-1][2] == name:
            found[-1][1] = code
        else:
            found.append([code, code, name])
    return found


def text():
    lines = [f"// Unicode {unicodedata.unidata_version}, general categories L, N and P from U+0080 on,",
             "// ascending. Made by scripts/unicode_ranges.py.",
             "//",
             "// RANGE(first, last, class)"]
    cells = [f"RANGE({first:#x}, {last:#x}, {name})" for first, last, name in ranges()]
    for at in range(0, len(cells), COLUMNS):
        lines.append(" ".join(cells[at:at + COLUMNS]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(text(), end="")
