// How fast RoPE turns each pair of a head's elements.
//
//   RopeAngles angles{.base = 10000.0f};
//   const double radians = position * angles.frequency(pair, rotated_dim);
//
// Scaling of longer contexts: linear (positions are divided), YaRN (Peng et al., 2023: fast pairs
// turn as ever, slow ones as with linear scaling; attention gets sharper), and a factor for each
// pair that is in the file (Llama 3). All as llama.cpp does it.
#pragma once

#include "inference/types.h"

namespace inference {

struct RopeAngles {
  float base = 10000.0f;
  float scale = 1.0f;              // 1 / factor of linear scaling or YaRN
  float attention = 1.0f;          // what rotated elements are multiplied by, beside what YaRN does
  u64 original_context = 0;        // with YaRN: what the model was trained for first; else 0
  const float* factors = nullptr;  // of each pair, or null

  // Radians per position of pair i of rotated_dim / 2.
  double frequency(u64 pair, u64 rotated_dim) const;

  // What rotated elements are multiplied by.
  double magnitude() const;
};

}  // namespace inference
