#include "inference/sampler.h"

#include "inference/binary_heap.h"
#include "inference/kernels/kernels.h"
#include "inference/vector.h"

namespace inference {

namespace {

constexpr u64 rotate_left(u64 x, int count) {
  return x << count | x >> (64 - count);
}

}  // namespace

Random::Random(u64 seed) {
  for (u64& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    u64 z = seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    word = z ^ z >> 31;
  }
}

u64 Random::next() {
  const u64 result = rotate_left(state_[1] * 5, 7) * 9;
  const u64 shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

uint32_t argmax(const float* logits, uint64_t count) {
  u32 best = 0;
  for (u64 i = 1; i < count; ++i)
    if (logits[i] > logits[best]) best = static_cast<u32>(i);
  return best;
}

bool Sampler::prepare(u64 vocabulary, const SamplerSettings& settings) {
  settings_ = settings;
  random_ = Random(settings.seed);
  vocabulary_ = vocabulary;
  return probabilities_.allocate(round_up(vocabulary, kLanes)) && candidates_.allocate(vocabulary);
}

u32 Sampler::choose(const float* logits) {
  if (settings_.temperature == 0.0f) return argmax(logits, vocabulary_);
  const float inverse = 1.0f / settings_.temperature;
  for (u64 i = 0; i < vocabulary_; ++i) probabilities_[i] = logits[i] * inverse;
  softmax(probabilities_.data(), vocabulary_);

  // The likeliest leave the heap until they make up top_p. They are drawn among at once: the
  // random number is fixed first, so that it falls on one of them in the order they come out.
  const auto likelier = [](const Candidate& a, const Candidate& b) {
    return a.probability > b.probability || (a.probability == b.probability && a.token < b.token);
  };
  const u64 total = likely_candidates();
  make_heap(candidates_.data(), total, likelier);
  u64 left = total;
  double together = 0.0;
  while (left > 0 && together < settings_.top_p) {
    const Candidate next = pop_heap(candidates_.data(), left, likelier);
    together += next.probability;
    candidates_[left] = next;  // the place that the heap has just given up
  }
  double drawn = random_.next_unit() * together;
  for (u64 i = total; i > left; --i) {
    drawn -= candidates_[i - 1].probability;
    if (drawn < 0.0) return candidates_[i - 1].token;
  }
  // Only rounding, or logits that are no numbers, lead here.
  return left < total ? candidates_[left].token : argmax(logits, vocabulary_);
}

// Collects the tokens that may belong to the set: if one with less than (1 - top_p) / (n - 1) did,
// all others that are as small together could not make up 1 - top_p.
u64 Sampler::likely_candidates() {
  const float others = static_cast<float>(max(vocabulary_, u64{2}) - 1);
  const float cutoff = (1.0f - settings_.top_p) / others;
  u64 count = 0;
  for (u64 i = 0; i < vocabulary_; ++i)
    if (probabilities_[i] >= cutoff)
      candidates_[count++] = {probabilities_[i], static_cast<u32>(i)};
  return count;
}

}  // namespace inference
