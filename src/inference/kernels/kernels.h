// The kernels: what the program spends its time in. Plain C names, because the runtime logs,
// profiles and replaces functions by name; never inlined, for the same reason.
//
// Rows of floats are padded to a multiple of 16 with zeroes, and kernels may read and write the
// padding (where they write it, they write zeroes): `count` below is always the true length.
#pragma once

#include "inference/types.h"

namespace inference {

inline constexpr u64 kQ8BlockElements = 32;

// A row of Q8 activations (formats.h): values, and for each 32 of them a scale, a sum and two
// halves' sums.
constexpr u64 q8_row_bytes(u64 columns) {
  return round_up(columns + columns / kQ8BlockElements * 12, 64);
}

extern "C" {

// Matrix products, one per weight format: see MatmulKernel in formats.h.
#define BF_FORMAT(name, id, elements, bytes, activations, matmul, dequantize, ...)           \
  [[gnu::noinline]] void matmul(float* out, const u8* weights, const void* activations_rows, \
                                u64 columns, u64 rows, u64 tokens, u64 out_stride);          \
  [[gnu::noinline]] void dequantize(float* out, const u8* weights, u64 columns);
#define BF_FORMAT_WITHOUT_KERNEL(name, id)
#include "inference/formats.def"
#undef BF_FORMAT
#undef BF_FORMAT_WITHOUT_KERNEL

// x (columns) to a Q8 row: per 32 values value = x / scale rounded to nearest, where of the scales
// max |x| / 127, / 126, / 125 and / 124 the one is taken that gives the least squared error.
// llama.cpp takes the first of them (Q8_0), rounded to a half, or one scale for 256 values (Q8_K).
[[gnu::noinline]] void quantize_q8(void* out, const float* x, u64 columns);

// out = x / sqrt(mean(x^2) + epsilon) * weight
[[gnu::noinline]] void rmsnorm(float* out, const float* x, const float* weight, u64 count,
                               float epsilon);

// Rotates neighbouring pairs: out = x * cosines + swapped(x) * sines, where swapped exchanges the
// two of a pair and `sines` holds (-sin, sin) per pair. `x` and `out` need no padding, and may be
// the same; `cosines` and `sines` are padded.
[[gnu::noinline]] void rope(float* out, const float* x, const float* cosines, const float* sines,
                            u64 count);

// Attention of the `queries` query heads of one token that share a key-value head:
//   out_q = sum over p < positions of softmax(query_q . key_p * scale)_p * value_p
// `query` and `out` (queries, head_dim) have rows at a distance of `stride` floats. Keys and values
// are half-precision floats: keys [tile][head_dim][16 positions], values [position][head_dim]. Both
// are read up to the next multiple of 16 positions, and 16 halves beyond. `scores` is scratch of
// queries * round_up(positions, 16) floats, aligned to 64 bytes.
[[gnu::noinline]] void attention(float* out, const float* query, const u16* keys, const u16* values,
                                 float* scores, u64 positions, u64 queries, u64 stride,
                                 u64 head_dim, float scale);

// Put a key or a value (head_dim floats) of a position where attention() looks for it.
[[gnu::noinline]] void store_key(u16* keys, const float* key, u64 position, u64 head_dim);
[[gnu::noinline]] void store_value(u16* values, const float* value, u64 position, u64 head_dim);

// The same for keys and values in Q8_0, of heads of whole blocks of 32 up to kMostQ8HeadDim: keys
// of 16 positions are a packed group (pack.h) of rows of head_dim, values are rows. Queries are
// quantised for the products with keys.
inline constexpr u64 kMostQ8HeadDim = 512;
[[gnu::noinline]] void attention_q8_0(float* out, const float* query, const u8* keys,
                                      const u8* values, float* scores, u64 positions, u64 queries,
                                      u64 stride, u64 head_dim, float scale);
[[gnu::noinline]] void store_key_q8_0(u8* keys, const float* key, u64 position, u64 head_dim);
[[gnu::noinline]] void store_value_q8_0(u8* values, const float* value, u64 position, u64 head_dim);

// x = exp(x - max x) / sum of the same, over `count`; the padding becomes zero.
[[gnu::noinline]] void softmax(float* x, u64 count);

// gate = gate * sigmoid(gate) * up
[[gnu::noinline]] void swiglu(float* gate, const float* up, u64 count);

// gate = gelu(gate) * up, with the tanh of Hendrycks and Gimpel's approximation (2016)
[[gnu::noinline]] void geglu(float* gate, const float* up, u64 count);

// x += y
[[gnu::noinline]] void add(float* x, const float* y, u64 count);

}  // extern "C"

}  // namespace inference
