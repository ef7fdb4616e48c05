#include "microjit/emit/rows.h"

#include "microjit/emit/float_math.h"
#include "microjit/emit/quantize_q8.h"
#include "microjit/emit/softmax.h"

namespace bf::microjit::emit {

namespace {

constexpr u64 kPadding = 16;  // rows are a multiple of so many floats
constexpr u32 kFloat = 4;
constexpr u32 kSignBit = 0x80000000;
const x86::Gp kArguments[] = {x86::rdi, x86::rsi, x86::rdx, x86::rcx, x86::r8};
const x86::Gp kAt = x86::rax;  // bytes of all rows that are done

}  // namespace

// Rows of no length are left alone elsewhere.
void RowFunction::choose(const KernelPlan& plan, const asmjit::Label& body) {
  const x86::Gp count = kArguments[k_.count_argument];
  if (k_.exact) {
    a_.cmp(count, asmjit::Imm(plan.shape.size));
    a_.je(body);
  } else {
    a_.test(count, count);
    a_.jnz(body);
  }
}

x86::Mem RowFunction::address(u32 argument, i32 at) {
  return x86::ptr(kArguments[argument], kAt, 0, at);
}

i32 RowFunction::each_group(u64 count, u32 together, void* body,
                            void (*call)(void* body, i32 at, u32 vectors)) {
  const u64 vectors = (count + kPadding - 1) / kPadding * (kPadding / s_.lanes());
  const u64 rounds = vectors / together;
  const u32 rest = static_cast<u32>(vectors % together);
  a_.xor_(kAt.r32(), kAt.r32());
  if (rounds != 0) {
    const asmjit::Label loop = a_.newLabel();
    const u64 round_bytes = together * s_.bytes();
    a_.align(asmjit::AlignMode::kCode, 32);
    a_.bind(loop);
    call(body, 0, together);
    a_.add(kAt, asmjit::Imm(round_bytes));
    a_.cmp(kAt, asmjit::Imm(rounds * round_bytes));
    a_.jb(loop);
  }
  if (rest != 0) call(body, 0, rest);
  return static_cast<i32>(rest * s_.bytes());
}

namespace {

using F = RowFunction;

void rmsnorm(F& f, u64 count) {
  enum : u32 { kOut, kX, kWeight };
  Simd& s = f.simd();
  x86::Assembler& a = s.gp();
  const V x{1}, even{2}, odd{3}, scale = even;  // the epsilon is in xmm0
  s.zero(even);
  s.zero(odd);
  f.each(count, [&](i32 at) {
    const V squares = static_cast<u32>(at) % (kPadding * kFloat) == 0 ? even : odd;
    s.load(x, F::address(kX, at));
    s.multiply(x, x, x);
    s.add(squares, squares, x);
  });
  sum_of_lanes(f, even, odd);
  const x86::Xmm sum = x86::xmm(even.n), one = x86::xmm(x.n);
  a.vdivss(sum, sum, f.number(static_cast<float>(count)));
  a.vaddss(sum, sum, x86::xmm0);
  a.vsqrtss(sum, sum, sum);
  s.load(x, f.number(1.0f));
  a.vdivss(sum, one, sum);
  s.broadcast_lowest(scale);
  f.each(count, [&](i32 at) {
    s.multiply(x, scale, F::address(kX, at));
    s.multiply(x, x, F::address(kWeight, at));
    s.store(F::address(kOut, at), x);
  });
}

void rotate(F& f, V x, i32 at) {
  enum : u32 { kCosines = 2, kSines = 3 };
  Simd& s = f.simd();
  const V swapped{1};
  s.shuffle_lanes(swapped, x, 0xb1);
  s.multiply(x, x, F::address(kCosines, at));
  s.multiply(swapped, swapped, F::address(kSines, at));
  s.add(x, x, swapped);
}

// Neither x nor `out` are padded: of their last vectors some lanes only are there.
void rope(F& f, u64 count) {
  enum : u32 { kOut, kX };
  Simd& s = f.simd();
  const V x{0}, there{2};
  i32 at = f.each(count / kPadding * kPadding, [&](i32 whole) {
    s.load(x, F::address(kX, whole));
    rotate(f, x, whole);
    s.store(F::address(kOut, whole), x);
  });
  for (u64 done = count / kPadding * kPadding; done < count; done += s.lanes()) {
    u32 mask[16] = {};
    for (u64 n = 0; n < s.lanes() && done + n < count; ++n) mask[n] = ~u32{0};
    s.load(there, f.lanes(mask));
    s.load_some(x, F::address(kX, at), there);
    rotate(f, x, at);
    s.store_some(F::address(kOut, at), x, there);
    at += static_cast<i32>(s.bytes());
  }
}

// gate = gate / (1 + e^-y) * up, where y(e, gate) is in `e`.
template <class Argument>
void gated(F& f, u64 count, Argument y) {
  enum : u32 { kGate, kUp };
  Simd& s = f.simd();
  const u32 together = exponentials_together(s.set());
  const V gate{0}, first{1}, scratch{1 + together};
  f.each_group(count, together, [&](i32 at, u32 vectors) {
    const auto place = [&](u32 argument, u32 n) {
      return F::address(argument, at + static_cast<i32>(n * s.bytes()));
    };
    for (u32 n = 0; n < vectors; ++n) {
      const V e{first.n + n};
      s.load(gate, place(kGate, n));
      y(e, gate);
      s.bit_xor(e, e, f.splat(kSignBit));
    }
    exponentials(f, first, vectors, scratch);
    for (u32 n = 0; n < vectors; ++n) {
      const V e{first.n + n};
      s.add(e, e, f.number(1.0f));
      s.load(gate, place(kGate, n));
      s.divide(gate, gate, e);
      s.multiply(gate, gate, place(kUp, n));
      s.store(place(kGate, n), gate);
    }
  });
}

void swiglu(F& f, u64 count) {
  gated(f, count, [&](V e, V gate) { f.simd().move(e, gate); });
}

void geglu(F& f, u64 count) {
  Simd& s = f.simd();
  gated(f, count, [&](V e, V gate) {
    s.multiply(e, gate, f.number(0.044715f));
    s.multiply(e, e, gate);
    s.multiply(e, e, gate);
    s.add(e, gate, e);
    s.multiply(e, e, f.number(1.59576912160573f));  // 2 sqrt(2 / pi)
  });
}

void add(F& f, u64 count) {
  enum : u32 { kX, kY };
  Simd& s = f.simd();
  f.each(count, [&](i32 at) {
    const V x{0};
    s.load(x, F::address(kX, at));
    s.add(x, x, F::address(kY, at));
    s.store(F::address(kX, at), x);
  });
}

void softmax(F& f, u64) {
  const x86::Gp count = kArguments[1], row_bytes = x86::rdx;
  x86::Assembler& a = f.simd().gp();
  a.lea(row_bytes, x86::ptr(count, kPadding - 1));
  a.and_(row_bytes, -static_cast<i32>(kPadding));
  a.shl(row_bytes, 2);
  softmax_row(f, {kArguments[0], count, row_bytes, x86::rax, x86::rcx});
}

void quantize_q8(F& f, u64 count) {
  quantize_row(f, {kArguments[0], kArguments[1], x86::rax, x86::rdx}, count);
}

constexpr u64 floats(u64 count) {
  return count * kFloat;
}
constexpr u64 padded(u64 count) {
  return floats((count + kPadding - 1) / kPadding * kPadding);
}

constexpr RowKernel kKernels[] = {
    // count step exact  in place
    {"rmsnorm", 3, 1, true, false, padded, rmsnorm},
    {"rope", 4, 1, true, false, floats, rope},
    {"swiglu", 2, 1, true, true, padded, swiglu},
    {"geglu", 2, 1, true, true, padded, geglu},
    {"add", 2, 1, true, true, padded, add},
    {"softmax", 1, 1, false, true, padded, softmax},
    {"quantize_q8", 2, 32, true, false, q8_row_bytes, quantize_q8},
};

}  // namespace

std::span<const RowKernel> row_kernels() {
  return kKernels;
}

}  // namespace bf::microjit::emit
