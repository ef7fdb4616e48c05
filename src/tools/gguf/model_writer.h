// A GGUF file in the making: first what the head says, then the data of the tensors in any order.
//
//   ModelWriter model;
//   model.text("general.architecture", "llama");
//   usize embeddings = model.tensor("token_embd.weight", {2048, 32000}, *find_quantizer("Q4_0"));
//   auto file = model.create("out.gguf");
//   file->write(model.offset(embeddings), data, bytes);     // from any thread
//   file->finish();
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inference/gguf.h"
#include "tools/gguf/files.h"
#include "tools/gguf/quantize/quantize.h"

namespace bf::gguf {

class ModelWriter {
 public:
  using Type = inference::GgufType;

  void text(std::string_view key, std::string_view value);
  void number(std::string_view key, u32 value);
  void real(std::string_view key, float value);
  void texts(std::string_view key, const std::vector<std::string>& values);
  void reals(std::string_view key, const std::vector<float>& values);
  void integers(std::string_view key, const std::vector<i32>& values);
  // A value as it is in a file.
  void entry(std::string_view key, Type type, std::string_view value);

  // Those that another one has.
  void entries_of(const ModelWriter& other);

  struct Tensor {
    std::string name;
    std::vector<u64> sizes;  // innermost first
    const Quantizer* format;
    u64 offset;  // within the data

    u64 elements() const;
    u64 columns() const { return sizes[0]; }
    u64 bytes() const { return format->bytes(elements()); }
  };
  // Gives its index.
  usize tensor(std::string_view name, std::vector<u64> sizes, const Quantizer& format);
  const std::vector<Tensor>& tensors() const { return tensors_; }

  // The file with its head written, once everything has been added.
  Result<OutputFile> create(const char* path);
  // Where a tensor's data begins in the file. After create().
  u64 offset(usize tensor) const { return data_offset_ + tensors_[tensor].offset; }
  u64 data_bytes() const { return data_bytes_; }

 private:
  std::string head() const;

  std::string entries_;
  u64 entry_count_ = 0;
  std::vector<Tensor> tensors_;
  u64 data_offset_ = 0, data_bytes_ = 0;
};

// The value of an entry as it is in the file, without its type.
std::string_view raw_value(const inference::Gguf::Value& value);

}  // namespace bf::gguf
