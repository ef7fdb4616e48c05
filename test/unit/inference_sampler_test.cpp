// Choosing tokens: greedy, nucleus, seeds; and the options that say how.
#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "../support/loaded_model.h"
#include "inference/sampler.h"
#include "inference/settings.h"

using namespace inference;

namespace {

std::map<u32, int> draw(const std::vector<float>& logits, SamplerSettings settings, int count) {
  Sampler sampler;
  REQUIRE(sampler.prepare(logits.size(), 512, settings));
  std::map<u32, int> drawn;
  for (int i = 0; i < count; ++i) ++drawn[sampler.choose(logits.data())];
  return drawn;
}

std::string refusal(const std::string& options) {
  Settings settings;
  Error error;
  return settings.read(test::as_text(options), error) ? "" : test::as_string(error.text());
}

}  // namespace

TEST_CASE("temperature 0 takes the first of the greatest") {
  CHECK(draw({1, 5, 2, 5, -3}, {0.0f, 0.95f, 1}, 3) == std::map<u32, int>{{1, 3}});
}

TEST_CASE("draws follow the probabilities") {
  const std::vector<float> logits = {std::log(1.0f), std::log(3.0f), std::log(4.0f)};
  const auto drawn = draw(logits, {1.0f, 1.0f, 42}, 80'000);
  CHECK(drawn.at(0) == Approx(10'000).epsilon(0.05));
  CHECK(drawn.at(1) == Approx(30'000).epsilon(0.05));
  CHECK(drawn.at(2) == Approx(40'000).epsilon(0.05));
}

TEST_CASE("top-p keeps the smallest set that reaches it") {
  const std::vector<float> logits = {std::log(1.0f), std::log(3.0f), std::log(4.0f)};
  CHECK(draw(logits, {1.0f, 0.5f, 1}, 1000).size() == 1);
  CHECK(draw(logits, {1.0f, 0.51f, 1}, 1000).size() == 2);
  CHECK(draw(logits, {1.0f, 0.87f, 1}, 1000).size() == 2);
  CHECK(draw(logits, {1.0f, 0.88f, 1}, 1000).size() == 3);
  CHECK(draw(logits, {1.0f, 0.0f, 1}, 1000).size() == 1);
}

TEST_CASE("a low temperature sharpens, the same seed repeats") {
  std::vector<float> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i % 7);
  CHECK(draw(logits, {1.0f, 0.9f, 7}, 200) == draw(logits, {1.0f, 0.9f, 7}, 200));
  CHECK(draw(logits, {1.0f, 0.9f, 7}, 200) != draw(logits, {1.0f, 0.9f, 8}, 200));
  logits[500] = 8.0f;
  CHECK(draw(logits, {0.01f, 1.0f, 3}, 100) == std::map<u32, int>{{500, 100}});
}

TEST_CASE("penalties count what is among the last tokens") {
  SamplerSettings settings{.temperature = 0.0f, .repeat_last_n = 2, .frequency_penalty = 1.0f};
  Sampler sampler;
  REQUIRE(sampler.prepare(3, 512, settings));
  const float logits[] = {3.0f, 2.5f, 0.75f};
  std::vector<u32> told;
  for (int i = 0; i < 8; ++i) {
    told.push_back(sampler.choose(logits));
    sampler.accept(told.back());
  }
  // After one of each: 2.0 and 1.5; after twice 0: 1.0 and 2.5.
  CHECK(told == std::vector<u32>{0, 1, 0, 0, 1, 0, 0, 1});
  settings.frequency_penalty = 2.0f;
  REQUIRE(sampler.prepare(3, 512, settings));
  for (const u32 expected : {0, 1, 0}) {  // 1.0, 0.5, 0.75
    CHECK(sampler.choose(logits) == expected);
    sampler.accept(expected);
  }
  sampler.start();
  CHECK(sampler.choose(logits) == 0);
}

TEST_CASE("a penalty of repetition divides what is positive and multiplies what is not") {
  SamplerSettings settings{.temperature = 0.0f, .repeat_penalty = 2.0f};
  Sampler sampler;
  REQUIRE(sampler.prepare(3, 512, settings));
  sampler.accept(0);
  const float positive[] = {3.0f, 1.6f, 1.4f}, negative[] = {-1.0f, -1.9f, -5.0f},
              nearly[] = {-1.0f, -2.1f, -5.0f};
  CHECK(sampler.choose(positive) == 1);
  CHECK(sampler.choose(negative) == 1);
  CHECK(sampler.choose(nearly) == 0);
}

TEST_CASE("biases come first, and may rule out") {
  const TokenBias biases[] = {{0, -INFINITY}, {2, 3.0f}, {2, 3.0f}};
  SamplerSettings settings{.temperature = 0.0f, .biases = {biases, 3}};
  CHECK(draw({100, 5, 0, 4}, settings, 1) == std::map<u32, int>{{2, 1}});
  settings.temperature = 1.0f;
  settings.top_k = 0;
  settings.top_p = 1.0f;
  settings.min_p = 0.0f;
  CHECK(draw({100, 5, 0, 4}, settings, 1000).count(0) == 0);
  settings.mirostat = true;
  CHECK(draw({100, 5, 0, 4}, settings, 1000).count(0) == 0);
}

TEST_CASE("at temperature 0 only typical sampling may drop the likeliest") {
  const std::vector<float> logits = {std::log(0.97f), std::log(0.01f), std::log(0.01f),
                                     std::log(0.01f)};
  CHECK(draw(logits, {.temperature = 0.0f, .typical_p = 0.5f}, 1) == std::map<u32, int>{{0, 1}});
  const std::vector<float> even = {std::log(0.4f), std::log(0.2f), std::log(0.2f), std::log(0.2f)};
  CHECK(draw(even, {.temperature = 0.0f, .typical_p = 0.5f}, 1) == std::map<u32, int>{{1, 1}});
}

TEST_CASE("Mirostat keeps the surprise near its target") {
  std::vector<float> logits(2000);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = -1.1f * std::log(static_cast<float>(i + 1));
  double sum = 0;
  for (float l : logits) sum += std::exp(l);
  for (const float target : {2.0f, 4.0f, 6.0f}) {
    SamplerSettings settings{
        .temperature = 1.0f, .seed = 5, .mirostat = true, .mirostat_entropy = target};
    Sampler sampler;
    REQUIRE(sampler.prepare(logits.size(), 512, settings));
    double surprise = 0;
    for (int i = 0; i < 4000; ++i) {
      const u32 token = sampler.choose(logits.data());
      if (i >= 2000) surprise -= std::log2(std::exp(logits[token]) / sum) / 2000;
    }
    // The surprise that is steered is of what was left, which is no more than that of all.
    CHECK(surprise > target - 0.5);
    CHECK(surprise < target + 1.5);
  }
}

TEST_CASE("a filter is asked, and then rules out") {
  struct Odd : TokenFilter {
    int asked = 0, ruled = 0;
    bool allows(u32 token) override { return ++asked, token % 2 == 1; }
    void rule_out(float* logits) override {
      ++ruled;
      for (int i = 0; i < 4; i += 2) logits[i] = -INFINITY;
    }
  } odd;
  Sampler sampler;
  REQUIRE(sampler.prepare(4, 512, {.temperature = 0.0f}));
  const float even_wins[] = {5, 1, 4, 2}, odd_wins[] = {5, 9, 4, 2};
  CHECK(sampler.choose(even_wins, &odd) == 3);
  CHECK(odd.ruled == 1);
  CHECK(sampler.choose(odd_wins, &odd) == 1);
  CHECK(odd.ruled == 1);
}

TEST_CASE("logits that are no numbers still give a token") {
  std::vector<float> logits(40, NAN);
  for (const auto& [token, count] : draw(logits, {1.0f, 0.9f, 3}, 10)) CHECK(token < 40);
  logits.assign(40, INFINITY);
  for (const auto& [token, count] : draw(logits, {1.0f, 0.9f, 3}, 10)) CHECK(token < 40);
}

TEST_CASE("xoshiro256** as published") {
  // First outputs for the state that splitmix64 makes of seed 0.
  Random random(0);
  CHECK(random.next() == 0x99ec5f36cb75f2b4);
  CHECK(random.next() == 0xbf6e1f784956452a);
}

TEST_CASE("options are read, the last of a key counts") {
  Settings settings;
  Error error;
  REQUIRE(
      settings.read("temp=0.5\ntokens=7\ntop-p=.25\nseed=18446744073709551615\ntemp=1e-1\n"
                    "interactive=1\nunknown=x\ncontext=99\n",
                    error));
  CHECK(settings.sampler.temperature == 0.1f);
  CHECK(settings.sampler.top_p == 0.25f);
  CHECK(settings.sampler.seed == UINT64_MAX);
  CHECK(settings.has_seed);
  CHECK(settings.tokens == 7);
  CHECK(settings.transformer.context == 99);
  CHECK(settings.interactive);
  CHECK(settings.sampler.top_k == 40);
}

TEST_CASE("each logit-bias counts") {
  Settings settings;
  Error error;
  REQUIRE(settings.read("logit-bias=7+1.5\nrepeat-last-n=-1\nlogit-bias=9-inf\n", error));
  REQUIRE(settings.sampler.biases.size == 2);
  CHECK(settings.sampler.biases[0].token == 7);
  CHECK(settings.sampler.biases[0].bias == 1.5f);
  CHECK(settings.sampler.biases[1].bias == -INFINITY);
  CHECK(settings.sampler.repeat_last_n == SamplerSettings::kWholeContext);
}

TEST_CASE("bad options are refused with one line") {
  CHECK(refusal("") == "");
  CHECK(refusal("temp=0") == "");
  CHECK(refusal("temp=abc") == "temp='abc': give a number from 0 to 100");
  for (const char* bad : {"temp=-1",
                          "temp=101",
                          "temp=",
                          "temp=1e999",
                          "temp=1e",
                          "temp=.",
                          "temp=nan",
                          "temp=1.2.3",
                          "top-p=1.1",
                          "top-p=-0.1",
                          "top-p=x",
                          "tokens=-1",
                          "tokens=1.5",
                          "tokens=",
                          "tokens=99999999999999999999",
                          "seed=-1",
                          "seed=0x1",
                          "interactive=yes",
                          "context=few",
                          "top-k=-1",
                          "min-p=2",
                          "typical=x",
                          "repeat-last-n=-2",
                          "repeat-penalty=0",
                          "frequency-penalty=1000",
                          "mirostat=1",
                          "mirostat-lr=2",
                          "mirostat-ent=-1",
                          "logit-bias=7",
                          "logit-bias=+1",
                          "logit-bias=7*2",
                          "logit-bias=7+inf",
                          "logit-bias=7+1e9",
                          "logit-bias=7+",
                          "logit-bias=99999999999+1"}) {
    INFO(bad);
    const std::string message = refusal(bad);
    CHECK(message != "");
    CHECK(message.find('\n') == std::string::npos);
  }
}
