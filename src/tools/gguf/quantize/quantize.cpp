#include "tools/gguf/quantize/quantize.h"

namespace bf::gguf {

namespace {

constexpr Quantizer kQuantizers[] = {
#define BF_QUANTIZER(name, id, elements, bytes, function) {#name, id, elements, bytes, function},
#include "tools/gguf/quantize/quantizers.def"
#undef BF_QUANTIZER
};

constexpr float kMostHalf = 65504.0f;
constexpr float kMostFloat = 3.4028235e38f;
constexpr float kMostBfloat = 3.3895314e38f;

}  // namespace

bool Quantizer::accepts(const float* x, u64 count) const {
  const bool wide = name == "F32" || name == "BF16";
  const float most = name == "F32" ? kMostFloat : wide ? kMostBfloat : kMostHalf;
  // A NaN is not at most anything.
  bool good = true;
  for (u64 i = 0; i < count; ++i) good &= __builtin_fabsf(x[i]) <= most;
  return good;
}

const Quantizer* find_quantizer(u32 gguf_id) {
  for (const Quantizer& quantizer : kQuantizers)
    if (quantizer.gguf_id == gguf_id) return &quantizer;
  return nullptr;
}

const Quantizer* find_quantizer(std::string_view name) {
  for (const Quantizer& quantizer : kQuantizers)
    if (quantizer.name == name) return &quantizer;
  return nullptr;
}

}  // namespace bf::gguf
