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
  REQUIRE(sampler.prepare(logits.size(), settings));
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
  CHECK(settings.context == 99);
  CHECK(settings.interactive);
}

TEST_CASE("bad options are refused with one line") {
  CHECK(refusal("") == "");
  CHECK(refusal("temp=0") == "");
  CHECK(refusal("temp=abc") == "temp='abc': give a number from 0 to 100");
  for (const char* bad : {"temp=-1", "temp=101", "temp=", "temp=1e999", "temp=1e", "temp=.",
                          "temp=nan", "temp=1.2.3", "top-p=1.1", "top-p=-0.1", "top-p=x",
                          "tokens=-1", "tokens=1.5", "tokens=", "tokens=99999999999999999999",
                          "seed=-1", "seed=0x1", "interactive=yes", "context=few"}) {
    INFO(bad);
    const std::string message = refusal(bad);
    CHECK(message != "");
    CHECK(message.find('\n') == std::string::npos);
  }
}
