#include "inference/kv_cache.h"

#include "inference/kernels/kernels.h"
#include "inference/vector.h"

namespace inference {

namespace {

u64 row_bytes(u64 head_dim, KvFormat format) {
  constexpr u64 kQ8_0Bytes = 34;  // of a block
  return format == KvFormat::F16 ? head_dim * sizeof(u16)
                                 : head_dim / kQ8BlockElements * kQ8_0Bytes;
}

u16* halves(u8* bytes) {
  return reinterpret_cast<u16*>(bytes);
}
const u16* halves(const u8* bytes) {
  return reinterpret_cast<const u16*>(bytes);
}

}  // namespace

bool KvCache::fits(const Shape& shape, KvFormat format) {
  return format == KvFormat::F16 ||
         (shape.head_dim % kQ8BlockElements == 0 && shape.head_dim <= kMostQ8HeadDim);
}

bool KvCache::allocate(const Shape& shape, KvFormat format, u64 context) {
  format_ = format;
  kv_heads_ = shape.kv_heads;
  queries_ = shape.heads / shape.kv_heads;
  head_dim_ = shape.head_dim;
  row_bytes_ = row_bytes(head_dim_, format);
  rows_ = round_up(context, kLanes);
  // Kernels read whole vectors, beyond the last value, too.
  return memory_.allocate(keys_at(shape.layers, 0) + sizeof(F32x16));
}

u64 KvCache::bytes_for(const Shape& shape, KvFormat format, u64 context) {
  return 2 * shape.layers * shape.kv_heads * round_up(context, kLanes) *
         row_bytes(shape.head_dim, format);
}

void KvCache::store(u64 layer, u64 kv_head, u64 position, const float* key, const float* value) {
  u8* keys = memory_.data() + keys_at(layer, kv_head);
  u8* values = memory_.data() + values_at(layer, kv_head);
  if (format_ == KvFormat::F16) {
    store_key(halves(keys), key, position, head_dim_);
    store_value(halves(values), value, position, head_dim_);
  } else {
    store_key_q8_0(keys, key, position, head_dim_);
    store_value_q8_0(values, value, position, head_dim_);
  }
}

void KvCache::attend(u64 layer, u64 kv_head, float* out, const float* query, float* scores,
                     u64 positions) const {
  const u8* keys = memory_.data() + keys_at(layer, kv_head);
  const u8* values = memory_.data() + values_at(layer, kv_head);
  const auto scale = static_cast<float>(1.0 / __builtin_sqrt(static_cast<double>(head_dim_)));
  if (format_ == KvFormat::F16)
    attention(out, query, halves(keys), halves(values), scores, positions, queries_, head_dim_,
              head_dim_, scale);
  else
    attention_q8_0(out, query, keys, values, scores, positions, queries_, head_dim_, head_dim_,
                   scale);
}

}  // namespace inference
