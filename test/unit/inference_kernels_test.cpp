// Each kernel against the same formula in double precision, written the slow way.
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "inference/formats.h"
#include "inference/half.h"
#include "inference/kernels/kernels.h"
#include "inference/vector.h"

using namespace inference;

namespace {

std::mt19937 generator(1);

float random_float() {
  return std::normal_distribution<float>()(generator);
}

// A row that kernels may use: padded with zeroes to whole vectors.
std::vector<float> random_row(u64 count) {
  std::vector<float> row(round_up(count, kLanes));
  for (u64 i = 0; i < count; ++i) row[i] = random_float();
  return row;
}

// Random blocks with sensible scales, at an odd address.
struct Weights {
  Weights(const Format& format, u64 rows, u64 columns)
      : bytes(rows * format.row_bytes(columns) + 1) {
    for (u64 i = 0; i < rows * columns / format.block_elements; ++i) {
      u8* block = bytes.data() + 1 + i * format.block_bytes;
      for (u64 k = 0; k < format.block_bytes; ++k) block[k] = static_cast<u8>(generator());
      const _Float16 half = static_cast<_Float16>(random_float() / 16);
      const float single = random_float();
      if (format.block_bytes == 4)
        copy_bytes(block, &single, 4);
      else
        copy_bytes(block, &half, 2);
    }
  }
  const u8* data() const { return bytes.data() + 1; }
  std::vector<u8> bytes;
};

}  // namespace

TEST_CASE("matmul of every format") {
  for (u32 id : {0u, 1u, 2u, 8u}) {
    const Format& format = *find_format(id);
    INFO(std::string(format.name.data, format.name.size));
    for (u64 columns : {32ul, 64ul, 192ul, 44ul, 5ul}) {
      if (columns % format.block_elements != 0) continue;
      for (u64 rows : {1ul, 4ul, 7ul, 64ul}) {
        constexpr u64 kTokens = 3;
        const Weights weights(format, rows, columns);
        const u64 stride = round_up(columns, kLanes);
        std::vector<float> x, out(kTokens * rows + 1, -7.0f);
        std::vector<u8> q8(kTokens * q8_row_bytes(columns));
        for (u64 t = 0; t < kTokens; ++t) {
          const auto row = random_row(columns);
          x.insert(x.end(), row.begin(), row.end());
          if (format.activations == Activations::Q8)
            quantize_q8(q8.data() + t * q8_row_bytes(columns), row.data(), columns);
        }
        const bool is_float = format.activations == Activations::Float;
        format.matmul(out.data(), weights.data(),
                      is_float ? static_cast<void*>(x.data()) : q8.data(), columns, rows, kTokens,
                      rows);
        CHECK(out.back() == -7.0f);
        std::vector<float> row(columns);
        for (u64 r = 0; r < rows; ++r) {
          format.dequantize(row.data(), weights.data() + r * format.row_bytes(columns), columns);
          for (u64 t = 0; t < kTokens; ++t) {
            double exact = 0, size = 0;
            for (u64 c = 0; c < columns; ++c) {
              double activation = x[t * stride + c];
              if (!is_float) {
                const u8* q = q8.data() + t * q8_row_bytes(columns);
                activation = static_cast<double>(load_unaligned<i16>(q + 2 * c)) *
                             load_unaligned<float>(q + 2 * columns + c / 32 * 4);
              }
              exact += row[c] * activation;
              size += std::abs(row[c] * activation);
            }
            REQUIRE(out[t * rows + r] == Approx(exact).margin(1e-6 * size));
          }
        }
      }
    }
  }
}

TEST_CASE("the largest quants do not overflow") {
  // -128 * -127 * 2 is as large as a pair of 16-bit products gets.
  std::vector<u8> block(34, 0x80);
  const _Float16 one = 1;
  copy_bytes(block.data(), &one, 2);
  std::vector<float> x(32, -127.0f);
  std::vector<u8> q8(q8_row_bytes(32));
  quantize_q8(q8.data(), x.data(), 32);
  float out = 0;
  matmul_q8_0(&out, block.data(), q8.data(), 32, 1, 1, 1);
  CHECK(out == 32.0f * 128 * 127);
  std::vector<u8> low(18, 0x00);
  copy_bytes(low.data(), &one, 2);
  matmul_q4_0(&out, low.data(), q8.data(), 32, 1, 1, 1);
  CHECK(out == 32.0f * 8 * 127);
}

TEST_CASE("quantize_q8 rounds to nearest and keeps the largest value") {
  std::vector<float> x = random_row(64);
  for (u64 i = 32; i < 64; ++i) x[i] = 0.0f;
  std::vector<u8> q8(q8_row_bytes(64));
  quantize_q8(q8.data(), x.data(), 64);
  const float scale = load_unaligned<float>(q8.data() + 128);
  float largest = 0;
  for (u64 i = 0; i < 32; ++i) {
    largest = std::max(largest, std::abs(x[i]));
    CHECK(std::abs(load_unaligned<i16>(q8.data() + 2 * i) * scale - x[i]) <= scale * 0.5001f);
  }
  CHECK(scale == Approx(largest / 127));
  CHECK(load_unaligned<float>(q8.data() + 132) == 0.0f);
  CHECK(load_unaligned<i16>(q8.data() + 64) == 0);
}

TEST_CASE("rmsnorm, swiglu, add") {
  const u64 count = 44;
  const auto x = random_row(count), weight = random_row(count);
  auto out = random_row(count);
  rmsnorm(out.data(), x.data(), weight.data(), count, 1e-5f);
  double squares = 0;
  for (float v : x) squares += v * v;
  for (u64 i = 0; i < count; ++i)
    CHECK(out[i] == Approx(x[i] / std::sqrt(squares / count + 1e-5) * weight[i]).margin(1e-6));
  CHECK(out[count] == 0.0f);

  auto gate = x;
  gate[0] = 1000.0f;
  gate[1] = -1000.0f;
  const auto before = gate;
  swiglu(gate.data(), weight.data(), count);
  for (u64 i = 0; i < count; ++i)
    CHECK(gate[i] ==
          Approx(before[i] / (1 + std::exp(-double{before[i]})) * weight[i]).margin(1e-6));
  CHECK(gate[count] == 0.0f);

  auto total = x;
  add(total.data(), weight.data(), count);
  for (u64 i = 0; i < count; ++i) CHECK(total[i] == x[i] + weight[i]);
}

TEST_CASE("rope rotates pairs and leaves what is not to be rotated") {
  for (u64 count : {8ul, 32ul, 24ul}) {
    const u64 rotated = count - 4, padded = round_up(count, kLanes);
    std::vector<float> x(count), cosines(padded, 1.0f), sines(padded, 0.0f), out(padded, 5.0f);
    for (float& v : x) v = random_float();
    for (u64 i = 0; i < rotated; i += 2) {
      cosines[i] = cosines[i + 1] = static_cast<float>(std::cos(double(i)));
      sines[i + 1] = static_cast<float>(std::sin(double(i)));
      sines[i] = -sines[i + 1];
    }
    rope(out.data(), x.data(), cosines.data(), sines.data(), count);
    for (u64 i = 0; i < count; i += 2) {
      const double angle = i < rotated ? double(i) : 0;
      CHECK(out[i] == Approx(x[i] * std::cos(angle) - x[i + 1] * std::sin(angle)).margin(1e-6));
      CHECK(out[i + 1] == Approx(x[i] * std::sin(angle) + x[i + 1] * std::cos(angle)).margin(1e-6));
    }
    for (u64 i = count; i < padded; ++i) CHECK(out[i] == 0.0f);
  }
}

TEST_CASE("softmax and attention") {
  for (u64 positions : {1ul, 3ul, 16ul, 77ul}) {
    for (u64 stride : {16ul, 32ul, 48ul, 64ul}) {
      const u64 rows = round_up(positions, kLanes);
      const auto q = random_row(stride), keys = random_row(rows * stride);
      auto values = random_row(rows * stride);
      // Behind the last position may be anything.
      for (u64 i = positions * stride; i < values.size(); ++i) values[i] = NAN;
      std::vector<float> scores(rows), out(stride);
      const float scale = 0.25f;
      attention(out.data(), q.data(), keys.data(), values.data(), scores.data(), positions, stride,
                scale);
      std::vector<double> weights(positions);
      double total = 0;
      for (u64 p = 0; p < positions; ++p) {
        double dot = 0;
        for (u64 i = 0; i < stride; ++i) dot += q[i] * keys[p * stride + i];
        total += weights[p] = std::exp(dot * scale);
      }
      for (u64 p = 0; p < positions; ++p)
        REQUIRE(scores[p] == Approx(weights[p] / total).margin(1e-6));
      for (u64 i = 0; i < stride; ++i) {
        double mixed = 0;
        for (u64 p = 0; p < positions; ++p) mixed += weights[p] / total * values[p * stride + i];
        REQUIRE(out[i] == Approx(mixed).margin(1e-5));
      }
    }
  }
}
