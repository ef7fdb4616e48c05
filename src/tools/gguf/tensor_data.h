// Fills the tensors of a model by all cores, a few rows at a time: whatever the model's size, each
// thread needs room for some rows only.
//
//   write_tensors(model, file, 0, "quantising", [&](usize tensor, u64 row, u64 rows, float* out) {
//     ...                                     // out[rows * columns]
//     return Result<void>();
//   });
#pragma once

#include <functional>

#include "tools/gguf/model_writer.h"

namespace bf::gguf {

// Rows of a tensor as floats. There is room for kRowSlack floats more behind the last one.
using RowSource = std::function<Result<void>(usize tensor, u64 row, u64 rows, float* out)>;
inline constexpr u64 kRowSlack = 16;

// The bytes of a tensor that is copied as it is; null for one that is to be quantised.
using RawSource = std::function<const u8*(usize tensor)>;

Result<void> write_tensors(const ModelWriter& model, const OutputFile& file, u32 threads,
                           const char* what, const RowSource& rows, const RawSource& raw = {});

}  // namespace bf::gguf
