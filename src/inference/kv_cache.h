// Keys and values of all positions seen so far, as half-precision floats or in Q8_0.
//
//   KvCache cache;
//   if (!cache.allocate(shape, KvFormat::F16, context)) ...     // memory is short
//   cache.store(layer, kv_head, position, key, value);          // head_dim floats each, rotated
//   cache.attend(layer, kv_head, query, ...);
//
// A key-value head of a layer has keys in tiles of 16 positions, [tile][head_dim][16], so that a
// vector holds the same element of 16 keys, and values as [position][head_dim]. In Q8_0, a tile is
// a packed group of 16 rows, and a value is a row.
#pragma once

#include "inference/model.h"

namespace inference {

enum class KvFormat : u8 { F16, Q8_0 };

class KvCache {
 public:
  // Whether heads of the shape can be kept in the format.
  static bool fits(const Shape& shape, KvFormat format);

  [[nodiscard]] bool allocate(const Shape& shape, KvFormat format, u64 context);

  // Any core may store a position; two may store different ones.
  void store(u64 layer, u64 kv_head, u64 position, const float* key, const float* value);

  // What the query heads of a key-value head see of positions [0, positions): query and out are
  // (heads per kv head, head_dim). `scores` has score_count() floats, 64-byte aligned.
  void attend(u64 layer, u64 kv_head, float* out, const float* query, float* scores,
              u64 positions) const;

  u64 score_count() const { return queries_ * rows_; }
  static u64 bytes_for(const Shape& shape, KvFormat format, u64 context);
  u64 bytes() const { return memory_.size(); }

 private:
  u64 keys_at(u64 layer, u64 kv_head) const {
    return 2 * (layer * kv_heads_ + kv_head) * rows_ * row_bytes_;
  }
  u64 values_at(u64 layer, u64 kv_head) const {
    return keys_at(layer, kv_head) + rows_ * row_bytes_;
  }

  Array<u8> memory_;
  KvFormat format_ = KvFormat::F16;
  u64 kv_heads_ = 0;
  u64 queries_ = 0;  // query heads that share a key-value head
  u64 head_dim_ = 0;
  u64 row_bytes_ = 0;  // of a key or a value
  u64 rows_ = 0;       // the context, rounded up to whole tiles
};

}  // namespace inference
