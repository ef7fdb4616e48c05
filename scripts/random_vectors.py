"""Random LLVM assembly that clang never emits: vectors of integers of any width, in every tier against
clang's own code for them.

    scripts/random_vectors.py --count 200               # fresh seeds; the first one is printed
    scripts/random_vectors.py --seed 17 --count 1 --keep-failures kept

A program is one chain of operations on vectors, of which every result goes into a checksum. All of them
are defined: divisors are odd, amounts of shifts less than the width, indices less than the lanes.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import tiers as engines

ROOT = Path(__file__).resolve().parents[1]
WIDTHS = (1, 2, 3, 7, 8, 13, 16, 24, 31, 32, 33, 40, 48, 57, 63, 64, 65, 72, 80, 96, 100, 127, 128, 129, 160, 200)
LANES = (1, 2, 3, 4, 5, 7, 8, 16)
BINARY = ("add", "sub", "mul", "and", "or", "xor")
PREDICATES = ("eq", "ne", "ult", "ule", "ugt", "uge", "slt", "sle", "sgt", "sge")
PAIRS = ("smin", "smax", "umin", "umax", "sadd.sat", "uadd.sat", "ssub.sat", "usub.sat")
OVERFLOWS = ("sadd", "uadd", "ssub", "usub", "smul", "umul")
REDUCTIONS = ("add", "mul", "and", "or", "xor", "smin", "smax", "umin", "umax")
OPERATIONS = 24
MAX_CAST_BITS = 4096  # the widest integer that is lowered

HEAD = """target triple = "x86_64-pc-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
@state = internal global i64 88172645463325252
@sum = internal global i64 0
@format = private constant [7 x i8] c"%016lx\\00"
declare i32 @printf(ptr, ...)
define internal i64 @draw() noinline {
  %a = load i64, ptr @state
  %b = shl i64 %a, 13
  %c = xor i64 %a, %b
  %d = lshr i64 %c, 7
  %e = xor i64 %c, %d
  %f = shl i64 %e, 17
  %g = xor i64 %e, %f
  store i64 %g, ptr @state
  %h = and i64 %g, 7
  %narrow = icmp eq i64 %h, 0
  %i = ashr i64 %g, 60
  %j = select i1 %narrow, i64 %i, i64 %g
  ret i64 %j
}
define internal void @mix(i64 %x) noinline {
  %a = load i64, ptr @sum
  %b = xor i64 %a, %x
  %c = mul i64 %b, -7046029254386353131
  %d = lshr i64 %c, 29
  %e = xor i64 %c, %d
  store i64 %e, ptr @sum
  ret void
}
"""


class Program:
    """Writes the assembly; values are (type as (lanes, width), name)."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines, self.functions, self.declarations = [], [], set()
        self.count = 0
        self.values = []

    # ---- Pieces of text
    @staticmethod
    def text(type_):
        return f"<{type_[0]} x i{type_[1]}>"

    def emit(self, words):
        self.count += 1
        self.lines.append(f"  %v{self.count} = {words}")
        return f"%v{self.count}"

    def call(self, result, name, arguments, types=None):
        """A call of an intrinsic; arguments are (type, value)."""
        self.declarations.add(f"declare {result} @{name}({', '.join(t for t, _ in arguments)})")
        return self.emit(f"call {result} @{name}({', '.join(f'{t} {v}' for t, v in arguments)})")

    @staticmethod
    def mangled(type_):
        return f"v{type_[0]}i{type_[1]}"

    def constant(self, type_, choose):
        return f"<{', '.join(f'i{type_[1]} {choose()}' for _ in range(type_[0]))}>"

    def resized(self, value, from_bits, to_bits, shape="i{}", op=None):
        """zext (or `op`) or trunc, or the value itself."""
        if from_bits == to_bits:
            return value
        op = "trunc" if to_bits < from_bits else op or self.random.choice(("zext", "sext"))
        return self.emit(f"{op} {shape.format(from_bits)} {value} to {shape.format(to_bits)}")

    # ---- Values
    def some_type(self):
        return self.random.choice(LANES), self.random.choice(WIDTHS)

    def drawn_scalar(self, bits):
        low = self.emit("call i64 @draw()")
        value = self.resized(low, 64, bits)
        for done in range(64, bits, 64):
            high = self.resized(self.emit("call i64 @draw()"), 64, bits)
            shifted = self.emit(f"shl i{bits} {high}, {done}")
            value = self.emit(f"xor i{bits} {value}, {shifted}")
        return value

    def drawn(self, type_):
        whole = "poison"
        for lane in range(type_[0]):
            scalar = self.drawn_scalar(type_[1])
            whole = self.emit(f"insertelement {self.text(type_)} {whole}, i{type_[1]} {scalar}, i64 {lane}")
        return whole

    def of_type(self, type_):
        known = [v for t, v in self.values if t == type_]
        return self.random.choice(known) if known and self.random.random() < 0.8 else self.drawn(type_)

    def any_value(self):
        if self.values and self.random.random() < 0.85:
            return self.random.choice(self.values)
        type_ = self.some_type()
        return type_, self.drawn(type_)

    def mask(self, lanes):
        return self.of_type((lanes, 1))

    # ---- Operations: each gives (type, value)
    def op_binary(self):
        t, a = self.any_value()
        return t, self.emit(f"{self.random.choice(BINARY)} {self.text(t)} {a}, {self.of_type(t)}")

    def op_divide(self):
        t, a = self.any_value()
        if not 3 <= t[1] <= 128:  # LLVM's own code generator divides no wider lanes
            return t, a
        # Odd, and positive for the signed ones.
        b = self.emit(f"and {self.text(t)} {self.of_type(t)}, {self.constant(t, lambda: (1 << t[1] - 1) - 1)}")
        b = self.emit(f"or {self.text(t)} {b}, {self.constant(t, lambda: 1)}")
        return t, self.emit(f"{self.random.choice(('udiv', 'urem', 'sdiv', 'srem'))} {self.text(t)} {a}, {b}")

    def op_shift(self):
        t, a = self.any_value()
        if self.random.random() < 0.5 or t[1] < 3:
            by = self.constant(t, lambda: self.random.randrange(t[1]))
        elif t[1] > 128:
            by = self.constant(t, lambda: 64)
        else:
            by = self.emit(f"urem {self.text(t)} {self.of_type(t)}, {self.constant(t, lambda: t[1] if t[1] > 3 else 1)}")
        return t, self.emit(f"{self.random.choice(('shl', 'lshr', 'ashr'))} {self.text(t)} {a}, {by}")

    def op_compare(self):
        t, a = self.any_value()
        return (t[0], 1), self.emit(f"icmp {self.random.choice(PREDICATES)} {self.text(t)} {a}, {self.of_type(t)}")

    def op_select(self):
        t, a = self.any_value()
        b = self.of_type(t)
        if self.random.random() < 0.4:
            bit = self.drawn_scalar(1)
            return t, self.emit(f"select i1 {bit}, {self.text(t)} {a}, {self.text(t)} {b}")
        m = self.mask(t[0])
        return t, self.emit(f"select <{t[0]} x i1> {m}, {self.text(t)} {a}, {self.text(t)} {b}")

    def op_resize(self):
        t, a = self.any_value()
        bits = self.random.choice(WIDTHS)
        return (t[0], bits), self.resized(a, t[1], bits, f"<{t[0]} x i{{}}>")

    def op_shuffle(self):
        t, a = self.any_value()
        lanes = self.random.choice(LANES)
        picks = ", ".join("i32 " + str(self.random.randrange(2 * t[0])) for _ in range(lanes))
        return (lanes, t[1]), self.emit(
            f"shufflevector {self.text(t)} {a}, {self.text(t)} {self.of_type(t)}, <{lanes} x i32> <{picks}>")

    def index(self, lanes):
        if self.random.random() < 0.5:
            return self.random.randrange(lanes)
        return self.emit(f"urem i64 {self.drawn_scalar(64)}, {lanes}")

    def op_move_lane(self):
        t, a = self.any_value()
        lane = self.emit(f"extractelement {self.text(t)} {a}, i64 {self.index(t[0])}")
        return t, self.emit(f"insertelement {self.text(t)} {self.of_type(t)}, i{t[1]} {lane}, i64 {self.index(t[0])}")

    def op_pair(self):
        t, a = self.any_value()
        name = self.random.choice(PAIRS)
        text = self.text(t)
        return t, self.call(text, f"llvm.{name}.{self.mangled(t)}", [(text, a), (text, self.of_type(t))])

    def op_single(self):
        t, a = self.any_value()
        names = ["abs", "ctlz", "cttz", "ctpop", "bitreverse"] + (["bswap"] if t[1] % 16 == 0 else [])
        name = self.random.choice(names)
        if t[1] == 1:
            return t, a
        more = [("i1", "false")] if name in ("abs", "ctlz", "cttz") else []
        return t, self.call(self.text(t), f"llvm.{name}.{self.mangled(t)}", [(self.text(t), a), *more])

    def op_funnel(self):
        t, a = self.any_value()
        if t[1] > 128:  # as divisions: the amount's remainder
            return t, a
        text = self.text(t)
        return t, self.call(text, f"llvm.{self.random.choice(('fshl', 'fshr'))}.{self.mangled(t)}",
                            [(text, a), (text, self.of_type(t)), (text, self.of_type(t))])

    def op_overflow(self):
        t, a = self.any_value()
        text, name = self.text(t), self.random.choice(OVERFLOWS)
        both = f"{{ {text}, <{t[0]} x i1> }}"
        # LLVM multiplies very wide signed integers by a function that few run-time libraries have.
        if name in ("smul", "umul") and t[1] > 64:
            name = "uadd"
        pair = self.call(both, f"llvm.{name}.with.overflow.{self.mangled(t)}", [(text, a), (text, self.of_type(t))])
        self.values.append(((t[0], 1), self.emit(f"extractvalue {both} {pair}, 1")))
        return t, self.emit(f"extractvalue {both} {pair}, 0")

    def op_reduce(self):
        t, a = self.any_value()
        name = self.random.choice(REDUCTIONS)
        scalar = self.call(f"i{t[1]}", f"llvm.vector.reduce.{name}.{self.mangled(t)}", [(self.text(t), a)])
        return t, self.emit(f"insertelement {self.text(t)} {a}, i{t[1]} {scalar}, i64 {self.index(t[0])}")

    def op_memory(self):
        """Stored and loaded; and what lies there, byte by byte."""
        t, a = self.any_value()
        size = (t[0] * t[1] + 7) // 8
        place = self.emit("alloca [512 x i8], align 64")
        at = self.emit(f"getelementptr i8, ptr {place}, i64 {self.random.randrange(8)}")
        self.lines.append(f"  store {self.text(t)} {a}, ptr {at}, align 1")
        for byte in range(size):
            p = self.emit(f"getelementptr i8, ptr {at}, i64 {byte}")
            x = self.emit(f"load i8, ptr {p}")
            self.mix(self.emit(f"zext i8 {x} to i64"))
        return t, self.emit(f"load {self.text(t)}, ptr {at}, align 1")

    def op_cast(self):
        """Through an integer, or to other lanes of as many bits."""
        t, a = self.any_value()
        bits = t[0] * t[1]
        fits = [(n, bits // n) for n in LANES if bits % n == 0 and bits // n in WIDTHS]
        if fits and self.random.random() < 0.6:
            to = self.random.choice(fits)
            return to, self.emit(f"bitcast {self.text(t)} {a} to {self.text(to)}")
        if bits > MAX_CAST_BITS:
            return t, a
        whole = self.emit(f"bitcast {self.text(t)} {a} to i{bits}")
        whole = self.emit(f"xor i{bits} {whole}, {self.random.getrandbits(min(bits, 60))}")
        return t, self.emit(f"bitcast i{bits} {whole} to {self.text(t)}")

    def op_float(self):
        t, a = self.any_value()
        if t[1] > 128:
            return t, a
        n, op = t[0], self.random.choice(("si", "ui"))
        doubles = self.emit(f"{op}tofp {self.text(t)} {a} to <{n} x double>")
        self.values.append(((n, 64), self.emit(f"bitcast <{n} x double> {doubles} to <{n} x i64>")))
        small = self.emit(f"and {self.text(t)} {a}, {self.constant(t, lambda: (1 << max(0, min(t[1] - 2, 50))) - 1)}")
        doubles = self.emit(f"uitofp {self.text(t)} {small} to <{n} x double>")
        return t, self.emit(f"fpto{op} <{n} x double> {doubles} to {self.text(t)}")

    def op_call(self):
        t, a = self.any_value()
        name, text = f"@f{len(self.functions)}", self.text(t)
        self.functions.append(
            f"define internal {text} {name}({text} %a, i64 %n, {text} %b) noinline {{\n"
            f"  %c = sub {text} %a, %b\n  %d = icmp ult i64 %n, 999\n"
            f"  %e = select i1 %d, {text} %b, {text} %c\n  ret {text} %e\n}}\n")
        return t, self.emit(f"call {text} {name}({text} {a}, i64 {self.drawn_scalar(64)}, {text} {self.of_type(t)})")

    def op_loop(self):
        t, a = self.any_value()
        b, text = self.of_type(t), self.text(t)
        self.count += 1
        n = self.count
        self.lines += [
            f"  br label %before{n}", f"before{n}:", f"  br label %loop{n}", f"loop{n}:",
            f"  %i{n} = phi i32 [ 0, %before{n} ], [ %j{n}, %loop{n} ]",
            f"  %v{n} = phi {text} [ {a}, %before{n} ], [ %x{n}, %loop{n} ]",
            f"  %w{n} = phi {text} [ {b}, %before{n} ], [ %v{n}, %loop{n} ]",
            f"  %s{n} = add {text} %v{n}, %w{n}", f"  %x{n} = freeze {text} %s{n}",
            f"  %j{n} = add i32 %i{n}, 1", f"  %m{n} = icmp ult i32 %j{n}, 5",
            f"  br i1 %m{n}, label %loop{n}, label %after{n}", f"after{n}:"]
        return t, f"%x{n}"

    def op_constant(self):
        t = self.some_type()
        name = f"@g{len(self.functions)}"
        value = self.constant(t, lambda: self.random.getrandbits(t[1]) if t[1] > 1
                              else self.random.choice(("true", "false")))
        self.functions.append(f"{name} = internal global {self.text(t)} {value}\n")
        loaded = self.emit(f"load {self.text(t)}, ptr {name}")
        return t, self.emit(f"xor {self.text(t)} {loaded}, {self.of_type(t)}")

    # ---- The whole
    def mix(self, value):
        self.lines.append(f"  call void @mix(i64 {value})")

    def mix_vector(self, t, value):
        for lane in range(t[0]):
            x = self.emit(f"extractelement {self.text(t)} {value}, i64 {lane}")
            for first in range(0, t[1], 64):
                part = self.emit(f"lshr i{t[1]} {x}, {first}") if first else x
                self.mix(self.resized(part, t[1], 64, op="zext"))

    def program(self):
        operations = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("op_")]
        for _ in range(OPERATIONS):
            value = self.random.choice(operations)()
            self.values.append(value)
            self.mix_vector(*value)
        sum_ = self.emit("load i64, ptr @sum")
        self.lines += [f"  %printed = call i32 (ptr, ...) @printf(ptr @format, i64 {sum_})", "  ret i32 0"]
        return "\n".join([HEAD, *sorted(self.declarations), *self.functions,
                          "define i32 @main() {", *self.lines, "}", ""])


def check(seed, tools, tiers, keep):
    with tempfile.TemporaryDirectory(prefix="vectors-") as folder:
        level = ("-O0", "-O1", "-O2")[seed % 3]
        Path(folder, "program.ll").write_text(Program(seed).program())
        try:
            result = engines.compare(tools, tiers, "program.ll", [level], folder)
        except engines.Broken as broken:
            result = engines.Result("failed", [str(broken)])
        if keep and result.kind in ("failed", "timeout"):
            shutil.copytree(folder, Path(keep) / f"seed-{seed}", dirs_exist_ok=True)
        return result


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build", help="the build directory")
    parser.add_argument("--count", type=int, default=50, metavar="N", help="programs (default: 50)")
    parser.add_argument("--seed", type=int, default=int(time.time()), metavar="N",
                        help="the first seed (default: the time)")
    parser.add_argument("--tiers", metavar="A,B", help="only these (default: all, and auto)")
    parser.add_argument("--keep-failures", metavar="DIR", help="where their files go")
    arguments = parser.parse_args()
    tools = engines.Tools.of_build(arguments.build)
    tiers = arguments.tiers.split(",") if arguments.tiers else engines.tiers_of(tools)
    print(f"seeds {arguments.seed} to {arguments.seed + arguments.count - 1}", flush=True)
    counts = {}
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        result = check(seed, tools, tiers, arguments.keep_failures)
        counts[result.kind] = counts.get(result.kind, 0) + 1
        if result.words:
            print(f"{result.kind}: seed {seed}: {'; '.join(result.words)}", flush=True)
    print(", ".join(f"{number} {kind}" for kind, number in sorted(counts.items())))
    return 1 if counts.keys() & {"failed", "timeout"} else 0


if __name__ == "__main__":
    sys.exit(main())
