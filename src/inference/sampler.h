// Choosing the next token from the logits.
//
//   Sampler sampler;
//   if (!sampler.prepare(vocabulary, settings)) ...   // memory is short
//   u32 token = sampler.choose(logits);
//
// Temperature 0 takes the greatest logit, the first of equals. Otherwise logits are divided by the
// temperature, and a token is drawn from the smallest set of likeliest ones that together reach
// the probability top_p.
#pragma once

#include "inference/types.h"

namespace inference {

struct SamplerSettings {
  float temperature = 0.8f;
  float top_p = 0.95f;
  u64 seed = 0;
};

// xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64.
class Random {
 public:
  explicit Random(u64 seed = 0);
  u64 next();
  // From 0 (included) to 1 (excluded), 53 bits.
  double next_unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  u64 state_[4];
};

class Sampler {
 public:
  [[nodiscard]] bool prepare(u64 vocabulary, const SamplerSettings& settings);

  u32 choose(const float* logits);

 private:
  struct Candidate {
    float probability;
    u32 token;
  };

  u64 likely_candidates();

  SamplerSettings settings_;
  Random random_;
  u64 vocabulary_ = 0;
  Array<float> probabilities_;
  Array<Candidate> candidates_;
};

extern "C" {

// The first of the greatest logits.
[[gnu::noinline]] uint32_t argmax(const float* logits, uint64_t count);

}  // extern "C"

}  // namespace inference
