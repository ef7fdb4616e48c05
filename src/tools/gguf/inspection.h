// What is in a model file, for people and as JSON.
#pragma once

#include <string>
#include <vector>

#include "tools/gguf/source_model.h"

namespace bf::gguf {

class Inspection {
 public:
  explicit Inspection(const SourceModel& model);

  // 80 columns; the tensors one by one only if they are wanted.
  std::string text(std::string_view file, bool tensors) const;
  std::string json() const;

 private:
  struct Entry {
    std::string key, type, value, json;
  };
  struct Tensor {
    std::string name, format;
    std::vector<u64> sizes;
    u64 elements, bytes;  // bytes are 0 for a format whose size is unknown
  };
  struct Total {
    std::string format;
    u64 tensors = 0, elements = 0, bytes = 0;
  };

  std::vector<Total> totals() const;

  u64 file_bytes_;
  std::vector<Entry> entries_;
  std::vector<Tensor> tensors_;
};

}  // namespace bf::gguf
