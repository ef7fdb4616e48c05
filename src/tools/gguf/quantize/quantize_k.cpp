// The K formats: 256 weights a block, whose groups of 16 or 32 have small integers as scales (and
// minimums), multiples of one or two halves of the block.
#include <algorithm>

#include "tools/gguf/quantize/fit.h"
#include "tools/gguf/quantize/multiples.h"
#include "tools/gguf/quantize/pack.h"
#include "tools/gguf/quantize/quantize.h"

namespace bf::gguf {

namespace {

constexpr u32 kBlock = 256;

// Eight scales and eight minimums of six bits in twelve bytes: the first four of each with two
// bits of the last ones above them, then the other four bits of those.
void put_six_bits(BlockWriter& writer, const Multiples& scales, const Multiples& minimums) {
  for (const Multiples* const six : {&scales, &minimums})
    for (u32 i = 0; i < 4; ++i) writer.put(static_cast<u8>(six->of[i] | six->of[i + 4] >> 4 << 6));
  for (u32 i = 4; i < 8; ++i)
    writer.put(static_cast<u8>((scales.of[i] & 15) | (minimums.of[i] & 15) << 4));
}

// Q4_K and Q5_K: eight groups of 32, two blocks at a time.
template <int kMost>
BF_INLINE void quantize_affine_32(u8* out, const float* x, u64 count) {
  constexpr u64 kBlockBytes = kMost == 15 ? 144 : 176;
  for (u64 done = 0; done < count; done += Groups<32>::kElements) {
    Groups<32> groups;
    const u64 here = std::min(count - done, Groups<32>::kElements);
    groups.load(x + done, here);
    Affine fit = fit_affine<kMost, true>(groups);
    fit.minimum = -fit.minimum;
    const u32 blocks = static_cast<u32>(here / kBlock);
    Multiples scales[2], minimums[2];
    for (u32 block = 0; block < blocks; ++block) {
      scales[block] = round_scales(fit.scale, 8 * block, 8, 63, 0, 63);
      minimums[block] = round_scales(fit.minimum, 8 * block, 8, 63, 0, 63);
    }
    groups.round(fit.scale, -fit.minimum, 0, kMost);
    for (u32 block = 0; block < blocks; ++block, out += kBlockBytes) {
      const u8* const levels = groups.levels + kBlock * block;
      BlockWriter writer(out);
      writer.put(scales[block].unit);
      writer.put(minimums[block].unit);
      put_six_bits(writer, scales[block], minimums[block]);
      for (u32 i = 0; kMost == 31 && i < 32; ++i) {
        u32 fifths = 0;
        for (u32 group = 0; group < 8; ++group)
          fifths |= static_cast<u32>(levels[32 * group + i] >> 4) << group;
        writer.put(static_cast<u8>(fifths));
      }
      for (u32 i = 0; i < kBlock; i += 64) writer.put_nibbles(levels + i, 32);
    }
  }
}

}  // namespace

BF_FOR_EACH_MACHINE void quantize_q4_k(u8* out, const float* x, u64 count) {
  quantize_affine_32<15>(out, x, count);
}
BF_FOR_EACH_MACHINE void quantize_q5_k(u8* out, const float* x, u64 count) {
  quantize_affine_32<31>(out, x, count);
}

// Sixteen groups of 16; scale and minimum in four bits each.
BF_FOR_EACH_MACHINE void quantize_q2_k(u8* out, const float* x, u64 count) {
  for (u64 done = 0; done < count; done += kBlock) {
    Groups<16> groups;
    groups.load(x + done, kBlock);
    Affine fit = fit_affine<3, true>(groups);
    fit.minimum = -fit.minimum;
    const Multiples scales = round_scales(fit.scale, 0, 16, 15, 0, 15);
    const Multiples minimums = round_scales(fit.minimum, 0, 16, 15, 0, 15);
    groups.round(fit.scale, -fit.minimum, 0, 3);
    BlockWriter writer(out);
    for (u32 i = 0; i < 16; ++i) writer.put(static_cast<u8>(scales.of[i] | minimums.of[i] << 4));
    writer.put_pairs(groups.levels);
    writer.put_pairs(groups.levels + 128);
    writer.put(scales.unit);
    writer.put(minimums.unit);
    out += 84;
  }
}

// Sixteen groups of 16, levels from -4 to 3; scales of six bits, less 32: low four bits of the
// first eight and the last eight in eight bytes, then two bits of four of them in each of four.
BF_FOR_EACH_MACHINE void quantize_q3_k(u8* out, const float* x, u64 count) {
  for (u64 done = 0; done < count; done += kBlock) {
    Groups<16> groups;
    groups.load(x + done, kBlock);
    Lanes scale = fit_signed(groups, IntegerGrid<4>());
    const Multiples scales = round_scales(scale, 0, 16, -32, -32, 31);
    groups.round(scale, 0.0f, -4, 3);
    BlockWriter writer(out);
    for (u32 i = 0; i < 32; ++i) {
      u32 thirds = 0;
      for (u32 j = 0; j < 8; ++j) thirds |= static_cast<u32>(groups.levels[32 * j + i] >> 2) << j;
      writer.put(static_cast<u8>(thirds));
    }
    writer.put_pairs(groups.levels);
    writer.put_pairs(groups.levels + 128);
    const auto six = [&](u32 i) { return static_cast<u32>(scales.of[i] + 32); };
    for (u32 i = 0; i < 8; ++i) writer.put(static_cast<u8>((six(i) & 15) | (six(i + 8) & 15) << 4));
    for (u32 i = 0; i < 4; ++i)
      writer.put(static_cast<u8>(six(i) >> 4 | six(i + 4) >> 4 << 2 | six(i + 8) >> 4 << 4 |
                                 six(i + 12) >> 4 << 6));
    writer.put(scales.unit);
    out += 110;
  }
}

// Sixteen groups of 16, levels from -32 to 31; scales of eight bits.
BF_FOR_EACH_MACHINE void quantize_q6_k(u8* out, const float* x, u64 count) {
  for (u64 done = 0; done < count; done += kBlock) {
    Groups<16> groups;
    groups.load(x + done, kBlock);
    Lanes scale = fit_signed(groups, IntegerGrid<32>());
    const Multiples scales = round_scales(scale, 0, 16, -128, -128, 127);
    groups.round(scale, 0.0f, -32, 31);
    BlockWriter writer(out);
    for (u32 half = 0; half < kBlock; half += 128) writer.put_nibbles(groups.levels + half, 64);
    for (u32 half = 0; half < kBlock; half += 128) {
      u8 upper[128];
      for (u32 i = 0; i < 128; ++i) upper[i] = groups.levels[half + i] >> 4;
      writer.put_pairs(upper);
    }
    for (u32 i = 0; i < 16; ++i) writer.put(static_cast<i8>(scales.of[i]));
    writer.put(scales.unit);
    out += 210;
  }
}

}  // namespace bf::gguf
