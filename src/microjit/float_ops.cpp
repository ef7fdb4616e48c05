// The float operations of semantics.h that need more than a line: exact on any x86-64, since neither
// FMA nor F16C is certain to be there and no math library is used.
#include "microjit/semantics.h"

namespace bf::microjit::sem {

namespace {

constexpr u64 kMantissa = (u64{1} << 52) - 1;
constexpr i32 kBias = 1023;

struct Parts {
  bool negative;
  i32 exponent;  // of the mantissa's lowest bit
  u64 mantissa;  // 53 bits, normalised
};

// Of a finite number that is not zero.
Parts split(double a) {
  const u64 bits = std::bit_cast<u64>(a);
  u64 mantissa = bits & kMantissa;
  i32 exponent = static_cast<i32>(bits >> 52 & 0x7ff);
  if (exponent == 0) {
    const i32 shift = __builtin_clzll(mantissa) - 11;
    mantissa <<= shift;
    exponent = 1 - shift;
  } else {
    mantissa |= kMantissa + 1;
  }
  return {bits >> 63 != 0, exponent - kBias - 52, mantissa};
}

bool is_finite_nonzero(double a) {
  const u64 e = std::bit_cast<u64>(a) >> 52 & 0x7ff;
  return e != 0x7ff && a != 0;
}

// mantissa * 2^exponent to the nearest double; the lowest bit may be sticky (stand for all below).
double round_to_double(bool negative, unsigned __int128 mantissa, i32 exponent) {
  const u64 high = static_cast<u64>(mantissa >> 64);
  const i32 top = high ? 127 - __builtin_clzll(high)
                       : 63 - __builtin_clzll(static_cast<u64>(mantissa));
  // How many low bits go: down to 53, or further for subnormal results.
  i32 drop = top - 52;
  if (exponent + drop < -1074) drop = -1074 - exponent;
  u64 kept;
  if (drop <= 0) {
    kept = static_cast<u64>(mantissa << -drop);
  } else if (drop > 127) {
    kept = 0;
  } else {
    kept = static_cast<u64>(mantissa >> drop);
    const unsigned __int128 half = static_cast<unsigned __int128>(1) << (drop - 1);
    const unsigned __int128 rest = mantissa & ((half << 1) - 1);
    if (rest > half || (rest == half && (kept & 1))) ++kept;
  }
  if (kept > (kMantissa << 1 | 1)) {
    kept >>= 1;
    ++drop;
  }
  u64 bits = kept;
  if (kept > kMantissa) {
    const i32 biased = exponent + drop + 52 + kBias;
    bits = biased >= 0x7ff ? u64{0x7ff} << 52 : static_cast<u64>(biased) << 52 | (kept & kMantissa);
  }
  return std::bit_cast<double>(bits | static_cast<u64>(negative) << 63);
}

// To a format with so many exponent and mantissa bits, from the exact double value.
u16 to_small(double a, i32 exponent_bits, i32 mantissa_bits) {
  const u64 bits = std::bit_cast<u64>(a);
  const u16 sign = static_cast<u16>(bits >> 63 << 15);
  const u16 infinity = static_cast<u16>(((1 << exponent_bits) - 1) << mantissa_bits);
  if (a != a) return static_cast<u16>(sign | infinity | 1 << (mantissa_bits - 1));
  if (a == 0) return sign;
  if ((bits >> 52 & 0x7ff) == 0x7ff) return sign | infinity;
  const Parts p = split(a);
  const i32 bias = (1 << (exponent_bits - 1)) - 1;
  i32 drop = 52 - mantissa_bits;
  const i32 lowest = 1 - bias - mantissa_bits;  // exponent of the smallest subnormal
  if (p.exponent + drop < lowest) drop = lowest - p.exponent;
  if (drop > 60) return sign;
  u64 kept = p.mantissa >> drop;
  const u64 half = u64{1} << (drop - 1), rest = p.mantissa & (2 * half - 1);
  if (rest > half || (rest == half && (kept & 1))) ++kept;
  // A normal mantissa's leading bit adds 1 to the exponent field, and a carry does the same.
  const i32 field = p.exponent + drop - lowest;
  const u64 value = (static_cast<u64>(field) << mantissa_bits) + kept;
  return static_cast<u16>(sign | (value >= infinity ? infinity : value));
}

}  // namespace

float fma_soft(float a, float b, float c) {
  const double product = static_cast<double>(a) * b;  // exact: 48 bits
  double sum = product + c;
  u64 bits = std::bit_cast<u64>(sum);
  if ((bits >> 52 & 0x7ff) == 0x7ff || sum == 0) return static_cast<float>(sum);
  // Round to odd, so that the second rounding sees whether the first one lost anything.
  const double back = sum - product;
  const double lost = (product - (sum - back)) + (c - back);
  if (lost != 0 && !(bits & 1)) bits += (lost > 0) == (sum > 0) ? 1 : -1;
  return static_cast<float>(std::bit_cast<double>(bits));
}

double fma_soft(double a, double b, double c) {
  if (!is_finite_nonzero(a) || !is_finite_nonzero(b) || !is_finite_nonzero(c)) {
    // With finite factors, a c that is infinite or NaN must not meet a product that overflowed, and
    // a zero c must not change the sign of one that underflowed. Else only one operation rounds.
    const bool factors_finite = a - a == 0 && b - b == 0;
    if (factors_finite && c - c != 0) return c + c;
    if (factors_finite && a != 0 && b != 0) return a * b;
    return a * b + c;
  }
  using Wide = unsigned __int128;
  const Parts pa = split(a), pb = split(b), pc = split(c);
  bool negative = pa.negative != pb.negative;
  Wide big = static_cast<Wide>(pa.mantissa) * pb.mantissa << 20;  // top bit 124 or 125
  i32 exponent = pa.exponent + pb.exponent - 20;
  Wide small = static_cast<Wide>(pc.mantissa) << 72;  // top bit 124
  i32 small_exponent = pc.exponent - 72;
  bool small_negative = pc.negative;
  if (small_exponent > exponent) {
    std::swap(big, small);
    std::swap(exponent, small_exponent);
    std::swap(negative, small_negative);
  }
  const i32 shift = exponent - small_exponent;
  if (shift > 126) small = 1;
  else if (shift > 0) small = small >> shift | ((small & ((Wide{1} << shift) - 1)) != 0 ? 1 : 0);
  if (negative == small_negative) {
    big += small;
  } else if (big >= small) {
    big -= small;
  } else {
    big = small - big;
    negative = small_negative;
  }
  if (big == 0) return 0.0;
  return round_to_double(negative, big, exponent);
}

double frem(double a, double b) {
  if (b != b || a != a || b == 0 || (std::bit_cast<u64>(a) >> 52 & 0x7ff) == 0x7ff)
    return (a * b) / (a * b);
  if (a == 0 || (std::bit_cast<u64>(b) >> 52 & 0x7ff) == 0x7ff) return a;
  const Parts pa = split(a), pb = split(b);
  if (pa.exponent < pb.exponent) return a;
  u64 rest = pa.mantissa % pb.mantissa;
  // Long division, up to 11 bits a step.
  for (i32 left = pa.exponent - pb.exponent; left > 0;) {
    const i32 step = left < 11 ? left : 11;
    rest = (rest << step) % pb.mantissa;
    left -= step;
  }
  if (rest == 0) return copysign::apply(0.0, a);
  return round_to_double(pa.negative, rest, pb.exponent);
}

// Exact in double: the result of fmod is always representable in the operands' format.
float frem(float a, float b) {
  return static_cast<float>(frem(static_cast<double>(a), static_cast<double>(b)));
}

u16 to_f16(double a) { return to_small(a, 5, 10); }
u16 to_bf16(double a) { return to_small(a, 8, 7); }

float from_f16(u16 bits) {
  const u32 sign = static_cast<u32>(bits & 0x8000) << 16;
  const u32 magnitude = bits & 0x7fff;
  if (magnitude >= 0x7c00)  // infinity, NaN (made quiet)
    return std::bit_cast<float>(sign | 0x7f800000 | (magnitude & 0x3ff) << 13 |
                                (magnitude > 0x7c00 ? 0x400000u : 0u));
  // Moved into place, a half is 2^112 too small, subnormals included.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<u32>(scaled) | sign);
}

// The processor's own trap: a program of ours ends as a native one does, by the same signal.
void trap_division() {
  u32 quotient = 1, rest = 0;
  asm volatile("divl %2" : "+a"(quotient), "+d"(rest) : "r"(0u) : "cc");
  BF_UNREACHABLE("a division by zero did not trap");
}

}  // namespace bf::microjit::sem
