#include "inference/kv_cache.h"

#include "inference/kernels/kernels.h"
#include "inference/vector.h"

namespace inference {

bool KvCache::allocate(const Shape& shape, u64 context) {
  kv_heads_ = shape.kv_heads;
  queries_ = shape.heads / shape.kv_heads;
  head_dim_ = shape.head_dim;
  rows_ = round_up(context, kLanes);
  // Kernels read whole vectors, beyond the last value, too.
  return halves_.allocate(keys_at(shape.layers, 0) + kLanes);
}

u64 KvCache::bytes_for(const Shape& shape, u64 context) {
  return 2 * shape.layers * shape.kv_dim() * round_up(context, kLanes) * sizeof(u16);
}

void KvCache::store(u64 layer, u64 kv_head, u64 position, const float* key, const float* value) {
  store_key(halves_.data() + keys_at(layer, kv_head), key, position, head_dim_);
  store_value(halves_.data() + values_at(layer, kv_head), value, position, head_dim_);
}

void KvCache::attend(u64 layer, u64 kv_head, float* out, const float* query, float* scores,
                     u64 positions) const {
  const double scale = 1.0 / __builtin_sqrt(static_cast<double>(head_dim_));
  attention(out, query, halves_.data() + keys_at(layer, kv_head),
            halves_.data() + values_at(layer, kv_head), scores, positions, queries_, head_dim_,
            head_dim_, static_cast<float>(scale));
}

}  // namespace inference
