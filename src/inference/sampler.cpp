#include "inference/sampler.h"

namespace inference {

uint32_t argmax(const float* logits, uint64_t count) {
  u32 best = 0;
  for (u64 i = 1; i < count; ++i)
    if (logits[i] > logits[best]) best = static_cast<u32>(i);
  return best;
}

bool Sampler::prepare(u64 vocabulary, u64 context, const SamplerSettings& settings) {
  settings_ = settings;
  random_ = Random(settings.seed);
  vocabulary_ = vocabulary;
  penalises_ = settings.has_penalties() && !settings.mirostat;
  start();
  return recent_.prepare(vocabulary, penalises_ ? min(settings.repeat_last_n, context) : 0) &&
         logits_.allocate(vocabulary) && candidates_.allocate(vocabulary);
}

void Sampler::start() {
  surprise_limit_ = 2.0f * settings_.mirostat_entropy;
  recent_.clear();
}

u32 Sampler::choose(const float* logits, TokenFilter* filter) {
  const auto copy = [&] { copy_bytes(logits_.data(), logits, vocabulary_ * sizeof(float)); };
  if (adjusts()) {
    copy();
    adjust();
  }
  const u32 token = choose_adjusted(adjusts() ? logits_.data() : logits);
  if (filter == nullptr || filter->allows(token)) return token;
  copy();
  filter->rule_out(logits_.data());
  adjust();
  return choose_adjusted(logits_.data());
}

void Sampler::adjust() {
  for (const TokenBias& b : settings_.biases) logits_[b.token] += b.bias;
  if (!penalises_ || recent_.empty()) return;
  for (u32 token = 0; token < vocabulary_; ++token) {
    const u32 count = recent_.count(token);
    if (count == 0) continue;
    float& logit = logits_[token];
    logit = logit <= 0.0f ? logit * settings_.repeat_penalty : logit / settings_.repeat_penalty;
    logit -= static_cast<float>(count) * settings_.frequency_penalty + settings_.presence_penalty;
  }
}

u32 Sampler::choose_adjusted(const float* logits) {
  const SamplerSettings& s = settings_;
  // Of all steps only "typical" may drop the likeliest one.
  if (s.temperature == 0.0f && (s.mirostat || s.typical_p >= 1.0f))
    return argmax(logits, vocabulary_);
  top_k(candidates_, logits, vocabulary_, s.mirostat ? 0 : s.top_k);
  if (candidates_.count == 0) return argmax(logits, vocabulary_);
  if (!s.mirostat) {
    typical(candidates_, s.typical_p, s.min_keep);
    top_p(candidates_, s.top_p, s.min_keep);
    min_p(candidates_, s.min_p, s.min_keep);
  }
  scale(candidates_, s.temperature);
  if (!s.mirostat) return draw(candidates_, random_);
  return draw_mirostat(candidates_, s.mirostat_entropy, s.mirostat_rate, surprise_limit_, random_);
}

}  // namespace inference
