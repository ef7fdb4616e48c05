// Q3_K: 32 bytes with the third bits (bit b of byte i: of weight i of block b), 64 bytes with the
// two lower bits, 12 bytes with 16 scales of six bits, and a half-precision scale of those. 4 is
// added to each weight, 32 to each scale.
#include "inference/kernels/superblock.h"

namespace inference {

namespace {

// Bytes 0 to 7 hold the lower four bits of scales 0 to 7 and, in their upper half, 8 to 15; bytes 8
// to 11 hold the upper two bits of scales j, j + 4, j + 8, j + 12.
struct Scales {
  i8 scales[kHalves][kLanes];

  [[gnu::always_inline]] explicit Scales(const u8* packed) {
    const auto a = load<U8x64>(packed), b = load<U8x64>(packed + 64), c = load<U8x64>(packed + 128);
    store(scales[0], ((a & u8{15}) | (c << u8{4} & u8{48})) - u8{32});
    store(scales[4], ((b & u8{15}) | (c << u8{2} & u8{48})) - u8{32});
    store(scales[8], ((a >> u8{4}) | (c & u8{48})) - u8{32});
    store(scales[12], ((b >> u8{4}) | (c >> u8{2} & u8{48})) - u8{32});
  }

  [[gnu::always_inline]] F32x16 at(u64 half) const { return to_floats(load<I8x16>(scales[half])); }
};

i32 signed_scale_at(const u8* bytes, u64 half) {
  const i32 low = bytes[half % 8] >> (half / 8 * 4) & 15;
  const i32 high = bytes[8 + half % 4] >> (half / 4 * 2) & 3;
  return (low | high << 4) - 32;
}

struct Block {
  static constexpr u64 kColumns = kSuperBlock;
  static constexpr u64 kBytes = 110;
  static constexpr u64 kQuants = 32, kScales = 96, kScale = 108;  // where they are in a block
  static constexpr i32 kOffset = 4;

  template <int kOfFour>
  [[gnu::always_inline]] static void add(F32x16& sum, const u8* block, const Scales& scales,
                                         const Q8Row& x, u64 chunk) {
    const u64 index = 4 * chunk + kOfFour;
    const u8* quants = block + kQuants * kLanes;
    const u8 third = static_cast<u8>(1 << index);
    const F32x16 all = halves_to_floats(block + kScale * kLanes);
    add_halves(sum, x, index, scales.at(2 * index) * all, scales.at(2 * index + 1) * all, kOffset,
               [&](u64 k) __attribute__((always_inline)) {
                 return two_bits<kOfFour>(quants, chunk, k) | where_set(unit(block, k), third, 4);
               });
  }

  [[gnu::always_inline]] static void multiply(F32x16& sum, const u8* block, const Q8Row& x) {
    const Scales scales(block + kScales * kLanes);
#pragma clang loop unroll(disable)
    for (u64 chunk = 0; chunk < 2; ++chunk) {
      add<0>(sum, block, scales, x, chunk);
      add<1>(sum, block, scales, x, chunk);
      add<2>(sum, block, scales, x, chunk);
      add<3>(sum, block, scales, x, chunk);
    }
  }
};

}  // namespace

void matmul_q3_k(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                 u64 tokens, u64 out_stride) {
  multiply_groups<Quantized<Block>>(out, weights, activations, columns, rows, tokens, out_stride);
}

void dequantize_q3_k(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += kSuperBlock) {
    const float scale = half_to_float(load_unaligned<u16>(weights + Block::kScale));
    for (u64 k = 0; k < kSuperBlock; ++k) {
      const i32 third = weights[k % 32] >> (k / 32) & 1;
      const i32 quant = two_bits_at(weights + Block::kQuants, k) + 4 * third - Block::kOffset;
      out[i + k] = scale * static_cast<float>(
                               signed_scale_at(weights + Block::kScales, k / kHalfBlock) * quant);
    }
    weights += Block::kBytes;
  }
}

}  // namespace inference
