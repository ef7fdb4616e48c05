// What is known about each weight format; the rows are in formats.def.
//
//   const Format* format = find_format(tensor.type);
//   if (format == nullptr) ... format_name(tensor.type) ...
//   format->matmul(...);
#pragma once

#include "inference/message.h"
#include "inference/types.h"

namespace inference {

// What a matmul kernel takes as its right side. Rows start at multiples of 64 bytes from the first.
//
//   Float  f32 values[columns], then zeroes: round_up(columns, 16) floats in all
//   Q8     quantize_q8's: columns come in blocks of 32, and a row of n blocks is
//            i8  values[columns]   in -127..127
//            f32 scales[n]         activation = value * scale
//            f32 sums[n]           scale * the sum of the block's values
//            i16 halves[n][2]      the sums of the first and the second 16 values
//          q8_row_bytes(columns) in all
enum class Activations : u8 { Float, Q8 };

// Matrix products on packed weights (pack.h): groups of 16 rows, `rows` a multiple of 16.
//
//   out[token * out_stride + row] = weights(row) . activations(token), for all rows and tokens
//
// Weights need no alignment, activations and `out` have that of a float. With Q8 activations the
// result is a sum over (sub-)blocks of weight scale * activation scale * dot product of integers,
// less what a format's minima take away (minimum * activation sum), block by block into one sum per
// row and token. Dot products are exact, and products of floats are rounded before they are added
// (no fused multiply-add), so that every tier and every instruction set gives the same bits.
using MatmulKernel = void (*)(float* out, const u8* weights, const void* activations, u64 columns,
                              u64 rows, u64 tokens, u64 out_stride);

// One row of weights, as it lies in the file, to floats.
using DequantizeKernel = void (*)(float* out, const u8* weights, u64 columns);

// What a unit is made of: numbers that must be finite, or integers of whatever size.
enum class Floats : u8 { None, Half, Single, BrainPair };

// Neighbouring units of a block in the file: `count` times `unit_bytes`.
//
// In a packed block they lie in the same order, unless `step` says otherwise: then unit i begins at
// byte `first` + i * `step` of each row's share. That is for formats that are read in another order
// than they are stored in: a processor fetches ahead of what reads memory from one end to the
// other.
struct Field {
  u8 unit_bytes;  // 1, 2 or 4
  u8 count;
  Floats floats = Floats::None;
  u8 first = 0, step = 0;

  constexpr u32 bytes() const { return u32{unit_bytes} * count; }
  // Where it begins in a row's share of a packed block, if `stored` is where it does in the file.
  constexpr u32 begin(u32 stored) const { return step == 0 ? stored : first; }
  constexpr u32 stride() const { return step == 0 ? unit_bytes : step; }
};

struct Format {
  static constexpr u32 kMostFields = 8;

  Text name;
  u32 gguf_id;
  u32 block_elements;
  u32 block_bytes;
  Activations activations;
  MatmulKernel matmul;
  DequantizeKernel dequantize;
  Field fields[kMostFields];  // of a block, in order; behind the last they are zero

  // Bytes of a row; `columns` must be a multiple of block_elements.
  u64 row_bytes(u64 columns) const { return columns / block_elements * block_bytes; }
};

// All that there is a kernel for.
View<Format> formats();

// The format of a GGUF type number, or null if there is no kernel for it.
const Format* find_format(u32 gguf_id);

// The name of a GGUF type number, "unknown" if it has none.
Text format_name(u32 gguf_id);

// Adds "F32, F16, ..." to a message.
void list_formats(Message& message);

}  // namespace inference
