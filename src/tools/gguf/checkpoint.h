// Checkpoints of llama2.c, as its `export.py --version 0` writes them: seven numbers, then all
// weights as f32; and the vocabularies that go with them (tok*.bin).
// Format: https://github.com/karpathy/llama2.c, export.py and run.c
//
//   auto checkpoint = Checkpoint::parse("model.bin", bytes);
//   auto vocabulary = CheckpointVocabulary::parse("tok.bin", bytes,
//   checkpoint->shape().vocabulary); vocabulary->describe(model); checkpoint->describe(model); for
//   (const auto& tensor : checkpoint->tensors()) ...
//
// Views point into the bytes, which must stay.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/gguf/model_writer.h"

namespace bf::gguf {

class Checkpoint {
 public:
  struct Shape {
    u64 dim, hidden, layers, heads, kv_heads, vocabulary, context;
    bool tied;
  };
  struct Tensor {
    std::string name;        // as GGUF has it
    std::vector<u64> sizes;  // innermost first
    const u8* data;          // f32, of any alignment
  };

  // `file` is what errors call it.
  static Result<Checkpoint> parse(const char* file, std::span<const u8> bytes);

  const Shape& shape() const { return shape_; }
  const std::vector<Tensor>& tensors() const { return tensors_; }
  void describe(ModelWriter& model) const;

 private:
  void place(const u8* weights);

  Shape shape_;
  std::vector<Tensor> tensors_;
};

class CheckpointVocabulary {
 public:
  // Of `count` pieces.
  static Result<CheckpointVocabulary> parse(const char* file, std::span<const u8> bytes, u64 count);

  void describe(ModelWriter& model) const;

 private:
  std::vector<std::string> pieces_;
  std::vector<float> scores_;
  std::vector<i32> types_;
};

}  // namespace bf::gguf
