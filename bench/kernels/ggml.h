// llama.cpp's own dot products, from its CPU library: the variant that it would choose for this
// processor, called through its C API.
//
//   const auto ggml = Ggml::load("build/llama.cpp/.../linux-x64");
//   if (ggml && ggml->prepare(c->ggml())) ggml->run();   // rows x tokens products
//
// Weights lie as in the file, and activations are rounded as llama.cpp rounds them. It may multiply
// whole matrices by other means; this is what it does for one row and one token.
#pragma once

#include <optional>
#include <vector>

#include "cases.h"

namespace bench {

// As in ggml-cpu.h of version 0.5 of the library.
struct GgmlTraits {
  void (*from_float)(const float* x, void* y, long long count);
  void (*vec_dot)(int count, float* out, size_t, const void* x, size_t, const void* y, size_t, int);
  int activations;
  long long rows_together;
};

class Ggml {
 public:
  static std::optional<Ggml> load(const char* folder);

  // False if it cannot do it.
  bool prepare(const GgmlCall& call);
  void run();
  std::vector<float> result() const { return out_; }

 private:
  const GgmlTraits* (*traits_)(int type) = nullptr;
  size_t (*row_bytes_)(int type, long long count) = nullptr;
  GgmlCall call_;
  const GgmlTraits* of_ = nullptr;
  std::vector<u8> activations_;
  std::vector<float> out_;
};

}  // namespace bench
