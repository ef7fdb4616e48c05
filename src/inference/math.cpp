#include "inference/math.h"

namespace inference {

namespace {

constexpr double kLn2High = 6.93147180369123816490e-01;  // 32 bits, so n * kLn2High is exact
constexpr double kLn2Low = 1.90821492927058770002e-10;
constexpr double kLog2E = 1.44269504088896340736;
constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52
constexpr double kTwoOverPi = 0.63661977236758134308;
// Pi / 2 in three parts of 33 bits (fdlibm).
constexpr double kHalfPi1 = 1.57079632673412561417e+00;
constexpr double kHalfPi2 = 6.07710050630396597660e-11;
constexpr double kHalfPi3 = 2.02226624879595063154e-21;

double from_bits(u64 bits) {
  return __builtin_bit_cast(double, bits);
}

double round_to_integer(double x) {
  return (x + kRound) - kRound;
}

// Taylor polynomials on |x| <= pi / 4; the next term is below 1e-16 of the result.
double sin_near_zero(double x) {
  const double z = x * x;
  double p = -7.6471637318198164759e-13;  // -1/15!
  p = p * z + 1.6059043836821614599e-10;
  p = p * z - 2.5052108385441718775e-08;
  p = p * z + 2.7557319223985890653e-06;
  p = p * z - 1.9841269841269841270e-04;
  p = p * z + 8.3333333333333333333e-03;
  p = p * z - 1.6666666666666666667e-01;
  return x + x * z * p;
}

double cos_near_zero(double x) {
  const double z = x * x;
  double p = 4.7794773323873852974e-14;  // 1/16!
  p = p * z - 1.1470745597729724714e-11;
  p = p * z + 2.0876756987868098979e-09;
  p = p * z - 2.7557319223985890653e-07;
  p = p * z + 2.4801587301587301587e-05;
  p = p * z - 1.3888888888888888889e-03;
  p = p * z + 4.1666666666666666667e-02;
  p = p * z - 0.5;
  return 1.0 + z * p;
}

}  // namespace

double exp(double x) {
  if (x < -708.0) return 0.0;
  if (x > 709.0) return __builtin_inf();
  if (x != x) return x;
  const double n = round_to_integer(x * kLog2E);
  const double r = (x - n * kLn2High) - n * kLn2Low;  // |r| <= ln 2 / 2
  double p = 1.0;
  // Horner's scheme over the Taylor series: r^13 / 13! is below 1e-16.
  for (int k = 13; k >= 1; --k) p = 1.0 + p * r / static_cast<double>(k);
  return p * from_bits(static_cast<u64>(static_cast<i64>(n) + 1023) << 52);
}

double log(double x) {
  constexpr u64 kFractionMask = (u64{1} << 52) - 1;
  constexpr u64 kOne = u64{1023} << 52;
  i64 exponent = 0;
  if (x < 2.2250738585072014e-308) {  // subnormal
    x *= 18014398509481984.0;         // 2^54
    exponent = -54;
  }
  const u64 bits = __builtin_bit_cast(u64, x);
  exponent += static_cast<i64>(bits >> 52) - 1023;
  double m = from_bits((bits & kFractionMask) | kOne);  // 1 <= m < 2
  if (m > 1.41421356237309504880) {
    m *= 0.5;
    ++exponent;
  }
  // ln m = 2 atanh(s) with s = (m - 1) / (m + 1), |s| < 0.172: s^23 / 23 is below 1e-18.
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  double p = 0.0;
  for (int k = 21; k >= 3; k -= 2) p = (p + 1.0 / static_cast<double>(k)) * z;
  const double e = static_cast<double>(exponent);
  return e * kLn2High + (2.0 * (s + s * p) + e * kLn2Low);
}

double power(double base, double exponent) {
  return exp(exponent * log(base));
}

SinCos sin_cos(double x) {
  const double n = round_to_integer(x * kTwoOverPi);
  const double r = ((x - n * kHalfPi1) - n * kHalfPi2) - n * kHalfPi3;
  const double s = sin_near_zero(r);
  const double c = cos_near_zero(r);
  switch (static_cast<i64>(n) & 3) {
    case 0:
      return {s, c};
    case 1:
      return {c, -s};
    case 2:
      return {-s, -c};
    default:
      return {-c, s};
  }
}

}  // namespace inference
