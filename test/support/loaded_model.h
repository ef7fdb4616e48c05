// Everything between a GGUF file and logits, loaded for a test.
#pragma once

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "inference/gguf.h"
#include "inference/model.h"
#include "inference/tokenizer.h"
#include "inference/transformer.h"

namespace test {

inline inference::Text as_text(const std::string& text) {
  return {text.data(), text.size()};
}
inline std::string as_string(inference::Text text) {
  return {text.data, text.size};
}

inline inference::Bytes as_bytes(const std::string& bytes) {
  return {reinterpret_cast<const inference::u8*>(bytes.data()), bytes.size()};
}

struct LoadedModel {
  explicit LoadedModel(std::string file) : bytes(std::move(file)) {
    loaded = gguf.parse(as_bytes(bytes), error) && model.load(gguf, memory(), error) &&
             tokenizer.load(gguf, model.shape.vocabulary, error) &&
             transformer.prepare(model, {}, error);
  }
  inference::MutableBytes memory() {
    return {reinterpret_cast<inference::u8*>(bytes.data()), bytes.size()};
  }
  std::string message() const { return as_string(error.text()); }

  std::string bytes;
  inference::Error error;
  inference::Gguf gguf;
  inference::Model model;
  inference::Tokenizer tokenizer;
  inference::Transformer transformer;
  bool loaded = false;
};

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The path of a file of the shared models, or "" where they are not on this machine.
inline std::string shared_model(const std::string& name) {
  const char* folder = std::getenv("BAREFLOW_SHARED_MODELS");
  if (folder == nullptr || *folder == '\0') return "";
  const std::string path = std::string(folder) + "/" + name;
  return std::ifstream(path).good() ? path : "";
}

}  // namespace test
