// The steps of sampling, against what they mean written down the long way, and small cases that
// can be checked by hand.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "inference/candidates.h"

using namespace inference;

namespace {

// Tokens by probability, the likeliest first, from logits.
struct Expected {
  u32 token;
  double logit, probability;
};

std::vector<Expected> sorted(const std::vector<float>& logits) {
  std::vector<Expected> all;
  for (u32 i = 0; i < logits.size(); ++i) all.push_back({i, logits[i], 0});
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
  });
  double sum = 0;
  for (auto& e : all) sum += e.probability = std::exp(e.logit - all[0].logit);
  for (auto& e : all) e.probability /= sum;
  return all;
}

std::vector<u32> tokens(const std::vector<Expected>& list, size_t count) {
  std::vector<u32> ids;
  for (size_t i = 0; i < std::min(count, list.size()); ++i) ids.push_back(list[i].token);
  return ids;
}

std::vector<u32> in_order(std::vector<u32> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

struct Steps {
  explicit Steps(const std::vector<float>& logits, u64 k = 0) {
    REQUIRE(candidates.allocate(logits.size()));
    top_k(candidates, logits.data(), logits.size(), k);
  }
  std::vector<u32> left() const {
    std::vector<u32> ids;
    for (u64 i = 0; i < candidates.count; ++i) ids.push_back(candidates.items[i].token);
    return ids;
  }
  Candidates candidates;
};

std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

std::vector<std::vector<float>> random_logits() {
  std::mt19937 random(4);
  std::vector<std::vector<float>> sets;
  for (const size_t size : {1, 2, 3, 10, 100, 1000, 3000})
    for (const float spread : {0.1f, 1.0f, 5.0f}) {
      std::normal_distribution<float> normal(0, spread);
      std::vector<float> logits(size);
      for (float& l : logits) l = normal(random);
      if (size > 10)  // equals, too
        for (size_t i = 0; i < size; i += 3) logits[i] = std::round(logits[i]);
      sets.push_back(logits);
    }
  return sets;
}

const std::vector<float> kTenths = logits_of({0.1, 0.2, 0.3, 0.4});

}  // namespace

TEST_CASE("small cases of each step") {
  CHECK(Steps(kTenths, 1).left() == std::vector<u32>{3});
  CHECK(Steps(kTenths, 3).left() == std::vector<u32>{3, 2, 1});
  CHECK(Steps(kTenths, 9).left().size() == 4);

  const auto after_top_p = [](float p, u64 keep) {
    Steps steps(kTenths);
    top_p(steps.candidates, p, keep);
    return steps.left();
  };
  CHECK(after_top_p(0, 0) == std::vector<u32>{3});
  CHECK(after_top_p(0.69f, 0) == std::vector<u32>{3, 2});
  CHECK(after_top_p(0.8f, 0) == std::vector<u32>{3, 2, 1});
  CHECK(after_top_p(0.0f, 2) == std::vector<u32>{3, 2});
  CHECK(after_top_p(1.0f, 0).size() == 4);

  const auto after_min_p = [](float p, u64 keep) {
    Steps steps(kTenths);
    min_p(steps.candidates, p, keep);
    return in_order(steps.left());
  };
  CHECK(after_min_p(0.0f, 0).size() == 4);
  CHECK(after_min_p(0.24f, 0).size() == 4);
  CHECK(after_min_p(0.26f, 0) == std::vector<u32>{1, 2, 3});
  CHECK(after_min_p(0.51f, 0) == std::vector<u32>{2, 3});
  CHECK(after_min_p(0.76f, 0) == std::vector<u32>{3});
  CHECK(after_min_p(1.0f, 0) == std::vector<u32>{3});
  CHECK(after_min_p(0.76f, 3) == std::vector<u32>{1, 2, 3});

  const auto after_typical = [](const std::vector<double>& p, float limit) {
    const std::vector<float> logits = logits_of(p);
    Steps steps(logits);
    typical(steps.candidates, limit, 0);
    return steps.left();
  };
  CHECK(after_typical({0.97, 0.01, 0.01, 0.01}, 0.5f) == std::vector<u32>{0});
  CHECK(after_typical({0.4, 0.2, 0.2, 0.2}, 0.5f) == std::vector<u32>{1, 2, 3});
}

TEST_CASE("top-k is the front of the sorted tokens") {
  for (const auto& logits : random_logits())
    for (const size_t k : {1, 2, 7, 40, 999}) {
      if (k >= logits.size()) continue;
      CHECK(Steps(logits, k).left() == tokens(sorted(logits), k));
    }
}

TEST_CASE("top-p and min-p leave what they say, of sorted tokens and of others") {
  for (const auto& logits : random_logits())
    for (const u64 k : {u64{0}, logits.size() - 1})
      for (const float p : {0.05f, 0.4f, 0.9f, 0.999f})
        for (const u64 keep : {0, 1, 5}) {
          auto all = sorted(logits);
          if (k > 0) {
            all.resize(k);
            double sum = 0;
            for (auto& e : all) sum += e.probability;
            for (auto& e : all) e.probability /= sum;
          }
          size_t nucleus = 0;
          for (double together = 0; nucleus < all.size() && (nucleus < keep || together < p);)
            together += all[nucleus++].probability;
          Steps steps(logits, k);
          top_p(steps.candidates, p, keep);
          // Rounding may decide of one at the limit.
          const auto left = steps.left();
          CHECK(left.size() + 1 >= nucleus);
          CHECK(left.size() <= nucleus + 1);
          CHECK(left == tokens(all, left.size()));

          size_t likely = 0;
          while (likely < all.size() &&
                 (likely < std::max<u64>(keep, 1) ||
                  all[likely].logit >= all[0].logit + std::log(static_cast<double>(p))))
            ++likely;
          Steps others(logits, k);
          min_p(others.candidates, p, keep);
          CHECK(in_order(others.left()) == in_order(tokens(all, likely)));
        }
}

TEST_CASE("typical sampling takes what is nearest to the entropy") {
  for (const auto& logits : random_logits())
    for (const float p : {0.2f, 0.7f, 0.95f}) {
      auto all = sorted(logits);
      double entropy = 0;
      for (const auto& e : all) entropy -= e.probability * std::log(e.probability);
      const auto distance = [&](u32 token) {
        const auto e =
            std::find_if(all.begin(), all.end(), [&](auto& x) { return x.token == token; });
        return std::abs(-std::log(e->probability) - entropy);
      };
      Steps steps(logits);
      typical(steps.candidates, p, 0);
      const auto left = steps.left();
      double together = 0, before = 0, farthest = 0;
      for (const u32 token : left) {
        before = together;
        together += std::find_if(all.begin(), all.end(), [&](auto& x) {
                      return x.token == token;
                    })->probability;
        CHECK(distance(token) >= farthest - 1e-5);
        farthest = std::max(farthest, distance(token));
      }
      CHECK(before <= p + 1e-5);
      CHECK((together > p - 1e-5 || left.size() == all.size()));
      for (const auto& e : all)
        if (std::find(left.begin(), left.end(), e.token) == left.end())
          CHECK(distance(e.token) >= farthest - 1e-5);
    }
}

TEST_CASE("probabilities are those of the logits") {
  for (const auto& logits : random_logits()) {
    const auto all = sorted(logits);
    Steps steps(logits);
    set_probabilities(steps.candidates);
    for (const auto& e : all)
      CHECK(steps.candidates.items[e.token].probability == Approx(e.probability).epsilon(1e-5));
  }
}

TEST_CASE("minus infinity is out") {
  Steps steps({1.0f, -INFINITY, 2.0f});
  CHECK(steps.left() == std::vector<u32>{0, 2});
  CHECK(Steps({1.0f, -INFINITY, 2.0f, -INFINITY}, 3).left() == std::vector<u32>{2, 0});
}
