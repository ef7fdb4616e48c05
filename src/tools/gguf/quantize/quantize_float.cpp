// F32, F16 and BF16.
#include <cstring>

#include "tools/gguf/quantize/half.h"
#include "tools/gguf/quantize/quantize.h"

namespace bf::gguf {

void quantize_f32(u8* out, const float* x, u64 count) {
  std::memcpy(out, x, count * sizeof(float));
}

void quantize_f16(u8* out, const float* x, u64 count) {
  for (u64 i = 0; i < count; ++i) {
    const u16 half = float_to_half(x[i]);
    std::memcpy(out + i * sizeof half, &half, sizeof half);
  }
}

void quantize_bf16(u8* out, const float* x, u64 count) {
  for (u64 i = 0; i < count; ++i) {
    const u16 upper = float_to_bfloat(x[i]);
    std::memcpy(out + i * sizeof upper, &upper, sizeof upper);
  }
}

}  // namespace bf::gguf
