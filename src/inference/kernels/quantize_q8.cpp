#include "inference/kernels/q8_row.h"
#include "inference/vector.h"

namespace inference {

namespace {

// What the largest value of a block becomes, to be tried: a few percent of a step more or less move
// every other value to another place between two integers. The best of four scales has an error
// about a sixth smaller than the first.
constexpr float kLargestQuants[] = {127.0f, 126.0f, 125.0f, 124.0f};

// Adding 1.5 * 2^23 to a small number rounds it, ties to even, and leaves it in the low bits.
constexpr float kRound = 12582912.0f;

// Blocks that are taken together: what is one number a block is a vector of four then.
constexpr u64 kTogether = 4;

// Four blocks of 32 values, or fewer and zeroes.
struct Blocks {
  F32x16 first[kTogether], second[kTogether];

  [[gnu::always_inline]] Blocks(const float* x, u64 count) {
#pragma clang loop unroll(full)
    for (u64 b = 0; b < kTogether; ++b) {
      first[b] = second[b] = F32x16{};
      if (b >= count) continue;
      first[b] = load<F32x16>(x + b * kQ8BlockElements);
      second[b] = load<F32x16>(x + b * kQ8BlockElements + kLanes);
    }
  }

  template <int kBlock>
  [[gnu::always_inline]] F32x16 magnitudes() const {
    return greater_of(absolute(first[kBlock]), absolute(second[kBlock]));
  }
  [[gnu::always_inline]] F32x4 largest() const {
    return greatests(magnitudes<0>(), magnitudes<1>(), magnitudes<2>(), magnitudes<3>());
  }
};

[[gnu::always_inline]] inline F32x16 squared_error(F32x16 x, F32x16 scale, F32x16 inverse) {
  const F32x16 rounded = (x * inverse + splat(kRound)) - splat(kRound);
  const F32x16 error = rounded * scale - x;
  return error * error;
}

template <int kBlock>
[[gnu::always_inline]] inline F32x16 squared_errors(const Blocks& blocks, F32x4 scale,
                                                    F32x4 inverse) {
  const F32x16 s = splat_lane<kBlock>(scale), i = splat_lane<kBlock>(inverse);
  return squared_error(blocks.first[kBlock], s, i) + squared_error(blocks.second[kBlock], s, i);
}

// The ones of kLargestQuants that give the least squared errors.
[[gnu::always_inline]] inline F32x4 best_quants(const Blocks& blocks, F32x4 largest,
                                                F32x4 reciprocal) {
  F32x4 best = {}, least = {};
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; ++i) {
    const float quant = kLargestQuants[i];
    const F32x4 scale = largest * (1.0f / quant), inverse = reciprocal * quant;
    const F32x4 error = sums(squared_errors<0>(blocks, scale, inverse),
                             squared_errors<1>(blocks, scale, inverse),
                             squared_errors<2>(blocks, scale, inverse),
                             squared_errors<3>(blocks, scale, inverse));
    const F32x4 quants = {quant, quant, quant, quant};
    best = i == 0 ? quants : error < least ? quants : best;
    least = i == 0 ? error : error < least ? error : least;
  }
  return best;
}

[[gnu::always_inline]] inline I32x16 round_scaled(F32x16 x, F32x16 inverse) {
  const I32x16 bits = as_ints(x * inverse + splat(kRound));
  return (bits << 24) >> 24;
}

// `count` is how many blocks there really are.
[[gnu::always_inline]] inline void quantize_blocks(Q8Places<u8> to, const float* x, u64 count) {
  const Blocks blocks(x, count);
  const F32x4 zero = {}, one = {1.0f, 1.0f, 1.0f, 1.0f};
  const F32x4 largest = blocks.largest();
  const F32x4 reciprocal = largest == zero ? zero : one / largest;
  const F32x4 quant = best_quants(blocks, largest, reciprocal);
  const F32x4 inverse = reciprocal * quant, scale = largest / quant;
  const F32x16 inverses[] = {splat_lane<0>(inverse), splat_lane<1>(inverse),
                             splat_lane<2>(inverse), splat_lane<3>(inverse)};
  I32x16 first[kTogether], second[kTogether];
#pragma clang loop unroll(full)
  for (u64 b = 0; b < kTogether; ++b) {
    first[b] = round_scaled(blocks.first[b], inverses[b]);
    second[b] = round_scaled(blocks.second[b], inverses[b]);
    if (b >= count) continue;
    store(to.values + b * kQ8BlockElements, __builtin_convertvector(first[b], I8x16));
    store(to.values + b * kQ8BlockElements + kLanes, __builtin_convertvector(second[b], I8x16));
  }
  const I32x4 first_sums = sums(first[0], first[1], first[2], first[3]);
  const I32x4 second_sums = sums(second[0], second[1], second[2], second[3]);
  const F32x4 scaled = scale * __builtin_convertvector(first_sums + second_sums, F32x4);
  const I32x4 halves = (first_sums & 0xffff) | second_sums << 16;
  if (count == kTogether) {
    store(to.scales, scale);
    store(to.sums, scaled);
    store(to.halves, halves);
    return;
  }
#pragma clang loop unroll(disable)
  for (u64 b = 0; b < count; ++b) {
    const u64 at = b * sizeof(float);
    __builtin_memcpy(to.scales + at, reinterpret_cast<const u8*>(&scale) + at, sizeof(float));
    __builtin_memcpy(to.sums + at, reinterpret_cast<const u8*>(&scaled) + at, sizeof(float));
    __builtin_memcpy(to.halves + at, reinterpret_cast<const u8*>(&halves) + at, sizeof(i32));
  }
}

}  // namespace

void quantize_q8(void* out, const float* x, u64 columns) {
  Q8Places<u8> to(static_cast<u8*>(out), columns);
  u64 left = columns / kQ8BlockElements;
#pragma clang loop unroll(disable)
  while (left != 0) {
    const u64 count = min(left, kTogether);
    quantize_blocks(to, x, count);
    to.skip(count);
    x += count * kQ8BlockElements;
    left -= count;
  }
}

}  // namespace inference
