// Calls of kernels that are measured: their data, what a call reads and computes, what comes out.
//
//   for (const MakeCase& make : all_cases(Sizes::real(), "Q4_0,F16")) {
//     const auto c = make();
//     c->call(kernel), c->result()
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "inference/types.h"

namespace bench {

using inference::u32;
using inference::u64;
using inference::u8;

struct Sizes {
  u64 columns, cached_bytes, memory_bytes, batch_rows, positions, hidden;

  // TinyLlama's: 2048 columns, heads of 64, 8 of which share keys and values, 5632 in a feed-forward layer.
  static Sizes real() { return {2048, u64{384} << 10, u64{128} << 20, 256, 1024, 5632}; }
  static Sizes tiny() { return {512, u64{16} << 10, u64{64} << 10, 32, 40, 512}; }
};

// What bounds a call.
enum class Limit : u8 { Memory, Cache, Int8, Float32 };

// llama.cpp's twin of a matrix product, where it is there (ggml.h).
struct GgmlCall {
  u32 type = ~0u;  // as in GGUF files
  const u8* rows = nullptr;
  const float* activations = nullptr;
  u64 columns = 0, row_count = 0, tokens = 0, stride = 0;
};

class Case {
 public:
  std::string kernel, what;  // "matmul_q4_0", "1 token, memory"
  double bytes = 0, operations = 0;
  Limit limit = Limit::Cache;
  bool in_place = false;  // call() changes its input: renew() before each

  virtual ~Case() = default;
  virtual void renew() {}
  virtual void call(const void* kernel) = 0;
  virtual std::vector<float> result() const = 0;
  // How far results may differ, as a part of the greatest number.
  virtual double tolerance() const { return 1e-5; }
  virtual GgmlCall ggml() const { return {}; }
};

// Cases are large: made one after the other.
using MakeCase = std::function<std::unique_ptr<Case>()>;

// Of all formats, or of those named (as "Q4_0,F16"; then nothing but matrix products).
std::vector<MakeCase> all_cases(const Sizes& sizes, const std::string& formats);

}  // namespace bench
