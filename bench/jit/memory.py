"""What the engine needs in memory for a program of a thousand functions.

The program is written by a script, always the same one: arithmetic, loops over arrays, branches,
switches, calls of the functions before.
"""

import random

from . import compile_time, programs

FUNCTIONS = 1000

HEAD = """\
// A program of {count} functions, written by bench/jit/memory.py.
#include <stdio.h>
#include <stdlib.h>

static int table[256];
__attribute__((noinline)) static int f0(int a, int b) {{ return a ^ table[b & 255]; }}
"""
MAIN = """
int main(int argc, char **argv) {{
  const int rounds = argc > 1 ? atoi(argv[1]) : 1000;
  int sum = 0;
  for (int i = 0; i < 256; ++i) table[i] = i * 7 % 31;
  for (int i = 0; i < rounds; ++i) sum ^= {last}(sum, i);
  printf("%d\\n", sum);
  return 0;
}}
"""


def _statement(chance, number):
    """One statement of function `number`, over a, b and the variables x and y."""
    def callee():
        return f"f{chance.randrange(max(0, number - 8), number)}"

    small = chance.randrange(1, 64)
    return chance.choice((
        f"x = x * {small * 2 + 1} + (y >> {small % 13});",
        f"y ^= x << {small % 11} | (unsigned)b;",
        f"if ((x & {small}) > {small // 2}) y += a; else x -= {small};",
        f"for (int i = 0; i < (b & {small}); ++i) x += table[(i + y) & 255] * {small};",
        f"switch (y & 3) {{ case 0: x += {small}; break; case 1: x ^= y; break; "
        f"case 2: y -= x; break; default: y = {small}; }}",
        f"table[x & 255] = y & 0xffff;",
        f"if ((y & 1023) == {small}) x += {callee()}(x, b ^ {small});",
        f"if ((x & 4095) == {small}) y = (unsigned)((double)(y & 0xffff) * 0.{small}) + x;",
    ))


def source(count=FUNCTIONS):
    """The text of a program of `count` functions (with main)."""
    chance = random.Random(1)
    parts = [HEAD.format(count=count)]
    for number in range(1, count - 1):
        body = "\n".join("  " + _statement(chance, number)
                         for _ in range(chance.randrange(3, 9)))
        parts.append(f"__attribute__((noinline)) static int f{number}(int a, int b) {{\n"
                     f"  unsigned x = a, y = b;\n{body}\n"
                     f"  return (int)((x ^ y) + (unsigned)f{number - 1}(b, (int)x & 7));\n}}\n")
    return "\n".join(parts) + MAIN.format(last=f"f{count - 2}")


def measure(tools, folder, tiers):
    """Bytes for loading the program, and for compiling all of it in each tier."""
    path = folder / "thousand.c"
    text = source()
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    program = programs.make_from_source(path, folder, tools.lower)
    rows = {tier: compile_time._json_of(tools.cost, "memory", tier, program.image)
            for tier in tiers}
    return {"image_bytes": program.image.stat().st_size, "bitcode_bytes": program.bitcode.stat().st_size,
            "tiers": {tier: row for tier, row in rows.items() if row}}
