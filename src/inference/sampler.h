// Choosing the next token from the logits.
//
//   Sampler sampler;
//   if (!sampler.prepare(vocabulary, context, settings)) ...   // memory is short
//   sampler.start();                                           // of a text
//   sampler.accept(token);                                     // for each of the prompt
//   u32 token = sampler.choose(logits);
//   sampler.accept(token);
//
// The steps, in llama.cpp's order and meaning: biases are added, penalties taken off; of the top-k
// tokens those stay that are typical, then those in top-p, then those above min-p; the temperature
// divides logits, and one is drawn. With Mirostat there are only biases, temperature and its own
// draw. At temperature 0 the greatest logit is taken, the first of equals.
//
// A filter (a grammar) is asked about the token that was chosen. If it may not be, the filter rules
// out all that may not, and the steps are gone through again.
#pragma once

#include "inference/candidates.h"
#include "inference/random.h"
#include "inference/recent_tokens.h"
#include "inference/types.h"

namespace inference {

struct TokenBias {
  u32 token;
  float bias;
};

struct SamplerSettings {
  static constexpr u64 kWholeContext = UINT64_MAX;

  float temperature = 0.8f;
  float top_p = 0.95f;
  u64 seed = 0;
  u64 top_k = 40;  // 0: all
  float min_p = 0.05f;
  float typical_p = 1.0f;
  u64 min_keep = 0;
  u64 repeat_last_n = 64;  // how far back penalties look
  float repeat_penalty = 1.0f;
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;
  bool mirostat = false;  // its second version
  float mirostat_rate = 0.1f;
  float mirostat_entropy = 5.0f;
  View<TokenBias> biases = {};  // must stay

  bool has_penalties() const {
    return repeat_last_n > 0 &&
           (repeat_penalty != 1.0f || frequency_penalty != 0.0f || presence_penalty != 0.0f);
  }
};

// Says which tokens may come next.
class TokenFilter {
 public:
  virtual bool allows(u32 token) = 0;
  // Sets the logits of all that may not come to minus infinity.
  virtual void rule_out(float* logits) = 0;

 protected:
  ~TokenFilter() = default;
};

class Sampler {
 public:
  // `context` is the most tokens that penalties can look back at.
  [[nodiscard]] bool prepare(u64 vocabulary, u64 context, const SamplerSettings& settings);

  // Forgets the tokens of the last text. The random numbers go on.
  void start();

  // What has become part of the text.
  void accept(u32 token) { recent_.add(token); }

  u32 choose(const float* logits, TokenFilter* filter = nullptr);

 private:
  u32 choose_adjusted(const float* logits);
  bool adjusts() const { return settings_.biases.size > 0 || penalises_; }
  void adjust();

  SamplerSettings settings_;
  Random random_;
  u64 vocabulary_ = 0;
  bool penalises_ = false;
  float surprise_limit_ = 0.0f;  // Mirostat's
  RecentTokens recent_;
  Array<float> logits_;  // adjusted, or with what a filter rules out
  Candidates candidates_;
};

extern "C" {

// The first of the greatest logits.
[[gnu::noinline]] uint32_t argmax(const float* logits, uint64_t count);

}  // extern "C"

}  // namespace inference
