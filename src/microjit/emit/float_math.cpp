#include "microjit/emit/float_math.h"

namespace bf::microjit::emit {

namespace {

class Exponentials {
 public:
  Exponentials(EmittedFunction& f, V first, u32 count, V scratch)
      : f_(f), s_(f.simd()), first_(first), count_(count), scratch_(scratch) {}

  void emit() {
    clamp();
    reduce();
    polynomial();
    each([&](u32 n) { s_.shift_left32(shifted(n), shifted(n), 23); });
    each([&](u32 n) { s_.add32(x(n), p(n), shifted(n)); });
  }

 private:
  V x(u32 n) const { return {first_.n + n}; }
  V shifted(u32 n) const { return {scratch_.n + 1 + n}; }
  V p(u32 n) const { return {scratch_.n + 1 + count_ + n}; }  // at first x in units of ln 2, rounded

  template <class Step>
  void each(Step step) {
    for (u32 n = 0; n < count_; ++n) step(n);
  }

  void clamp() {
    s_.load(scratch_, f_.number(-87.0f));
    each([&](u32 n) { s_.maximum(x(n), scratch_, x(n)); });
    s_.load(scratch_, f_.number(88.0f));
    each([&](u32 n) { s_.minimum(x(n), scratch_, x(n)); });
  }

  // x becomes what is left of it without those units.
  void reduce() {
    const x86::Mem magic = f_.number(12582912.0f);
    each([&](u32 n) { s_.multiply(shifted(n), x(n), f_.number(1.44269504f)); });
    each([&](u32 n) { s_.add(shifted(n), shifted(n), magic); });
    each([&](u32 n) { s_.subtract(p(n), shifted(n), magic); });
    each([&](u32 n) {
      s_.multiply(scratch_, p(n), f_.number(0.693359375f));
      s_.subtract(x(n), x(n), scratch_);
    });
    each([&](u32 n) { s_.multiply(p(n), p(n), f_.number(-2.12194440e-4f)); });
    each([&](u32 n) { s_.subtract(x(n), x(n), p(n)); });
  }

  void polynomial() {
    each([&](u32 n) { s_.multiply(p(n), x(n), f_.number(1.9875691500e-4f)); });
    constexpr float kFactors[] = {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f,
                                  1.6666665459e-1f};
    for (const float c : kFactors) {
      each([&](u32 n) { s_.add(p(n), p(n), f_.number(c)); });
      each([&](u32 n) { s_.multiply(p(n), p(n), x(n)); });
    }
    each([&](u32 n) { s_.add(p(n), p(n), f_.number(5.0000001201e-1f)); });
    each([&](u32 n) {
      s_.multiply(scratch_, x(n), x(n));
      s_.multiply(p(n), p(n), scratch_);
    });
    each([&](u32 n) { s_.add(p(n), p(n), x(n)); });
    each([&](u32 n) { s_.add(p(n), p(n), f_.number(1.0f)); });
  }

  EmittedFunction& f_;
  Simd& s_;
  const V first_;
  const u32 count_;
  const V scratch_;
};

}  // namespace

void exponentials(EmittedFunction& f, V first, u32 count, V scratch) {
  Exponentials(f, first, count, scratch).emit();
}

namespace {

void join_lanes(EmittedFunction& f, asmjit::InstId id, V even, V odd) {
  x86::Assembler& a = f.simd().gp();
  const x86::Ymm all = x86::ymm(even.n), other = x86::ymm(odd.n);
  if (is_512(f.simd().set())) a.vextractf64x4(other, x86::zmm(even.n), 1);
  a.emit(id, all, all, other);
  a.vextractf128(other.xmm(), all, 1);
  a.emit(id, all.xmm(), all.xmm(), other.xmm());
  for (const u32 order : {0x4e, 0xb1}) {  // 2 apart, 1 apart
    a.vpshufd(other.xmm(), all.xmm(), order);
    a.emit(id, all.xmm(), all.xmm(), other.xmm());
  }
}

}  // namespace

void sum_of_lanes(EmittedFunction& f, V even, V odd) {
  join_lanes(f, x86::Inst::kIdVaddps, even, odd);
}
void greatest_lane(EmittedFunction& f, V even, V odd) {
  join_lanes(f, x86::Inst::kIdVmaxps, even, odd);
}

}  // namespace bf::microjit::emit
