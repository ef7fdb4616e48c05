// The quantisers of bf-gguf: how far what they write is from what they were given, and the edges.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "inference/formats.h"
#include "tools/gguf/normals.h"
#include "tools/gguf/quantize/half.h"
#include "tools/gguf/quantize/quantize.h"

using namespace bf;
using namespace bf::gguf;

namespace {

constexpr u64 kColumns = 256 * 37;  // an odd number of blocks: the last lanes stay empty

struct Expectation {
  const char* format;
  // The root of the mean squared error of normal weights, relative to theirs, at most.
  double error;
  // The error of a scale that is merely wide enough for a group's extremes: what a search has to
  // be below.
  double plain_error;
};

// How many groups of `size` share a step, and how many steps there are.
double plain_error(const std::vector<float>& x, u64 size, int steps, bool affine) {
  double error = 0, all = 0;
  for (u64 group = 0; group < x.size(); group += size) {
    float least = x[group], most = x[group], largest = 0;
    for (u64 i = group; i < group + size; ++i) {
      least = std::min(least, x[i]);
      most = std::max(most, x[i]);
      if (std::fabs(x[i]) > std::fabs(largest)) largest = x[i];
    }
    const float scale = affine ? (most - least) / static_cast<float>(steps - 1)
                               : largest / static_cast<float>(-steps / 2);
    const float zero = affine ? least : 0;
    const float first = affine ? 0 : static_cast<float>(-steps / 2);
    for (u64 i = group; i < group + size; ++i) {
      const float level = std::clamp(std::nearbyint((x[i] - zero) / scale), first,
                                     first + static_cast<float>(steps - 1));
      error += std::pow(level * scale + zero - x[i], 2);
      all += std::pow(x[i], 2);
    }
  }
  return std::sqrt(error / all);
}

std::vector<float> normals(u64 count, float deviation = 1) {
  std::vector<float> x(count);
  fill_normals(x.data(), count, random_key(7, "test"), 0, 0, deviation);
  return x;
}

std::vector<u8> quantized(const Quantizer& quantizer, const std::vector<float>& x) {
  std::vector<u8> bytes(quantizer.bytes(x.size()));
  quantizer.quantize(bytes.data(), x.data(), x.size());
  return bytes;
}

std::vector<float> round_trip(const Quantizer& quantizer, const std::vector<float>& x) {
  const inference::Format* const format = inference::find_format(quantizer.gguf_id);
  REQUIRE(format != nullptr);
  std::vector<float> back(x.size() + 16);
  format->dequantize(back.data(), quantized(quantizer, x).data(), x.size());
  back.resize(x.size());
  return back;
}

double relative_error(const std::vector<float>& x, const std::vector<float>& y) {
  double error = 0, all = 0;
  for (u64 i = 0; i < x.size(); ++i) {
    error += std::pow(static_cast<double>(x[i]) - static_cast<double>(y[i]), 2);
    all += std::pow(static_cast<double>(x[i]), 2);
  }
  return std::sqrt(error / all);
}

constexpr const char* kAll[] = {"F32",  "F16",  "BF16", "Q4_0", "Q4_1", "Q5_0",   "Q5_1",  "Q8_0",
                                "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"};

}  // namespace

TEST_CASE("every quantiser's blocks are those of the program") {
  for (const char* name : kAll) {
    INFO(name);
    const Quantizer* const quantizer = find_quantizer(std::string_view(name));
    REQUIRE(quantizer != nullptr);
    const inference::Format* const format = inference::find_format(quantizer->gguf_id);
    REQUIRE(format != nullptr);
    CHECK(std::string(format->name.data, format->name.size) == name);
    CHECK(format->row_bytes(512) == quantizer->bytes(512));
  }
}

TEST_CASE("normal weights come back as near as a format allows") {
  const std::vector<float> x = normals(kColumns, 0.02f);
  const double of_16 = plain_error(x, 32, 16, false), of_32 = plain_error(x, 32, 32, false);
  const Expectation expectations[] = {
      {"F32", 0, 1e-30},
      {"F16", 2.2e-4, 1},
      {"BF16", 1.8e-3, 1},
      {"Q8_0", 5.5e-3, 1},
      {"Q4_0", 0.0860, of_16},
      {"Q5_0", 0.0430, of_32},
      {"Q4_1", 0.0745, plain_error(x, 32, 16, true)},
      {"Q5_1", 0.0370, plain_error(x, 32, 32, true)},
      {"Q2_K", 0.300, plain_error(x, 16, 4, true)},
      {"Q3_K", 0.165, plain_error(x, 16, 8, false)},
      {"Q4_K", 0.0760, plain_error(x, 32, 16, true) * 1.05},
      {"Q5_K", 0.0390, plain_error(x, 32, 32, true) * 1.10},
      {"Q6_K", 0.0185, plain_error(x, 16, 64, false)},
      {"IQ4_NL", 0.0800, of_16},
      {"IQ4_XS", 0.0810, of_16},
  };
  for (const Expectation& expected : expectations) {
    const Quantizer& quantizer = *find_quantizer(std::string_view(expected.format));
    const double error = relative_error(x, round_trip(quantizer, x));
    INFO(expected.format << ": " << error << ", plain " << expected.plain_error);
    CHECK(error <= expected.error);
    CHECK(error < expected.plain_error);
    CHECK((error > 0 || quantizer.name == "F32"));
  }
}

TEST_CASE("a block does not depend on its neighbours") {
  const std::vector<float> x = normals(256 * 5);
  for (const char* name : kAll) {
    INFO(name);
    const Quantizer& quantizer = *find_quantizer(std::string_view(name));
    const std::vector<u8> together = quantized(quantizer, x);
    std::vector<u8> apart;
    for (u64 i = 0; i < x.size(); i += quantizer.block_elements) {
      const std::vector<float> block(x.begin() + static_cast<long>(i),
                                     x.begin() + static_cast<long>(i + quantizer.block_elements));
      const std::vector<u8> bytes = quantized(quantizer, block);
      apart.insert(apart.end(), bytes.begin(), bytes.end());
    }
    CHECK(together == apart);
  }
}

TEST_CASE("the edges of what weights may be") {
  for (const char* name : kAll) {
    const Quantizer& quantizer = *find_quantizer(std::string_view(name));
    const auto check = [&](const char* what, const std::vector<float>& x, float most_error) {
      INFO(name << ": " << what);
      const std::vector<float> back = round_trip(quantizer, x);
      for (u64 i = 0; i < x.size(); ++i) {
        REQUIRE(std::isfinite(back[i]));
        REQUIRE(std::fabs(back[i] - x[i]) <= most_error);
      }
    };
    const bool coarse = !quantizer.is_float();
    check("zeros", std::vector<float>(256), 0);
    std::vector<float> one(256);
    one[77] = -3;
    check("one value", one, coarse ? 0.1f : 0.01f);
    one[77] = 3;
    check("one value above zero", one, coarse ? 0.15f : 0.01f);
    check("the same everywhere", std::vector<float>(256, 0.5f), coarse ? 0.03f : 0.002f);
    check("the same below zero", std::vector<float>(256, -0.5f), coarse ? 0.03f : 0.002f);
    check("the largest", normals(256, 12000), 20000);
    check("the smallest", normals(256, 1e-7f), 1e-6f);
    check("denormal", normals(256, 1e-40f), 1e-39f);
    std::vector<float> mixed = normals(256, 1e-6f);
    mixed[3] = 1000;
    check("one far off", mixed, coarse ? 40 : 2);
  }
}

TEST_CASE("what a format cannot hold is refused") {
  const float kNan = std::numeric_limits<float>::quiet_NaN();
  const float kInfinity = std::numeric_limits<float>::infinity();
  for (const char* name : kAll) {
    INFO(name);
    const Quantizer& quantizer = *find_quantizer(std::string_view(name));
    const auto accepts = [&](float value) {
      std::vector<float> x = normals(256);
      x[100] = value;
      return quantizer.accepts(x.data(), x.size());
    };
    CHECK(accepts(65504));
    CHECK(accepts(-65504));
    CHECK_FALSE(accepts(kNan));
    CHECK_FALSE(accepts(kInfinity));
    CHECK_FALSE(accepts(-kInfinity));
    const bool wide = quantizer.name == "F32" || quantizer.name == "BF16";
    CHECK(accepts(65536) == wide);
    CHECK(accepts(-1e30f) == wide);
    CHECK(accepts(std::numeric_limits<float>::max()) == (quantizer.name == "F32"));
  }
}

TEST_CASE("halves are rounded to nearest, ties to even") {
  for (u32 bits = 0; bits < 0x10000; ++bits) {
    const u16 half = static_cast<u16>(bits);
    const float value = half_to_float(half);
    if (std::isnan(value)) {
      REQUIRE(std::isnan(half_to_float(float_to_half(value))));
      continue;
    }
    REQUIRE(float_to_half(value) == half);
    const u16 next = static_cast<u16>(half + 1);
    if ((next & 0x7fff) > 0x7c00 || (half & 0x7fff) >= 0x7bff) continue;
    const float middle = (value + half_to_float(next)) / 2;
    REQUIRE(float_to_half(middle) == (half % 2 == 0 ? half : next));
    REQUIRE(float_to_half(std::nextafter(middle, value)) == half);
    REQUIRE(float_to_half(std::nextafter(middle, half_to_float(next))) == next);
  }
  CHECK(float_to_half(65519.996f) == 0x7bff);
  CHECK(float_to_half(65520) == 0x7c00);
  CHECK(float_to_half(-1e30f) == 0xfc00);
  CHECK(float_to_half(1e-30f) == 0);
  CHECK(float_to_bfloat(1.00390625f) == 0x3f80);  // a tie, to even
  CHECK(float_to_bfloat(1.01171875f) == 0x3f82);  // a tie, to even
  CHECK(float_to_bfloat(1.00390637f) == 0x3f81);
}

// The same on every machine: what one with other vectors would compute otherwise, shows.
TEST_CASE("random weights and what is made of them are the same everywhere") {
  const std::vector<float> x = normals(256 * 33);
  u64 hash = 0xcbf29ce484222325;
  for (const char* name : kAll)
    for (const u8 byte : quantized(*find_quantizer(std::string_view(name)), x))
      hash = (hash ^ byte) * 0x100000001b3;
  CHECK(hash == 0xa5b76d796eb1de93);
  double sum = 0, squares = 0;
  for (const float value : x) sum += static_cast<double>(value), squares += std::pow(value, 2);
  CHECK(std::fabs(sum / 8448) < 0.03);
  CHECK(std::fabs(squares / 8448 - 1) < 0.05);
}
