// The formats of 32 weights a block: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0. Sixteen blocks at a time.
#include <algorithm>

#include "tools/gguf/quantize/fit.h"
#include "tools/gguf/quantize/half.h"
#include "tools/gguf/quantize/pack.h"
#include "tools/gguf/quantize/quantize.h"

namespace bf::gguf {

namespace {

using Blocks = Groups<32>;

// The scales as a block holds them.
struct Halves {
  u16 bits[kLanes];

  // Replaces the values by what is left of them.
  BF_INLINE explicit Halves(Lanes& values) {
    for (u32 lane = 0; lane < kLanes; ++lane) {
      bits[lane] = float_to_half(values[lane]);
      values.set(lane, half_to_float(bits[lane]));
    }
  }
};

// The fifth bits of 32 levels.
u32 fifth_bits(const u8* levels) {
  u32 bits = 0;
  for (u32 i = 0; i < 32; ++i) bits |= static_cast<u32>(levels[i] >> 4) << i;
  return bits;
}

template <int kLevels>
BF_INLINE void quantize_signed(u8* out, const float* x, u64 count) {
  constexpr u64 kBlockBytes = kLevels == 8 ? 18 : 22;
  for (u64 done = 0; done < count; done += Blocks::kElements) {
    Blocks blocks;
    const u64 here = std::min(count - done, Blocks::kElements);
    blocks.load(x + done, here);
    Lanes scale = fit_signed(blocks, IntegerGrid<kLevels>());
    const Halves scales(scale);
    blocks.round(scale, 0.0f, -kLevels, kLevels - 1);
    for (u64 block = 0; block < here / 32; ++block, out += kBlockBytes) {
      const u8* const levels = blocks.levels + 32 * block;
      BlockWriter writer(out);
      writer.put(scales.bits[block]);
      if (kLevels == 16) writer.put(fifth_bits(levels));
      writer.put_nibbles(levels, 16);
    }
  }
}

template <int kMost>
BF_INLINE void quantize_affine(u8* out, const float* x, u64 count) {
  constexpr u64 kBlockBytes = kMost == 15 ? 20 : 24;
  for (u64 done = 0; done < count; done += Blocks::kElements) {
    Blocks blocks;
    const u64 here = std::min(count - done, Blocks::kElements);
    blocks.load(x + done, here);
    Affine fit = fit_affine<kMost, false>(blocks);
    const Halves scales(fit.scale), minimums(fit.minimum);
    blocks.round(fit.scale, fit.minimum, 0, kMost);
    for (u64 block = 0; block < here / 32; ++block, out += kBlockBytes) {
      const u8* const levels = blocks.levels + 32 * block;
      BlockWriter writer(out);
      writer.put(scales.bits[block]);
      writer.put(minimums.bits[block]);
      if (kMost == 31) writer.put(fifth_bits(levels));
      writer.put_nibbles(levels, 16);
    }
  }
}

}  // namespace

BF_FOR_EACH_MACHINE void quantize_q4_0(u8* out, const float* x, u64 count) {
  quantize_signed<8>(out, x, count);
}
BF_FOR_EACH_MACHINE void quantize_q5_0(u8* out, const float* x, u64 count) {
  quantize_signed<16>(out, x, count);
}
BF_FOR_EACH_MACHINE void quantize_q4_1(u8* out, const float* x, u64 count) {
  quantize_affine<15>(out, x, count);
}
BF_FOR_EACH_MACHINE void quantize_q5_1(u8* out, const float* x, u64 count) {
  quantize_affine<31>(out, x, count);
}

// With 255 levels a search gains nothing that shows: the largest value becomes 127.
BF_FOR_EACH_MACHINE void quantize_q8_0(u8* out, const float* x, u64 count) {
  for (u64 done = 0; done < count; done += Blocks::kElements) {
    Blocks blocks;
    const u64 here = std::min(count - done, Blocks::kElements);
    blocks.load(x + done, here);
    Lanes most;
    for (const Lanes& value : blocks.x) most = at_least(most, absolute(value));
    Lanes scale = most * (1.0f / 127);
    const Halves scales(scale);
    blocks.round(scale, 0.0f, -127, 127);
    for (u64 block = 0; block < here / 32; ++block, out += 34) {
      BlockWriter writer(out);
      writer.put(scales.bits[block]);
      for (u32 i = 0; i < 32; ++i) writer.put(static_cast<i8>(blocks.levels[32 * block + i] - 127));
    }
  }
}

}  // namespace bf::gguf
