// The whole forward pass: against exact logits in every format, and against itself.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <sstream>

#include "../support/gguf_builder.h"
#include "../support/loaded_model.h"

using namespace test;

namespace {

// KL divergence of softmax(b) from softmax(a), in double.
double divergence(const float* a, const float* b, size_t count) {
  const auto log_total = [count](const float* x) {
    double most = -1e300, total = 0;
    for (size_t i = 0; i < count; ++i) most = std::max(most, double{x[i]});
    for (size_t i = 0; i < count; ++i) total += std::exp(x[i] - most);
    return most + std::log(total);
  };
  const double total_a = log_total(a), total_b = log_total(b);
  double sum = 0;
  for (size_t i = 0; i < count; ++i)
    sum += std::exp(a[i] - total_a) * ((a[i] - total_a) - (b[i] - total_b));
  return sum;
}

// Mean over all positions, the tokens fed one by one.
double mean_divergence(const std::string& format) {
  LoadedModel model(read_file(shared_model("formats/" + format + ".gguf")));
  INFO(model.message());
  REQUIRE(model.loaded);
  std::istringstream text(read_file(shared_model("formats/tokens.txt")));
  const std::vector<uint32_t> tokens{std::istream_iterator<uint32_t>(text), {}};
  const std::string exact = read_file(shared_model("formats/exact/" + format + ".f32"));
  const size_t vocabulary = model.model.shape.vocabulary;
  REQUIRE(tokens.size() == 64);
  REQUIRE(exact.size() == tokens.size() * vocabulary * sizeof(float));
  std::vector<float> row(vocabulary);
  double sum = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const float* logits = model.transformer.forward(&tokens[i], 1, i);
    std::memcpy(row.data(), exact.data() + i * vocabulary * sizeof(float),
                vocabulary * sizeof(float));
    sum += divergence(row.data(), logits, vocabulary);
  }
  return sum / static_cast<double>(tokens.size());
}

}  // namespace

TEST_CASE("logits are as near to the exact ones as llama.cpp's") {
  if (shared_model("formats/tokens.txt").empty()) {
    WARN("skipped: no shared models here");
    return;
  }
  // The smaller of llama.cpp's two figures (batch, one by one); for F32, where its batch is the
  // yardstick itself, the other one.
  const std::pair<const char*, double> peers[] = {
      {"f32", 2.4e-6},    {"F16", 1.9e-6},    {"BF16", 8.1e-5},   {"Q8_0", 9.8e-4},
      {"Q4_0", 9.0e-4},   {"Q4_1", 9.4e-4},   {"Q5_0", 9.6e-4},   {"Q5_1", 9.3e-4},
      {"IQ4_NL", 9.7e-4}, {"IQ4_XS", 1.9e-3}, {"Q2_K", 2.1e-3},   {"Q3_K_S", 1.8e-3},
      {"Q4_K_S", 1.9e-3}, {"Q4_K_M", 1.9e-3}, {"Q5_K_S", 1.8e-3}, {"Q6_K", 1.8e-3}};
  for (const auto& [format, peer] : peers) {
    const double mean = mean_divergence(format);
    std::printf("KL divergence %-5s %.3g (llama.cpp %.3g)\n", format, mean, peer);
    INFO(format);
    CHECK(mean <= 1.1 * peer);
    CHECK(mean > -1e-9);
  }
}

TEST_CASE("a batch gives the same bits as token by token, at every place") {
  LoadedModel model(tiny_llama().build());
  REQUIRE(model.loaded);
  const size_t vocabulary = model.model.shape.vocabulary;
  std::vector<uint32_t> tokens;
  for (uint32_t i = 0; i < 40; ++i) tokens.push_back((i * 37 + 1) % vocabulary);
  std::vector<float> last;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const float* logits = model.transformer.forward(&tokens[i], 1, i);
    last.assign(logits, logits + vocabulary);
  }
  for (size_t split : {40, 1, 16, 17, 39}) {
    const float* logits = model.transformer.forward(tokens.data(), split, 0);
    if (split < tokens.size())
      logits = model.transformer.forward(tokens.data() + split, tokens.size() - split, split);
    CHECK(std::memcmp(logits, last.data(), vocabulary * sizeof(float)) == 0);
  }
}

TEST_CASE("a tied output is the embedding, a separate one is not") {
  GgufBuilder file = tiny_llama();
  LoadedModel tied(file.build());
  REQUIRE(tied.loaded);
  CHECK(tied.model.output.data == tied.model.embedding.data);
  file.tensor("output.weight", file.find("token_embd.weight").sizes, kF32,
              file.find("token_embd.weight").data);
  LoadedModel separate(file.build());
  REQUIRE(separate.loaded);
  CHECK(separate.model.output.data != separate.model.embedding.data);
  const uint32_t token = 5;
  const size_t bytes = tied.model.shape.vocabulary * sizeof(float);
  CHECK(std::memcmp(tied.transformer.forward(&token, 1, 0),
                    separate.transformer.forward(&token, 1, 0), bytes) == 0);
}

TEST_CASE("norms may be half precision") {
  GgufBuilder file = tiny_llama();
  auto& norm = file.find("output_norm.weight");
  norm.type = kF16;
  norm.data.clear();
  for (int i = 0; i < 32; ++i) norm.data += raw(static_cast<_Float16>(i * 0.25f));
  LoadedModel model(file.build());
  REQUIRE(model.loaded);
  for (int i = 0; i < 32; ++i) CHECK(model.model.output_norm[i] == static_cast<float>(i) * 0.25f);
}

TEST_CASE("the context is what the file, the option and memory allow") {
  LoadedModel model(tiny_llama().build());
  REQUIRE(model.loaded);
  CHECK(model.transformer.context() == 64);
  inference::Error error;
  inference::Transformer shorter;
  REQUIRE(shorter.prepare(model.model, {.context = 10}, error));
  CHECK(shorter.context() == 10);
}
