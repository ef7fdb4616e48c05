// The tokens that are left to choose among, and the steps that leave fewer of them or make some of
// them likelier. Sampler puts the steps together (sampler.h).
//
//   Candidates candidates;
//   if (!candidates.allocate(vocabulary)) ...    // memory is short
//   top_k(candidates, logits, vocabulary, 40);
//   top_p(candidates, 0.95f, 0);
//   scale(candidates, 0.8f);
//   u32 token = draw(candidates, random);
//
// Each step means what the one of its name in llama.cpp means. Equal logits are taken by number,
// the lower token first. `min_keep` tokens stay, whatever a step would leave.
#pragma once

#include "inference/random.h"
#include "inference/types.h"

namespace inference {

struct Candidate {
  float logit;
  u32 token;
  float probability;  // after set_probabilities()
};

struct Candidates {
  Array<Candidate> items;
  u64 count = 0;
  bool sorted = false;  // the likeliest is first

  [[nodiscard]] bool allocate(u64 vocabulary) { return items.allocate(vocabulary); }
};

// The k tokens with the greatest logits, sorted; with k = 0 all of them, unsorted. Those with a
// logit of minus infinity are out in any case.
void top_k(Candidates& candidates, const float* logits, u64 vocabulary, u64 k);

// Probabilities of logits.
void set_probabilities(Candidates& candidates);

// Locally typical sampling (Meister et al., 2022): the tokens whose information is nearest to the
// entropy, until they make up p. From 1 on everything stays.
void typical(Candidates& candidates, float p, u64 min_keep);

// Nucleus sampling (Holtzman et al., 2020): the likeliest, until they make up p.
void top_p(Candidates& candidates, float p, u64 min_keep);

// Those at least p times as likely as the likeliest (Nguyen et al., 2024).
void min_p(Candidates& candidates, float p, u64 min_keep);

// Divides logits by a temperature; at 0 the greatest alone stays.
void scale(Candidates& candidates, float temperature);

// A token by chance, as likely as its probability.
u32 draw(Candidates& candidates, Random& random);

// Mirostat 2 (Basu et al., 2021): of the tokens that surprise by less than `limit` bits (the
// likeliest is one in any case) one is drawn. The limit is moved by `rate` of what the token's
// surprise is away from `target`.
u32 draw_mirostat(Candidates& candidates, float target, float rate, float& limit, Random& random);

}  // namespace inference
