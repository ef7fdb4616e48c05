// A Llama model's shape and its weights, as they lie in the file.
//
//   Model model;
//   if (!model.load(gguf, error)) ...
//
// Matrices stay in the blob, quantised; norms are copied out as padded floats. Every matrix that
// the forward pass will read has been checked: shape, format, and that all of it is in the file.
#pragma once

#include "inference/formats.h"
#include "inference/gguf.h"
#include "inference/message.h"
#include "inference/types.h"

namespace inference {

struct Shape {
  u64 vocabulary;
  u64 dim;
  u64 layers;
  u64 heads;
  u64 kv_heads;
  u64 head_dim;
  u64 hidden;       // of the feed-forward network
  u64 context;      // positions that the model was trained for
  u64 rotated_dim;  // of head_dim, how many RoPE rotates
  float rope_base;
  float rope_scale;  // positions are multiplied by this (1 / linear scaling factor)
  float epsilon;

  u64 query_dim() const { return heads * head_dim; }
  u64 kv_dim() const { return kv_heads * head_dim; }
};

// (rows, columns), rows one after the other.
struct Matrix {
  const u8* data = nullptr;
  const Format* format = nullptr;
  u64 rows = 0;
  u64 columns = 0;

  u64 row_bytes() const { return format->row_bytes(columns); }
};

// Shapes as in `Shape`; norms (dim) are padded floats.
struct Layer {
  const float* attention_norm;
  Matrix query;   // (query_dim, dim)
  Matrix key;     // (kv_dim, dim)
  Matrix value;   // (kv_dim, dim)
  Matrix output;  // (dim, query_dim)
  const float* feed_forward_norm;
  Matrix gate;  // (hidden, dim)
  Matrix up;    // (hidden, dim)
  Matrix down;  // (dim, hidden)
};

class Model {
 public:
  [[nodiscard]] bool load(const Gguf& file, Error& error);

  Shape shape = {};
  Matrix embedding;  // (vocabulary, dim)
  Array<Layer> layers;
  const float* output_norm = nullptr;
  Matrix output;  // (vocabulary, dim); the embedding where the file has none

 private:
  bool load_layer(const Gguf& file, u64 index, Error& error);

  Array<float> norms_;
};

}  // namespace inference
