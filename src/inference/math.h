// The functions of libm that the program needs, its own so that every tier, the native build and
// every machine compute the same bits. Scalar ones work in double and are good to far below a
// float's last place; `exp_lanes` works in float and is within one unit in the last place.
#pragma once

#include "inference/vector.h"

namespace inference {

double exp(double x);

// Natural logarithm; x must be positive and finite.
double log(double x);

// base^exponent for a positive base.
double power(double base, double exponent);

// Both at once; |x| up to about 1e6.
struct SinCos {
  double sin;
  double cos;
};
SinCos sin_cos(double x);

// e^x of 16 floats. Below -87.3 the result is the smallest normal number's neighbourhood (1e-38),
// above 88 it stays at e^88: no infinities, no subnormals.
[[gnu::always_inline]] inline F32x16 exp_lanes(F32x16 x) {
  constexpr float kLowest = -87.0f, kHighest = 88.0f;
  constexpr float kLog2E = 1.44269504f;
  // ln 2 in two parts: the high one has few bits, so n * kLn2High is exact.
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
  constexpr float kRound = 12582912.0f;

  x = x < splat(kLowest) ? splat(kLowest) : x;
  x = x > splat(kHighest) ? splat(kHighest) : x;
  const F32x16 shifted = x * splat(kLog2E) + splat(kRound);
  const F32x16 n = shifted - splat(kRound);
  const F32x16 r = x - n * splat(kLn2High) - n * splat(kLn2Low);  // |r| <= ln 2 / 2
  // e^r = 1 + r + r^2 P(r); coefficients near 1/2!, 1/3!, ... (Cephes expf).
  F32x16 p = splat(1.9875691500e-4f);
  p = p * r + splat(1.3981999507e-3f);
  p = p * r + splat(8.3334519073e-3f);
  p = p * r + splat(4.1665795894e-2f);
  p = p * r + splat(1.6666665459e-1f);
  p = p * r + splat(5.0000001201e-1f);
  const F32x16 y = (p * (r * r) + r) + splat(1.0f);
  // Times 2^n, by adding n to the exponent: the low bits of `shifted` are n.
  return as_floats(as_ints(y) + (as_ints(shifted) << 23));
}

}  // namespace inference
