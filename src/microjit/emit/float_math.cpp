#include "microjit/emit/float_math.h"

namespace bf::microjit::emit {

void exponential(EmittedFunction& f, V x, V scratch) {
  Simd& s = f.simd();
  const V shifted = scratch, n{scratch.n + 1}, r{scratch.n + 2}, p{scratch.n + 3};
  s.load(p, f.number(-87.0f));
  s.maximum(x, p, x);
  s.load(p, f.number(88.0f));
  s.minimum(x, p, x);
  s.multiply(shifted, x, f.number(1.44269504f));
  s.add(shifted, shifted, f.number(12582912.0f));
  s.subtract(n, shifted, f.number(12582912.0f));
  s.multiply(r, n, f.number(0.693359375f));
  s.subtract(r, x, r);
  s.multiply(n, n, f.number(-2.12194440e-4f));
  s.subtract(r, r, n);
  s.load(p, f.number(1.9875691500e-4f));
  for (const float c :
       {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f}) {
    s.multiply(p, p, r);
    s.add(p, p, f.number(c));
  }
  s.multiply(n, r, r);
  s.multiply(p, p, n);
  s.add(p, p, r);
  s.add(p, p, f.number(1.0f));
  s.shift_left32(shifted, shifted, 23);
  s.add32(x, p, shifted);
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
