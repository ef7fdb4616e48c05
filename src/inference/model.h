// A model's shape and its weights.
//
//   Gguf gguf;
//   Model model;
//   if (!gguf.parse(memory, error) || !model.load(gguf, memory, error)) ...
//
// Matrices stay in the file's memory, quantised, and are packed in place there (pack.h): what the
// directory of the file says of them is history then. Norms are copied out as padded floats. Every
// matrix that the forward pass will read has been checked: shape, format, that all of it is in the
// file, and that no two share bytes. Where the architecture rotates the halves of a head together,
// queries and keys are reordered so that RoPE finds its pairs side by side.
#pragma once

#include "inference/architecture.h"
#include "inference/formats.h"
#include "inference/gguf.h"
#include "inference/matrix.h"
#include "inference/message.h"
#include "inference/rope_angles.h"
#include "inference/types.h"

namespace inference {

struct Shape {
  Architecture architecture;
  u64 vocabulary;
  u64 dim;
  u64 layers;
  u64 heads;
  u64 kv_heads;
  u64 head_dim;
  u64 hidden;       // of the feed-forward network
  u64 context;      // positions that the model was trained for
  u64 rotated_dim;  // of head_dim, how many RoPE rotates
  RopeAngles rope;
  float epsilon;

  u64 query_dim() const { return heads * head_dim; }
  u64 kv_dim() const { return kv_heads * head_dim; }
};

// Shapes as in `Shape`; norms (dim) and biases are padded floats, null where the model has none.
struct Layer {
  const float* attention_norm;
  Matrix query;   // (query_dim, dim)
  Matrix key;     // (kv_dim, dim)
  Matrix value;   // (kv_dim, dim)
  float* query_bias;
  float* key_bias;
  float* value_bias;
  float* query_norm;  // (head_dim)
  float* key_norm;    // (head_dim)
  Matrix output;  // (dim, query_dim)
  const float* feed_forward_norm;
  Matrix gate;  // (hidden, dim)
  Matrix up;    // (hidden, dim)
  Matrix down;  // (dim, hidden)
};

class Model {
 public:
  // `memory` is what `file` was parsed from.
  [[nodiscard]] bool load(const Gguf& file, MutableBytes memory, Error& error);

  Shape shape = {};
  Matrix embedding;  // (vocabulary, dim); packed only where it is the output, too
  Array<Layer> layers;
  const float* output_norm = nullptr;
  Matrix output;  // (vocabulary, dim); the embedding where the file has none

 private:
  class Finder;

  bool find_all(Finder& find);
  bool find_layer(Finder& find, u64 index);
  bool find_extras(Finder& find, u64 index);
  bool find_rope_factors(Finder& find);
  bool pair_up(Error& error);
  float* take_floats(u64 count);
  bool pack(Error& error);
  template <class Visit>
  bool for_each_product(Visit visit);

  bool tied_ = false;    // the embedding is the output, too
  bool biases_ = false;  // of queries, keys and values
  u64 floats_used_ = 0;
  Array<float> floats_;  // norms, biases, RoPE's factors
  Array<u8> tails_;
};

}  // namespace inference
