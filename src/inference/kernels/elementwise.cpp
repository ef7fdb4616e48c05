// The kernels between the matrix products: norm, rotation, activation, residual.
#include "inference/kernels/kernels.h"
#include "inference/math.h"

namespace inference {

void rmsnorm(float* out, const float* x, const float* weight, u64 count, float epsilon) {
  F32x16 squares = {};
  for (u64 i = 0; i < count; i += kLanes) {
    const auto values = load<F32x16>(x + i);
    squares += values * values;
  }
  const float mean = sum(squares) / static_cast<float>(count);
  const F32x16 scale = splat(1.0f / __builtin_sqrtf(mean + epsilon));
  for (u64 i = 0; i < count; i += kLanes)
    store(out + i, load<F32x16>(x + i) * scale * load<F32x16>(weight + i));
}

namespace {

[[gnu::always_inline]] inline F32x16 rotate_pairs(F32x16 x, const float* cosines,
                                                  const float* sines) {
  const F32x16 swapped =
      __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
  return x * load<F32x16>(cosines) + swapped * load<F32x16>(sines);
}

}  // namespace

void rope(float* out, const float* x, const float* cosines, const float* sines, u64 count) {
  u64 i = 0;
  for (; i + kLanes <= count; i += kLanes)
    store(out + i, rotate_pairs(load<F32x16>(x + i), cosines + i, sines + i));
  if (i == count) return;
  float padded[kLanes] = {};
  for (u64 k = 0; i + k < count; ++k) padded[k] = x[i + k];
  store(padded, rotate_pairs(load<F32x16>(padded), cosines + i, sines + i));
  for (u64 k = 0; i + k < count; ++k) out[i + k] = padded[k];
}

void swiglu(float* gate, const float* up, u64 count) {
  for (u64 i = 0; i < count; i += kLanes) {
    const auto g = load<F32x16>(gate + i);
    const F32x16 sigmoid_inverse = splat(1.0f) + exp_lanes(-g);
    store(gate + i, g / sigmoid_inverse * load<F32x16>(up + i));
  }
}

void geglu(float* gate, const float* up, u64 count) {
  constexpr float kSqrt8OverPi = 1.59576912160573f;
  for (u64 i = 0; i < count; i += kLanes) {
    const auto g = load<F32x16>(gate + i);
    // (1 + tanh(y)) / 2 is the logistic function of 2 y.
    const F32x16 twice = splat(kSqrt8OverPi) * (g + splat(0.044715f) * g * g * g);
    store(gate + i, g / (splat(1.0f) + exp_lanes(-twice)) * load<F32x16>(up + i));
  }
}

void add(float* x, const float* y, u64 count) {
  for (u64 i = 0; i < count; i += kLanes) store(x + i, load<F32x16>(x + i) + load<F32x16>(y + i));
}

}  // namespace inference
