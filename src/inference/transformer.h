// The forward pass: tokens in, logits out, a KV cache between the calls.
//
//   Transformer transformer;
//   if (!transformer.prepare(model, {.context = 512}, error)) ...
//   const float* logits = transformer.forward(tokens, n, position);   // of the last token
//
// or of every token, batch by batch:
//
//   transformer.read(tokens, n, position);                            // n <= batch()
//   const float* row = transformer.logits(i);                         // i < n
//
// Positions must be fed in order: what is read at `position` needs the cache of all before it.
// A fresh context is position 0 again.
#pragma once

#include "inference/kv_cache.h"
#include "inference/model.h"

namespace inference {

struct TransformerOptions {
  static constexpr u64 kMostBatch = 1024;

  u64 context = 0;  // positions, at most; 0: as many as the model has
  KvFormat kv = KvFormat::F16;
  // Tokens that go through the layers together, at most; 1 to kMostBatch. More than 48 bring
  // little: a processor multiplies a tile of tokens at a time, and 48 are enough of those for each
  // weight read.
  u64 batch = 48;
};

class Transformer {
 public:
  // Allocates the cache for as many positions as are wanted, or for half, a quarter, ... where
  // memory is short. The model must outlive this.
  [[nodiscard]] bool prepare(const Model& model, const TransformerOptions& options, Error& error);

  // Runs tokens[0..count) at position, position + 1, ...; the result is the logits (vocabulary)
  // after the last one, valid until the next call. position + count <= context(), count > 0.
  const float* forward(const u32* tokens, u64 count, u64 position);

  // The same without logits, for 1 to batch() tokens.
  void read(const u32* tokens, u64 count, u64 position);

  // The logits after token `index` of those that were last read, valid until the next call.
  const float* logits(u64 index);

  u64 context() const { return context_; }
  u64 batch() const { return batch_; }
  u64 cache_bytes() const { return cache_.bytes(); }
  u64 memory_bytes() const { return arena_.size() * sizeof(float) + cache_.bytes(); }

 private:
  // Of the rows of a matrix, some: from `first` on, a multiple of 16.
  struct Rows {
    u64 first, count;
  };
  // A product with all rows of a matrix, or some: out (tokens, padded number of rows).
  struct Product {
    const Matrix& matrix;
    float* out;
    Rows rows;

    Product(const Matrix& of, float* to) : Product(of, to, {0, of.rows}) {}
    Product(const Matrix& of, float* to, Rows some) : matrix(of), out(to), rows(some) {}
  };

  u64 plan(u64 context, float* arena);
  bool feeds_forward_q8() const;
  void prepare_rotations(u64 count, u64 position);
  void embed(u32 token, float* out);
  void attend(const Layer& layer, u64 index, u64 count, u64 position);
  void rotate_into_cache(const Layer& layer, u64 index, u64 token, u64 position);
  void feed_forward(const Layer& layer, u64 count);
  void norm(u64 token, const float* weight, bool quantized);
  void quantize(u64 token, const float* rows, u64 columns);
  u64 hidden_piece(u64 tokens) const;
  void activate(const Layer& layer, u64 token, Rows rows);
  template <u64 kCount>
  void multiply(const Product (&products)[kCount], const u8* quantized, const float* floats,
                u64 tokens);

  const Model* model_ = nullptr;
  u64 context_ = 0;
  u64 batch_ = 0;
  KvCache cache_;
  Array<float> arena_;
  Array<double> frequencies_;  // (rotated_dim / 2)
  double rope_magnitude_ = 1.0;
  Array<u8> row_;  // of the embedding, unpacked

  // In the arena; rows are padded to whole vectors. What is used at different times shares memory.
  float* stream_;    // (batch, dim): the residual stream
  float* normed_;    // (batch, dim)
  float* mixed_;     // (batch, query_dim), where normed_ is
  float* query_;     // (batch, query_dim)
  float* key_;       // (batch, kv_dim)
  float* value_;     // (batch, kv_dim)
  float* attended_;  // (batch, dim), where query_ is: what attention adds to the stream
  float* up_;        // (batch, hidden_piece), where query_, key_ and value_ are
  u8* hidden_;       // (batch, Q8 row of hidden), the same
  float* gate_;      // (batch, hidden_piece), where normed_ is if the layers take Q8
  float* fed_;       // (batch, dim), the same: what the hidden values add to the stream
  u8* quantized_;    // (batch, Q8 row of the widest of them)
  u8* pieces_;       // (cores, Q8 row of hidden): what is quantised before it is put into hidden_
  u64 hidden_floats_ = 0;  // that gate_ has room for
  float* scores_;          // (cores, what attention wants)
  float* cosines_;         // (batch, head_dim): of the positions of a batch
  float* sines_;           // (batch, head_dim)
  float* logits_;          // (vocabulary)
};

}  // namespace inference
