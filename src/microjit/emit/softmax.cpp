#include "microjit/emit/softmax.h"

#include <bit>

#include "microjit/emit/float_math.h"

namespace bf::microjit::emit {

namespace {

constexpr float kNothing = -1e30f;
constexpr u32 kFloat = 4, kTileBytes = 64;
constexpr u32 kTiles = 4;  // of a round, where there is little to do

class Row {
 public:
  Row(EmittedFunction& f, const SoftmaxRegisters& r) : f_(f), s_(f.simd()), a_(s_.gp()), r_(r) {}

  void emit() {
    fill_padding(std::bit_cast<u32>(kNothing));
    find_greatest();
    replace_by_exponentials();
    scale();
    fill_padding(0);
  }

 private:
  // From the row's first tile to its last, some of them at a time; `body` is told of how many vectors.
  template <class Body>
  void each_group(u32 tiles, Body body) {
    a_.mov(r_.at, r_.row);
    if (tiles > 1) go_on(tiles, body);
    go_on(1, body);
  }
  // As long as there are so many.
  template <class Body>
  void go_on(u32 tiles, Body body) {
    const asmjit::Label loop = a_.newLabel(), done = a_.newLabel();
    const u32 behind_first = (tiles - 1) * kTileBytes;
    if (behind_first != 0) a_.sub(r_.end, asmjit::Imm(behind_first));
    a_.cmp(r_.at, r_.end);
    a_.jae(done);
    a_.align(asmjit::AlignMode::kCode, 32);
    a_.bind(loop);
    body(tiles * vectors_of_tile());
    a_.add(r_.at, asmjit::Imm(tiles * kTileBytes));
    a_.cmp(r_.at, r_.end);
    a_.jb(loop);
    a_.bind(done);
    if (behind_first != 0) a_.add(r_.end, asmjit::Imm(behind_first));
  }
  template <class Body>
  void each(Body body) {
    each_group(kTiles, [&](u32 vectors) {
      for (u32 n = 0; n < vectors; ++n) body(n, vector(n));
    });
  }
  u32 vectors_of_tile() const { return kTileBytes / s_.bytes(); }
  bool is_odd(u32 n) const { return n % vectors_of_tile() != 0; }
  x86::Mem vector(u32 n) const { return x86::ptr(r_.at, static_cast<i32>(n * s_.bytes())); }

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
      const V greatest = is_odd(n) ? odd : kShift;
      s_.load(x, at);
      s_.maximum(greatest, greatest, x);
    });
    greatest_lane(f_, kShift, odd);
    s_.broadcast_lowest(kShift);
  }

  // Leaves 1 / their sum in kShift.
  void replace_by_exponentials() {
    const V even{1}, odd{2};
    const u32 together = exponentials_together(s_.set());
    s_.zero(even);
    s_.zero(odd);
    each_group(together / vectors_of_tile(), [&](u32 vectors) {
      const auto x = [](u32 n) { return V{3 + n}; };
      for (u32 n = 0; n < vectors; ++n) {
        s_.load(x(n), vector(n));
        s_.subtract(x(n), x(n), kShift);
      }
      exponentials(f_, x(0), vectors, x(vectors));
      for (u32 n = 0; n < vectors; ++n) {
        const V total = is_odd(n) ? odd : even;
        s_.add(total, total, x(n));
        s_.store(vector(n), x(n));
      }
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
