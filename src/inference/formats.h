// What is known about each weight format; the rows are in formats.def.
//
//   const Format* format = find_format(tensor.type);
//   if (format == nullptr) ... format_name(tensor.type) ...
//   format->matmul(...);
#pragma once

#include "inference/message.h"
#include "inference/types.h"

namespace inference {

// What a matmul kernel takes as its right side.
enum class Activations : u8 {
  Float,  // f32
  Q8,     // quantize_q8's rows
};

// out[token * out_stride + row] = weights(row) . activations(token), for all rows and tokens.
// Weights are rows of whole blocks and need no alignment. Activation rows follow each other:
// Float rows at a stride of round_up(columns, 16) floats, the rest of which is zero; Q8 rows at
// q8_row_bytes(columns).
using MatmulKernel = void (*)(float* out, const u8* weights, const void* activations, u64 columns,
                              u64 rows, u64 tokens, u64 out_stride);

// One row of weights as floats.
using DequantizeKernel = void (*)(float* out, const u8* weights, u64 columns);

struct Format {
  Text name;
  u32 gguf_id;
  u32 block_elements;
  u32 block_bytes;
  Activations activations;
  MatmulKernel matmul;
  DequantizeKernel dequantize;

  // Bytes of a row; `columns` must be a multiple of block_elements.
  u64 row_bytes(u64 columns) const { return columns / block_elements * block_bytes; }
};

// The format of a GGUF type number, or null if there is no kernel for it.
const Format* find_format(u32 gguf_id);

// The name of a GGUF type number, "unknown" if it has none.
Text format_name(u32 gguf_id);

// Adds "F32, F16, ..." to a message.
void list_formats(Message& message);

}  // namespace inference
