// A GGUF file to read from.
//
//   auto model = SourceModel::open("in.gguf");
//   model->gguf().find_tensor("output.weight")
//   auto rows = model->rows(tensor);            // checked: all of them are in the file
//   rows->format->dequantize(out, rows->data + i * rows->row_bytes, rows->columns);
#pragma once

#include <memory>
#include <string_view>

#include "inference/formats.h"
#include "inference/gguf.h"
#include "tools/gguf/files.h"

namespace bf::gguf {

inline std::string_view view(inference::Text text) {
  return {text.data, text.size};
}
inline inference::Text text_of(std::string_view view) {
  return {view.data(), view.size()};
}

// A tensor as a matrix; those of more dimensions are many matrices below each other.
struct SourceRows {
  const inference::Format* format;
  const u8* data;
  u64 columns, rows, row_bytes;
};

class SourceModel {
 public:
  static Result<SourceModel> open(const char* path);

  const inference::Gguf& gguf() const { return *gguf_; }
  u64 file_bytes() const { return file_.bytes().size(); }
  Result<SourceRows> rows(const inference::GgufTensor& tensor) const;
  // `key` of the file's architecture, such as "block_count"; the fallback where there is none.
  u64 number(std::string_view key, u64 fallback) const;

 private:
  SourceModel(InputFile file, std::unique_ptr<inference::Gguf> gguf)
      : file_(std::move(file)), gguf_(std::move(gguf)) {}

  InputFile file_;
  std::unique_ptr<inference::Gguf> gguf_;
};

}  // namespace bf::gguf
