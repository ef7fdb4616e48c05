#include "microjit/emit/softmax.h"

#include <bit>

#include "microjit/emit/float_math.h"

namespace bf::microjit::emit {

namespace {

constexpr float kNothing = -1e30f;
constexpr i32 kFloat = 4, kTileBytes = 64;

class Row {
 public:
  Row(EmittedFunction& f, const SoftmaxRegisters& r) : f_(f), s_(f.simd()), a_(s_.gp()), r_(r) {}

  void emit() {
    fill_padding(std::bit_cast<u32>(kNothing));
    find_greatest();
    exponentials();
    scale();
    fill_padding(0);
  }

 private:
  // Vectors at `at`, from the row's first to its last; `body` is told which of a tile it has.
  template <class Body>
  void each(Body body) {
    const asmjit::Label loop = a_.newLabel();
    a_.mov(r_.at, r_.row);
    a_.bind(loop);
    for (u32 n = 0; n * s_.bytes() < kTileBytes; ++n)
      body(n, x86::ptr(r_.at, static_cast<i32>(n * s_.bytes())));
    a_.add(r_.at, kTileBytes);
    a_.cmp(r_.at, r_.end);
    a_.jb(loop);
  }

  // `end` is known then.
  void fill_padding(u32 word) {
    const asmjit::Label loop = a_.newLabel(), done = a_.newLabel();
    a_.lea(r_.at, x86::ptr(r_.row, r_.count, 2));
    a_.lea(r_.end, x86::ptr(r_.row, r_.row_bytes));
    a_.bind(loop);
    a_.cmp(r_.at, r_.end);
    a_.jae(done);
    a_.mov(x86::dword_ptr(r_.at), asmjit::Imm(word));
    a_.add(r_.at, kFloat);
    a_.jmp(loop);
    a_.bind(done);
  }

  void find_greatest() {
    const V odd{1}, x{2};
    s_.load(kShift, f_.number(kNothing));
    s_.load(odd, f_.number(kNothing));
    each([&](u32 n, const x86::Mem& at) {
      const V greatest = n == 0 ? kShift : odd;
      s_.load(x, at);
      s_.maximum(greatest, greatest, x);
    });
    greatest_lane(f_, kShift, odd);
    s_.broadcast_lowest(kShift);
  }

  // Leaves 1 / their sum in kShift.
  void exponentials() {
    const V even{1}, odd{2}, x{3}, scratch{4};
    s_.zero(even);
    s_.zero(odd);
    each([&](u32 n, const x86::Mem& at) {
      s_.load(x, at);
      s_.subtract(x, x, kShift);
      exponential(f_, x, scratch);
      const V total = n == 0 ? even : odd;
      s_.add(total, total, x);
      s_.store(at, x);
    });
    sum_of_lanes(f_, even, odd);
    s_.load(kShift, f_.number(1.0f));
    a_.vdivss(x86::xmm(kShift.n), x86::xmm(kShift.n), x86::xmm(even.n));
    s_.broadcast_lowest(kShift);
  }

  void scale() {
    const V x{1};
    each([&](u32, const x86::Mem& at) {
      s_.multiply(x, kShift, at);
      s_.store(at, x);
    });
  }

  static constexpr V kShift{0};
  EmittedFunction& f_;
  Simd& s_;
  x86::Assembler& a_;
  const SoftmaxRegisters& r_;
};

}  // namespace

void softmax_row(EmittedFunction& f, const SoftmaxRegisters& r) {
  Row(f, r).emit();
}

void softmax_rows(EmittedFunction& f, const SoftmaxRegisters& r, u32 rows, const x86::Gp& left) {
  x86::Assembler& a = f.simd().gp();
  const asmjit::Label row = a.newLabel();
  a.mov(left.r32(), asmjit::Imm(rows));
  a.bind(row);
  softmax_row(f, r);
  a.add(r.row, r.row_bytes);
  a.dec(left.r32());
  a.jnz(row);
}

}  // namespace bf::microjit::emit
