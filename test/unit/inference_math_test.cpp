// The program's own math functions against libm.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "inference/half.h"
#include "inference/math.h"

namespace {

// How many floats lie between two.
int64_t ulps(float a, float b) {
  const auto order = [](float x) {
    int32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? int64_t{INT32_MIN} - bits : int64_t{bits};
  };
  return std::llabs(order(a) - order(b));
}

template <class Ours, class Theirs>
int64_t worst(double from, double to, int steps, Ours ours, Theirs theirs) {
  int64_t most = 0;
  for (int i = 0; i <= steps; ++i) {
    const float x = static_cast<float>(from + (to - from) * i / steps);
    most = std::max(most, ulps(static_cast<float>(ours(double{x})),
                               static_cast<float>(theirs(static_cast<long double>(x)))));
  }
  return most;
}

constexpr int kSamples = 400'000;

}  // namespace

TEST_CASE("exp, log, sin, cos and power round to the float that libm gives") {
  CHECK(worst(
            -87, 88, kSamples, [](double x) { return inference::exp(x); },
            [](long double x) { return expl(x); }) <= 1);
  CHECK(worst(
            -1e-3, 1e-3, kSamples, [](double x) { return inference::exp(x); },
            [](long double x) { return expl(x); }) <= 1);
  CHECK(worst(
            1e-6, 4, kSamples, [](double x) { return inference::log(x); },
            [](long double x) { return logl(x); }) <= 1);
  CHECK(worst(
            4, 1e30, kSamples, [](double x) { return inference::log(x); },
            [](long double x) { return logl(x); }) <= 1);
  for (double range : {3.2, 1000.0, 200000.0}) {
    CHECK(worst(
              -range, range, kSamples, [](double x) { return inference::sin_cos(x).sin; },
              [](long double x) { return sinl(x); }) <= 1);
    CHECK(worst(
              -range, range, kSamples, [](double x) { return inference::sin_cos(x).cos; },
              [](long double x) { return cosl(x); }) <= 1);
  }
  CHECK(worst(
            -1, 1, kSamples, [](double x) { return inference::power(10000.0, x); },
            [](long double x) { return powl(10000.0L, x); }) <= 1);
}

TEST_CASE("exp at its ends") {
  CHECK(inference::exp(0.0) == 1.0);
  CHECK(inference::exp(-1e9) == 0.0);
  CHECK(std::isinf(inference::exp(1e9)));
  CHECK(std::isnan(inference::exp(NAN)));
}

TEST_CASE("exp_lanes is within one unit in the last place, and ends softly") {
  int64_t most = 0;
  for (int i = 0; i < kSamples * 4; i += 16) {
    float in[16], out[16];
    for (int k = 0; k < 16; ++k)
      in[k] = static_cast<float>(-86.9 + 174.8 * (i + k) / (kSamples * 4));
    inference::store(out, inference::exp_lanes(inference::load<inference::F32x16>(in)));
    for (int k = 0; k < 16; ++k)
      most = std::max(most, ulps(out[k], static_cast<float>(std::exp(double{in[k]}))));
  }
  CHECK(most <= 1);
  float ends[16] = {-1e30f, -INFINITY, 1e30f, INFINITY, -88.0f, 0.0f};
  inference::store(ends, inference::exp_lanes(inference::load<inference::F32x16>(ends)));
  CHECK(ends[0] < 1e-37f);
  CHECK(ends[1] < 1e-37f);
  CHECK(std::isfinite(ends[2]));
  CHECK(std::isfinite(ends[3]));
  CHECK(ends[5] == 1.0f);
}

TEST_CASE("every half converts as the hardware does") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    _Float16 native;
    std::memcpy(&native, &half, sizeof native);
    const float expected = static_cast<float>(native);
    const float scalar = inference::half_to_float(half);
    if (std::isnan(expected)) {
      REQUIRE(std::isnan(scalar));
      continue;
    }
    REQUIRE(scalar == expected);
    if (std::isinf(expected)) continue;
    uint16_t many[16];
    float out[16];
    for (auto& h : many) h = half;
    inference::store(out, inference::halves_to_floats(many));
    for (float f : out) REQUIRE(ulps(f, expected) == 0);
  }
}
