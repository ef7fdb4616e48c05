// x86's long double for lowered programs, which keep it as two numbers: the fraction, then sign and
// exponent. Results in x87's registers, too, go out so.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <cwchar>

#include "runtime/base.h"

namespace {

using namespace bf;

struct Bits {
  u64 fraction, exponent;
};

Bits split(long double x) {
  Bits bits{0, 0};
  std::memcpy(&bits, &x, 10);
  return bits;
}
long double join(u64 fraction, u64 exponent) {
  const Bits bits{fraction, exponent};
  long double x = 0;
  std::memcpy(&x, &bits, 10);
  return x;
}

// LLVM's classes (llvm/ADT/FloatingPointMode.h).
enum : u32 {
  kSignalling = 1,
  kQuiet = 2,
  kNegativeInfinity = 4,
  kNegativeNormal = 8,
  kNegativeSubnormal = 16,
  kNegativeZero = 32,
  kPositiveZero = 64,
  kPositiveSubnormal = 128,
  kPositiveNormal = 256,
  kPositiveInfinity = 512,
};

}  // namespace

extern "C" {

#define BF_OPERATION(name, expression)                          \
  Bits bf_f80_##name(u64 a0, u64 a1, u64 b0, u64 b1) {          \
    const long double a = join(a0, a1), b = join(b0, b1);       \
    return split(expression);                                   \
  }
BF_OPERATION(fadd, a + b)
BF_OPERATION(fsub, a - b)
BF_OPERATION(fmul, a * b)
BF_OPERATION(fdiv, a / b)
BF_OPERATION(frem, std::fmod(a, b))
BF_OPERATION(fminnum, std::fmin(a, b))
BF_OPERATION(fmaxnum, std::fmax(a, b))
#undef BF_OPERATION

#define BF_ROUNDING(name, function) \
  Bits bf_f80_##name(u64 a0, u64 a1) { return split(function(join(a0, a1))); }
BF_ROUNDING(sqrt, std::sqrt)
BF_ROUNDING(floor, std::floor)
BF_ROUNDING(ceil, std::ceil)
BF_ROUNDING(trunc_f, std::trunc)
BF_ROUNDING(rint, std::rint)
BF_ROUNDING(round, std::round)
#undef BF_ROUNDING

Bits bf_f80_fma(u64 a0, u64 a1, u64 b0, u64 b1, u64 c0, u64 c1) {
  return split(std::fma(join(a0, a1), join(b0, b1), join(c0, c1)));
}
Bits bf_f80_from_f64(double x) { return split(x); }
Bits bf_f80_from_i64(i64 x) { return split(static_cast<long double>(x)); }
Bits bf_f80_from_u64(u64 x) { return split(static_cast<long double>(x)); }
float bf_f80_to_f32(u64 a0, u64 a1) { return static_cast<float>(join(a0, a1)); }
double bf_f80_to_f64(u64 a0, u64 a1) { return static_cast<double>(join(a0, a1)); }
i64 bf_f80_to_i64(u64 a0, u64 a1) { return static_cast<i64>(join(a0, a1)); }
u64 bf_f80_to_u64(u64 a0, u64 a1) { return static_cast<u64>(join(a0, a1)); }

// The bit of LLVM's predicates that is true.
u32 bf_f80_compare(u64 a0, u64 a1, u64 b0, u64 b1) {
  const long double a = join(a0, a1), b = join(b0, b1);
  return a == b ? 1 : a > b ? 2 : a < b ? 4 : 8;
}
u32 bf_f80_class(u64 fraction, u64 a1) {
  const long double x = join(fraction, a1);
  const bool negative = a1 & 0x8000;
  switch (std::fpclassify(x)) {
    case FP_NAN:
      return fraction >> 62 & 1 ? kQuiet : kSignalling;
    case FP_INFINITE:
      return negative ? kNegativeInfinity : kPositiveInfinity;
    case FP_ZERO:
      return negative ? kNegativeZero : kPositiveZero;
    case FP_SUBNORMAL:
      return negative ? kNegativeSubnormal : kPositiveSubnormal;
    default:
      return negative ? kNegativeNormal : kPositiveNormal;
  }
}

#define BF_UNARY(name) \
  Bits bf_f80_##name(long double x) { return split(::name(x)); }
#define BF_BINARY(name) \
  Bits bf_f80_##name(long double x, long double y) { return split(::name(x, y)); }
BF_UNARY(sqrtl)
BF_UNARY(fabsl)
BF_UNARY(floorl)
BF_UNARY(ceill)
BF_UNARY(truncl)
BF_UNARY(roundl)
BF_UNARY(rintl)
BF_UNARY(nearbyintl)
BF_UNARY(expl)
BF_UNARY(exp2l)
BF_UNARY(expm1l)
BF_UNARY(logl)
BF_UNARY(log2l)
BF_UNARY(log10l)
BF_UNARY(log1pl)
BF_UNARY(sinl)
BF_UNARY(cosl)
BF_UNARY(tanl)
BF_UNARY(asinl)
BF_UNARY(acosl)
BF_UNARY(atanl)
BF_UNARY(sinhl)
BF_UNARY(coshl)
BF_UNARY(tanhl)
BF_UNARY(cbrtl)
BF_UNARY(logbl)
BF_UNARY(tgammal)
BF_UNARY(lgammal)
BF_UNARY(erfl)
BF_BINARY(powl)
BF_BINARY(fmodl)
BF_BINARY(remainderl)
BF_BINARY(atan2l)
BF_BINARY(hypotl)
BF_BINARY(copysignl)
BF_BINARY(fminl)
BF_BINARY(fmaxl)
BF_BINARY(fdiml)
BF_BINARY(nextafterl)
#undef BF_UNARY
#undef BF_BINARY
Bits bf_f80_strtold(const char* text, char** end) { return split(std::strtold(text, end)); }
Bits bf_f80_wcstold(const wchar_t* text, wchar_t** end) { return split(std::wcstold(text, end)); }
Bits bf_f80_ldexpl(long double x, int n) { return split(::ldexpl(x, n)); }
Bits bf_f80_frexpl(long double x, int* n) { return split(::frexpl(x, n)); }
Bits bf_f80_modfl(long double x, long double* whole) { return split(::modfl(x, whole)); }
Bits bf_f80_scalbnl(long double x, int n) { return split(::scalbnl(x, n)); }
Bits bf_f80_scalblnl(long double x, long n) { return split(::scalblnl(x, n)); }
Bits bf_f80_fmal(long double x, long double y, long double z) { return split(::fmal(x, y, z)); }
Bits bf_f80_nanl(const char* tag) { return split(::nanl(tag)); }
Bits bf_f80_remquol(long double x, long double y, int* q) { return split(::remquol(x, y, q)); }
Bits bf_f80_nexttowardl(long double x, long double y) { return split(::nexttowardl(x, y)); }

}  // extern "C"
