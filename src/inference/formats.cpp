#include "inference/formats.h"

#include "inference/kernels/kernels.h"

namespace inference {

namespace {

constexpr Format kFormats[] = {
#define BF_FORMAT(name, id, elements, bytes, activations, matmul, dequantize, ...) \
  {#name, id, elements, bytes, Activations::activations, matmul, dequantize, {__VA_ARGS__}},
#define BF_FORMAT_WITHOUT_KERNEL(name, id)
#include "inference/formats.def"
#undef BF_FORMAT
#undef BF_FORMAT_WITHOUT_KERNEL
};

struct Name {
  u32 gguf_id;
  Text name;
};

constexpr Name kNames[] = {
#define BF_FORMAT(name, id, ...) {id, #name},
#define BF_FORMAT_WITHOUT_KERNEL(name, id) {id, #name},
#include "inference/formats.def"
#undef BF_FORMAT
#undef BF_FORMAT_WITHOUT_KERNEL
};

// Whether fields are the bytes of a block, and packing puts each of them where no other one goes.
constexpr bool fields_are_a_block(const Format& format) {
  bool taken[256] = {};
  u32 stored = 0;
  for (const Field& field : format.fields) {
    for (u32 i = 0; i < field.count; ++i)
      for (u32 byte = 0; byte < field.unit_bytes; ++byte) {
        const u32 at = field.begin(stored) + i * field.stride() + byte;
        if (at >= format.block_bytes || taken[at]) return false;
        taken[at] = true;
      }
    stored += field.bytes();
  }
  return stored == format.block_bytes;
}

constexpr bool rows_are_sane() {
  for (const Format& a : kFormats) {
    if (a.block_elements == 0 || a.block_bytes == 0 || a.matmul == nullptr) return false;
    if (!fields_are_a_block(a)) return false;
    // Q8 activations come in blocks of 32: so must the weights they meet.
    if (a.activations == Activations::Q8 && a.block_elements % kQ8BlockElements != 0) return false;
  }
  for (const Name& a : kNames)
    for (const Name& b : kNames)
      if (&a != &b && a.gguf_id == b.gguf_id) return false;
  return true;
}
static_assert(rows_are_sane());

}  // namespace

View<Format> formats() {
  return {kFormats, sizeof kFormats / sizeof kFormats[0]};
}

const Format* find_format(u32 gguf_id) {
  for (const Format& format : kFormats)
    if (format.gguf_id == gguf_id) return &format;
  return nullptr;
}

Text format_name(u32 gguf_id) {
  for (const Name& row : kNames)
    if (row.gguf_id == gguf_id) return row.name;
  return "unknown";
}

void list_formats(Message& message) {
  const Format* first = kFormats;
  for (const Format& format : kFormats)
    message << Text(&format == first ? "" : ", ", &format == first ? 0 : 2) << format.name;
}

}  // namespace inference
