// From floats to blocks of each weight format.
//
//   const Quantizer* quantizer = find_quantizer(12);   // Q4_K
//   if (!quantizer->accepts(x, count)) ...             // a value that it cannot hold
//   quantizer->quantize(out, x, count);                // whole blocks
//
// Scales are searched for the least error; what is found is the same on every machine, because no
// step depends on how wide its vectors are.
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::gguf {

struct Quantizer {
  std::string_view name;
  u32 gguf_id;
  u32 block_elements;
  u32 block_bytes;
  void (*quantize)(u8* out, const float* x, u64 count);  // `count` of whole blocks

  u64 bytes(u64 elements) const { return elements / block_elements * block_bytes; }
  double bits_per_weight() const { return 8.0 * block_bytes / block_elements; }
  bool is_float() const { return block_elements == 1; }
  // Whether all values can be held: finite ones, and no larger than a half where the format has
  // halves in it.
  bool accepts(const float* x, u64 count) const;
};

// Null for what cannot be written.
const Quantizer* find_quantizer(u32 gguf_id);
const Quantizer* find_quantizer(std::string_view name);

#define BF_QUANTIZER(name, id, elements, bytes, function) \
  void function(u8* out, const float* x, u64 count);
#include "tools/gguf/quantize/quantizers.def"
#undef BF_QUANTIZER

}  // namespace bf::gguf
