#include "inference/candidates.h"

#include "inference/binary_heap.h"
#include "inference/math.h"

namespace inference {

namespace {

constexpr float kImpossible = -__builtin_inff();
constexpr double kLn2 = 0.69314718055994530942;

bool likelier(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

bool unlikelier(const Candidate& a, const Candidate& b) {
  return likelier(b, a);
}

// Keeps the candidates that come first by `before`, in that order, up to the one of which `last`
// is true. No more than these are put in order.
template <class Before, class Last>
void keep_first(Candidates& candidates, bool ordered, Before before, Last last) {
  Candidate* const items = candidates.items.data();
  const u64 count = candidates.count;
  u64 kept = 0;
  if (ordered) {
    while (kept < count && !last(items[kept++])) {
    }
    candidates.count = kept;
    return;
  }
  make_heap(items, count, before);
  for (bool more = true; more && kept < count;) {
    u64 left = count - kept++;
    const Candidate next = pop_heap(items, left, before);
    items[left] = next;  // the place that the heap has just given up
    more = !last(next);
  }
  // They lie at the end, the last one first.
  for (u64 i = 0; i < count / 2; ++i) {
    const Candidate other = items[i];
    items[i] = items[count - 1 - i];
    items[count - 1 - i] = other;
  }
  candidates.count = kept;
}

void keep_likeliest(Candidates& candidates, u64 count) {
  u64 seen = 0;
  keep_first(candidates, candidates.sorted, likelier,
             [&](const Candidate&) { return ++seen >= count; });
  candidates.sorted = true;
}

const Candidate& likeliest(const Candidates& candidates) {
  u64 best = 0;
  for (u64 i = 1; i < candidates.count && !candidates.sorted; ++i)
    if (likelier(candidates.items[i], candidates.items[best])) best = i;
  return candidates.items[best];
}

// Keeps those with a logit of at least `least`, in the order they have.
void keep_from(Candidates& candidates, double least, u64 min_keep) {
  u64 enough = 0;
  for (u64 i = 0; i < candidates.count; ++i) enough += candidates.items[i].logit >= least ? 1 : 0;
  if (enough < max<u64>(min_keep, 1)) return keep_likeliest(candidates, max<u64>(min_keep, 1));
  u64 kept = 0;
  for (u64 i = 0; i < candidates.count; ++i)
    if (candidates.items[i].logit >= least) candidates.items[kept++] = candidates.items[i];
  candidates.count = kept;
}

}  // namespace

void top_k(Candidates& candidates, const float* logits, u64 vocabulary, u64 k) {
  Candidate* const items = candidates.items.data();
  const bool all = k == 0 || k >= vocabulary;
  u64 count = 0;
  // The greatest k so far are a heap, the least of them in front.
  for (u32 token = 0; token < vocabulary; ++token) {
    if (logits[token] == kImpossible) continue;
    const Candidate candidate = {logits[token], token, 0.0f};
    if (all) {
      items[count++] = candidate;
    } else if (count < k) {
      push_heap(items, count, candidate, unlikelier);
    } else if (candidate.logit > items[0].logit) {
      items[0] = candidate;
      sift_down(items, count, 0, unlikelier);
    }
  }
  candidates.count = count;
  candidates.sorted = !all;
  if (!all) heap_sort(items, count, likelier);
}

void set_probabilities(Candidates& candidates) {
  const double greatest = likeliest(candidates).logit;
  double sum = 0.0;
  for (u64 i = 0; i < candidates.count; ++i) {
    Candidate& item = candidates.items[i];
    const double weight = exp(item.logit - greatest);
    item.probability = static_cast<float>(weight);
    sum += weight;
  }
  const float inverse = static_cast<float>(1.0 / sum);
  for (u64 i = 0; i < candidates.count; ++i) candidates.items[i].probability *= inverse;
}

void typical(Candidates& candidates, float p, u64 min_keep) {
  if (p >= 1.0f) return;
  set_probabilities(candidates);
  const auto information = [](const Candidate& c) {
    return c.probability > 0.0f ? -log(static_cast<double>(c.probability)) : __builtin_inf();
  };
  double entropy = 0.0;
  for (u64 i = 0; i < candidates.count; ++i) {
    const double probability = candidates.items[i].probability;
    if (probability > 0.0) entropy += probability * information(candidates.items[i]);
  }
  const auto distance = [&](const Candidate& c) {
    return __builtin_fabs(information(c) - entropy);
  };
  double together = 0.0;
  u64 kept = 0;
  keep_first(
      candidates, false,
      [&](const Candidate& a, const Candidate& b) {
        const double left = distance(a), right = distance(b);
        return left < right || (left == right && likelier(a, b));
      },
      [&](const Candidate& c) {
        together += c.probability;
        return ++kept >= min_keep && together > p;
      });
  candidates.sorted = false;
}

void top_p(Candidates& candidates, float p, u64 min_keep) {
  if (p >= 1.0f) return;
  set_probabilities(candidates);
  double together = 0.0;
  u64 kept = 0;
  keep_first(candidates, candidates.sorted, likelier, [&](const Candidate& c) {
    together += c.probability;
    return ++kept >= min_keep && together >= p;
  });
  candidates.sorted = true;
}

void min_p(Candidates& candidates, float p, u64 min_keep) {
  if (p <= 0.0f) return;
  keep_from(candidates, likeliest(candidates).logit + log(p), min_keep);
}

void scale(Candidates& candidates, float temperature) {
  if (temperature == 0.0f) return keep_likeliest(candidates, 1);
  for (u64 i = 0; i < candidates.count; ++i) candidates.items[i].logit /= temperature;
}

u32 draw(Candidates& candidates, Random& random) {
  set_probabilities(candidates);
  double together = 0.0;
  for (u64 i = 0; i < candidates.count; ++i) together += candidates.items[i].probability;
  double drawn = random.next_unit() * together;
  for (u64 i = 0; i < candidates.count; ++i) {
    drawn -= candidates.items[i].probability;
    if (drawn < 0.0) return candidates.items[i].token;
  }
  // Only rounding, or logits that are no numbers, lead here.
  return likeliest(candidates).token;
}

u32 draw_mirostat(Candidates& candidates, float target, float rate, float& limit, Random& random) {
  const double greatest = likeliest(candidates).logit;
  double sum = 0.0;
  for (u64 i = 0; i < candidates.count; ++i) sum += exp(candidates.items[i].logit - greatest);
  keep_from(candidates, greatest + log(sum) - limit * kLn2, 1);
  const u32 token = draw(candidates, random);
  for (u64 i = 0; i < candidates.count; ++i) {
    const Candidate& c = candidates.items[i];
    if (c.token != token || !(c.probability > 0.0f)) continue;
    const double surprise = -log(static_cast<double>(c.probability)) / kLn2;
    limit -= static_cast<float>(rate * (surprise - target));
  }
  return token;
}

}  // namespace inference
