// Attention over keys and values in Q8_0. Keys of 16 positions are a packed group of Q8_0 rows, so
// that a query's scores are a matrix product.
#include "inference/kernels/kernels.h"
#include "inference/kernels/q8_0_block.h"

namespace inference {

namespace {

// out = sum of weights[p] * value_p, 32 columns at a time.
[[gnu::always_inline]] inline void mix(float* out, const float* weights, const u8* values,
                                       u64 positions, u64 head_dim) {
  const u64 row_bytes = head_dim / kQ8BlockElements * Q8_0Block::kBytes;
  for (u64 column = 0; column < head_dim; column += kQ8BlockElements) {
    F32x16 first = {}, second = {};
    const u8* block = values;
#pragma clang loop unroll(disable)
    for (u64 p = 0; p < positions; ++p, block += row_bytes) {
      const F32x16 weight = splat(weights[p] * half_to_float(load_unaligned<u16>(block)));
      first += to_floats(load<I8x16>(block + 2)) * weight;
      second += to_floats(load<I8x16>(block + 2 + kHalfBlock)) * weight;
    }
    store(out + column, first);
    store(out + column + kHalfBlock, second);
    values += Q8_0Block::kBytes;
  }
}

// 32 numbers as a block in the file: scale = max |x| / 127.
void quantize_block(u8* block, const float* x) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: leaves the nearest integer in the low bits
  float largest = 0.0f;
  for (u64 i = 0; i < kQ8BlockElements; ++i) largest = max(largest, __builtin_fabsf(x[i]));
  const float inverse = largest == 0.0f ? 0.0f : 127.0f / largest;
  const u16 scale = float_to_half(largest / 127.0f);
  store(block, scale);
  for (u64 i = 0; i < kQ8BlockElements; ++i)
    block[2 + i] = static_cast<u8>(__builtin_bit_cast(u32, x[i] * inverse + kRound));
}

}  // namespace

void attention_q8_0(float* out, const float* query, const u8* keys, const u8* values, float* scores,
                    u64 positions, u64 queries, u64 stride, u64 head_dim, float scale) {
  alignas(64) u8 row[q8_row_bytes(kMostQ8HeadDim)];
  const u64 padded = round_up(positions, kLanes);
  const u64 tile_bytes = Quantized<Q8_0Block>::group_bytes(head_dim);
  for (u64 q = 0; q < queries; ++q, query += stride, out += stride) {
    quantize_q8(row, query, head_dim);
    const u8* tile = keys;
    for (u64 p = 0; p < padded; p += kLanes, tile += tile_bytes)
      store(scores + p, Quantized<Q8_0Block>::multiply(tile, row, head_dim) * splat(scale));
    softmax(scores, positions);
    mix(out, scores, values, positions, head_dim);
  }
}

void store_key_q8_0(u8* keys, const float* key, u64 position, u64 head_dim) {
  const u64 lane = position % kLanes;
  u8* group = keys + position / kLanes * Quantized<Q8_0Block>::group_bytes(head_dim);
  u8 block[Q8_0Block::kBytes];
  for (u64 i = 0; i < head_dim; i += kQ8BlockElements) {
    quantize_block(block, key + i);
    copy_bytes(group + lane * 2, block, 2);
    group += 2 * kLanes;
#pragma clang loop unroll(disable)
    for (u64 k = 2; k < sizeof block; k += 4, group += 4 * kLanes)
      copy_bytes(group + lane * 4, block + k, 4);
  }
}

void store_value_q8_0(u8* values, const float* value, u64 position, u64 head_dim) {
  u8* row = values + position * (head_dim / kQ8BlockElements * Q8_0Block::kBytes);
  for (u64 i = 0; i < head_dim; i += kQ8BlockElements, row += Q8_0Block::kBytes)
    quantize_block(row, value + i);
}

}  // namespace inference
