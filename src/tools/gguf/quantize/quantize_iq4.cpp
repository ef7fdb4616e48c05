// IQ4_NL and IQ4_XS: four bits choose one of sixteen values that lie closer together near zero.
#include <algorithm>

#include "tools/gguf/quantize/fit.h"
#include "tools/gguf/quantize/half.h"
#include "tools/gguf/quantize/multiples.h"
#include "tools/gguf/quantize/pack.h"
#include "tools/gguf/quantize/quantize.h"

namespace bf::gguf {

namespace {

// Of the format: ggml-common.h, kvalues_iq4nl.
constexpr float kValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                               1,    13,   25,  38,  53,  69,  89,  113};

constexpr float middle(u32 i) {
  return (kValues[i] + kValues[i + 1]) / 2;
}

struct ValueGrid {
  static constexpr float kExtreme = 127;
  static constexpr float kStep = 1.5f;
  static constexpr int kSteps = 12;
  BF_INLINE Lanes nearest(const Lanes& x) const {
    Lanes value = kValues[0];
    for (u32 i = 0; i < 15; ++i) value = select(x > middle(i), kValues[i + 1], value);
    return value;
  }
};

BF_INLINE void choose_values(Groups<32>& groups, const Lanes& scale) {
  const Lanes inverse = reciprocal(scale);
  for (u32 i = 0; i < 32; ++i) {
    const Lanes x = groups.x[i] * inverse;
    Lanes level;
    for (u32 j = 0; j < 15; ++j) level += select(x > middle(j), 1.0f, 0.0f);
    groups.set(i, level);
  }
}

}  // namespace

BF_FOR_EACH_MACHINE void quantize_iq4_nl(u8* out, const float* x, u64 count) {
  for (u64 done = 0; done < count; done += Groups<32>::kElements) {
    Groups<32> groups;
    const u64 here = std::min(count - done, Groups<32>::kElements);
    groups.load(x + done, here);
    Lanes scale = fit_signed(groups, ValueGrid());
    u16 halves[kLanes];
    for (u32 lane = 0; lane < kLanes; ++lane) {
      halves[lane] = float_to_half(scale[lane]);
      scale.set(lane, half_to_float(halves[lane]));
    }
    choose_values(groups, scale);
    for (u64 block = 0; block < here / 32; ++block, out += 18) {
      BlockWriter writer(out);
      writer.put(halves[block]);
      writer.put_nibbles(groups.levels + 32 * block, 16);
    }
  }
}

// Eight groups of 32 with scales of six bits, less 32; two blocks at a time.
BF_FOR_EACH_MACHINE void quantize_iq4_xs(u8* out, const float* x, u64 count) {
  constexpr u32 kBlock = 256;
  for (u64 done = 0; done < count; done += Groups<32>::kElements) {
    Groups<32> groups;
    const u64 here = std::min(count - done, Groups<32>::kElements);
    groups.load(x + done, here);
    Lanes scale = fit_signed(groups, ValueGrid());
    const u32 blocks = static_cast<u32>(here / kBlock);
    Multiples scales[2];
    for (u32 block = 0; block < blocks; ++block)
      scales[block] = round_scales(scale, 8 * block, 8, -32, -32, 31);
    choose_values(groups, scale);
    for (u32 block = 0; block < blocks; ++block, out += 136) {
      u32 low = 0, high = 0;
      for (u32 i = 0; i < 8; ++i) {
        const u32 six = static_cast<u32>(scales[block].of[i] + 32);
        low |= (six & 15) << (4 * i);
        high |= six >> 4 << (2 * i);
      }
      BlockWriter writer(out);
      writer.put(scales[block].unit);
      writer.put(static_cast<u16>(high));
      writer.put(low);
      for (u32 i = 0; i < kBlock; i += 32)
        writer.put_nibbles(groups.levels + kBlock * block + i, 16);
    }
  }
}

}  // namespace bf::gguf
