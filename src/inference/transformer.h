// The forward pass of a Llama: tokens in, logits out, a KV cache between the calls.
//
//   Transformer transformer;
//   if (!transformer.prepare(model, context, error)) ...
//   const float* logits = transformer.forward(tokens, n, position);   // of the last token
//
// Positions must be fed in order: forward() at `position` needs the cache of all before it.
// A fresh context is forward() at position 0 again.
#pragma once

#include "inference/model.h"

namespace inference {

class Transformer {
 public:
  // How many tokens one pass takes through the layers together.
  static constexpr u64 kBatchTokens = 16;

  // Allocates the cache for at most `wanted_context` positions (0: as many as the model has), or
  // for half, a quarter, ... where memory is short. The model must outlive this.
  [[nodiscard]] bool prepare(const Model& model, u64 wanted_context, Error& error);

  // Runs tokens[0..count) at position, position + 1, ...; the result is the logits (vocabulary)
  // after the last one, valid until the next call. position + count <= context(), count > 0.
  const float* forward(const u32* tokens, u64 count, u64 position);

  u64 context() const { return context_; }
  u64 memory_bytes() const { return arena_.size() * sizeof(float); }

 private:
  // The same rows (tokens, columns) as floats and, where a matrix wants them, quantised.
  struct Rows;

  u64 plan(u64 context, float* arena);
  void forward_batch(const u32* tokens, u64 count, u64 position);
  void attend(const Layer& layer, u64 index, u64 tokens, u64 position);
  void attend_token(u64 layer, u64 token, u64 position);
  void feed_forward(const Layer& layer, u64 tokens);
  void rotate_into_cache(u64 layer, u64 tokens, u64 position);
  void prepare_rotations(u64 end);
  void multiply(float* out, u64 out_stride, const Matrix& matrix, Rows& rows);

  float* cache_row(float* cache, u64 layer, u64 kv_head, u64 position) {
    return cache +
           ((layer * model_->shape.kv_heads + kv_head) * cache_rows_ + position) * head_stride_;
  }

  const Model* model_ = nullptr;
  u64 context_ = 0;
  u64 cache_rows_ = 0;   // positions per head, rounded up for the attention kernel
  u64 head_stride_ = 0;  // floats of a head's row in cache and queries
  u64 rotations_ = 0;    // positions whose rotation is known
  Array<float> arena_;
  Array<double> frequencies_;  // (rotated_dim / 2)
  Array<u8> row_;              // of the embedding, unpacked

  // In the arena; rows are padded to whole vectors.
  float* stream_;       // (batch, dim): the residual stream
  float* normed_;       // (batch, dim)
  float* query_;        // (batch, query_dim), not rotated
  float* key_;          // (batch, kv_dim), not rotated
  float* value_;        // (batch, kv_dim)
  float* rotated_;      // (heads, head_stride): one token's queries
  float* mixed_heads_;  // (heads, head_stride): what attention gives for them
  float* mixed_;        // (batch, query_dim)
  float* projected_;    // (batch, dim)
  float* gate_;         // (batch, hidden)
  float* up_;           // (batch, hidden)
  u8* quantized_;       // (batch, Q8 row of the widest input)
  float* scores_;       // (heads, cache_rows)
  float* cosines_;      // (context, head_stride)
  float* sines_;        // (context, head_stride)
  float* keys_;         // (layers, kv_heads, cache_rows, head_stride)
  float* values_;       // (layers, kv_heads, cache_rows, head_stride)
  float* logits_;       // (vocabulary)
};

}  // namespace inference
