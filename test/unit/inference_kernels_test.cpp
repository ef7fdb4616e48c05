// Each kernel against the same formula in double precision, written the slow way.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "../support/random_weights.h"
#include "inference/formats.h"
#include "inference/half.h"
#include "inference/kernels/kernels.h"
#include "inference/matrix.h"
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

// Random blocks with sensible scales, in file order and packed, at odd addresses.
struct Weights {
  Weights(const Format& format, u64 rows, u64 columns)
      : row_bytes(format.row_bytes(columns)), bytes(rows * row_bytes + 1), packed(bytes) {
    for (u64 i = 0; i < rows * columns / format.block_elements; ++i) {
      u8* block = bytes.data() + 1 + i * format.block_bytes;
      for (u64 k = 0; k < format.block_bytes; ++k) block[k] = static_cast<u8>(generator());
      test::sensible_scales(format, block, [] { return random_float(); });
    }
    for (u64 row = 0; row < rows; row += kGroupRows)
      pack_group(packed.data() + 1 + row * row_bytes, data() + row * row_bytes, format, columns);
  }
  const u8* data() const { return bytes.data() + 1; }

  u64 row_bytes;
  std::vector<u8> bytes, packed;
};

// Rows of activations as a kernel takes them, and what they stand for.
struct Rows {
  Rows(const Format& format, u64 tokens, u64 columns)
      : exact(tokens, std::vector<double>(columns)) {
    const u64 q8_bytes = q8_row_bytes(columns);
    std::vector<u8> q8(q8_bytes);
    for (u64 t = 0; t < tokens; ++t) {
      const auto row = random_row(columns);
      const auto* first = reinterpret_cast<const u8*>(row.data());
      for (u64 c = 0; c < columns; ++c) exact[t][c] = row[c];
      if (format.activations == Activations::Float) {
        bytes.insert(bytes.end(), first, first + row.size() * sizeof(float));
        continue;
      }
      quantize_q8(q8.data(), row.data(), columns);
      bytes.insert(bytes.end(), q8.begin(), q8.end());
      for (u64 c = 0; c < columns; ++c)
        exact[t][c] = static_cast<double>(static_cast<i8>(q8[c])) *
                      load_unaligned<float>(q8.data() + columns + c / 32 * 4);
    }
  }
  std::vector<u8> bytes;
  std::vector<std::vector<double>> exact;
};

std::string name_of(const Format& format) {
  return {format.name.data, format.name.size};
}

}  // namespace

TEST_CASE("matmul of every format") {
  for (const Format& format : formats()) {
    INFO(name_of(format));
    for (u64 blocks : {1ul, 2ul, 5ul, 44ul}) {
      const u64 columns = blocks * format.block_elements;
      for (u64 rows : {16ul, 48ul}) {
        constexpr u64 kTokens = 3;
        const Weights weights(format, rows, columns);
        const Rows x(format, kTokens, columns);
        const u64 stride = rows + 5;
        std::vector<float> out(kTokens * stride, -7.0f), row(columns);
        format.matmul(out.data(), weights.packed.data() + 1, x.bytes.data(), columns, rows, kTokens,
                      stride);
        for (u64 t = 0; t < kTokens; ++t) CHECK(out[t * stride + rows] == -7.0f);
        for (u64 r = 0; r < rows; ++r) {
          format.dequantize(row.data(), weights.data() + r * weights.row_bytes, columns);
          for (u64 t = 0; t < kTokens; ++t) {
            double exact = 0, size = 0;
            for (u64 c = 0; c < columns; ++c) {
              exact += row[c] * x.exact[t][c];
              size += std::abs(row[c] * x.exact[t][c]);
            }
            REQUIRE(out[t * stride + r] == Approx(exact).margin(1e-6 * size));
          }
        }
      }
    }
  }
}

TEST_CASE("packing is a permutation that rows come out of again") {
  for (const Format& format : formats()) {
    INFO(name_of(format));
    const u64 columns = 3 * format.block_elements;
    const u64 row_bytes = format.row_bytes(columns);
    std::vector<u8> rows(kGroupRows * row_bytes), packed(rows.size()), row(row_bytes);
    for (u8& byte : rows) byte = static_cast<u8>(generator());
    pack_group(packed.data(), rows.data(), format, columns);
    for (u64 r = 0; r < kGroupRows; ++r) {
      unpack_row(row.data(), packed.data(), format, columns, r);
      CHECK(std::memcmp(row.data(), rows.data() + r * row_bytes, row_bytes) == 0);
    }
    // The first unit of the second block, in each row.
    const u64 unit = format.fields[0].unit_bytes;
    const u64 place = format.block_bytes + format.fields[0].begin(0);
    for (u64 r = 0; r < kGroupRows; ++r)
      CHECK(std::memcmp(packed.data() + kGroupRows * place + r * unit,
                        rows.data() + r * row_bytes + format.block_bytes, unit) == 0);
  }
}

TEST_CASE("a matrix whose rows do not fill a group") {
  const Format& format = *find_format(8);
  constexpr u64 kColumns = 64, kRows = 37, kTokens = 2;
  Weights weights(format, 48, kColumns);
  std::vector<u8> tail(16 * weights.row_bytes);
  std::vector<u8> memory = weights.bytes;
  Matrix matrix{memory.data() + 1, &format, kRows, kColumns, tail.data()};
  const Rows x(format, kTokens, kColumns);
  std::vector<float> want(kTokens * 48), got(want), row(kColumns), unpacked(kColumns);
  std::vector<u8> scratch(weights.row_bytes);
  format.matmul(want.data(), weights.packed.data() + 1, x.bytes.data(), kColumns, 48, kTokens, 48);
  CHECK(matrix.groups() == 3);
  REQUIRE(matrix.pack() == Matrix::Packed::Done);
  matrix.multiply(0, 1, got.data(), 48, x.bytes.data(), kTokens);
  matrix.multiply(1, 3, got.data(), 48, x.bytes.data(), kTokens);
  for (u64 t = 0; t < kTokens; ++t)
    for (u64 r = 0; r < 48; ++r) CHECK(got[t * 48 + r] == (r < kRows ? want[t * 48 + r] : 0.0f));
  for (u64 r = 0; r < kRows; ++r) {
    format.dequantize(row.data(), weights.data() + r * weights.row_bytes, kColumns);
    matrix.row(r, unpacked.data(), scratch.data());
    CHECK(row == unpacked);
  }
  // Nothing behind the last row is touched.
  CHECK(std::equal(memory.begin() + 1 + kRows * weights.row_bytes, memory.end(),
                   weights.bytes.begin() + 1 + kRows * weights.row_bytes));
}

TEST_CASE("the largest quants do not overflow") {
  // -128 * -127 * 2 is as large as a pair of 16-bit products gets; 15 * 127 * 8 must fit, too.
  std::vector<float> x(32, -127.0f), out(16);
  std::vector<u8> q8(q8_row_bytes(32));
  quantize_q8(q8.data(), x.data(), 32);
  const _Float16 one = 1;
  const auto product = [&](u32 id, u8 quants) {
    const Format& format = *find_format(id);
    std::vector<u8> rows(16 * format.block_bytes, quants), packed(rows.size());
    for (u64 r = 0; r < 16; ++r) copy_bytes(rows.data() + r * format.block_bytes, &one, 2);
    pack_group(packed.data(), rows.data(), format, 32);
    format.matmul(out.data(), packed.data(), q8.data(), 32, 16, 1, 16);
    return out[15];
  };
  CHECK(product(8, 0x80) == 32.0f * 128 * 127);
  CHECK(product(2, 0x00) == 32.0f * 8 * 127);
  CHECK(product(2, 0xff) == 32.0f * 7 * -127);
}

TEST_CASE("quantize_q8 rounds to nearest and keeps the largest value") {
  std::vector<float> x = random_row(64);
  for (u64 i = 32; i < 64; ++i) x[i] = 0.0f;
  std::vector<u8> q8(q8_row_bytes(64));
  REQUIRE(q8.size() == 128);
  quantize_q8(q8.data(), x.data(), 64);
  const auto number = [&](u64 at) { return load_unaligned<float>(q8.data() + at); };
  const float scale = number(64);
  float largest = 0;
  int halves[2] = {};
  for (u64 i = 0; i < 32; ++i) {
    const int value = static_cast<i8>(q8[i]);
    largest = std::max(largest, std::abs(x[i]));
    CHECK(std::abs(static_cast<float>(value) * scale - x[i]) <= scale * 0.5001f);
    halves[i / 16] += value;
  }
  const float quant = largest / scale;
  CHECK((quant > 123.99f && quant < 127.01f));
  CHECK(number(72) == scale * static_cast<float>(halves[0] + halves[1]));
  CHECK(load_unaligned<i16>(q8.data() + 80) == halves[0]);
  CHECK(load_unaligned<i16>(q8.data() + 82) == halves[1]);
  for (u64 at : {68ul, 76ul}) CHECK(number(at) == 0.0f);
  CHECK(load_unaligned<u32>(q8.data() + 84) == 0);
  CHECK(q8[32] == 0);
}

TEST_CASE("quantize_q8 takes the best of four scales") {
  double chosen = 0, plain = 0;
  for (int round = 0; round < 200; ++round) {
    const std::vector<float> x = random_row(32);
    std::vector<u8> q8(q8_row_bytes(32));
    quantize_q8(q8.data(), x.data(), 32);
    float largest = 0;
    for (float v : x) largest = std::max(largest, std::abs(v));
    const auto error = [&](double scale) {
      double sum = 0;
      for (float v : x) sum += std::pow(std::nearbyint(v / scale) * scale - v, 2);
      return sum;
    };
    double least = 1e300;
    for (double quant : {127, 126, 125, 124}) least = std::min(least, error(largest / quant));
    double ours = 0;
    const double scale = load_unaligned<float>(q8.data() + 32);
    for (int i = 0; i < 32; ++i) ours += std::pow(static_cast<i8>(q8[i]) * scale - x[i], 2);
    CHECK(ours == Approx(least).epsilon(1e-3));
    chosen += ours;
    plain += error(largest / 127);
  }
  CHECK(chosen < 0.9 * plain);
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

TEST_CASE("rope rotates pairs and leaves what is not to be rotated, in place too") {
  for (u64 count : {8ul, 32ul, 24ul}) {
    const u64 rotated = count - 4, padded = round_up(count, kLanes);
    std::vector<float> x(count), cosines(padded, 1.0f), sines(padded, 0.0f), out(count + 1, 5.0f);
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
    CHECK(out[count] == 5.0f);
    rope(x.data(), x.data(), cosines.data(), sines.data(), count);
    out.pop_back();
    CHECK(x == out);
  }
}

TEST_CASE("floats become the nearest halves, ties to even") {
  for (u32 bits = 0; bits < 0x10000; ++bits) {
    const u16 half = static_cast<u16>(bits);
    if ((half & 0x7c00) != 0x7c00) REQUIRE(float_to_half(half_to_float(half)) == half);
  }
  for (int i = 0; i < 200'000; ++i) {
    const u32 bits = static_cast<u32>(generator());
    const float x = std::bit_cast<float>(bits);
    if (!(std::abs(x) < 65504.0f)) continue;
    REQUIRE(float_to_half(x) == std::bit_cast<u16>(static_cast<_Float16>(x)));
  }
  for (float tie : {1.0f + 0x1p-11f, 1.0f + 3 * 0x1p-11f, 0x1p-25f, 3 * 0x1p-25f, 0x1p-24f,
                    0x1p-14f, 0x1p-14f - 0x1p-25f})
    CHECK(float_to_half(tie) == std::bit_cast<u16>(static_cast<_Float16>(tie)));
  for (float large : {65504.0f, 65520.0f, 1e30f, INFINITY}) {
    CHECK(half_to_float(float_to_half(large)) == 65504.0f);
    CHECK(half_to_float(float_to_half(-large)) == -65504.0f);
  }
}

TEST_CASE("attention over keys and values in Q8_0") {
  const Format& format = *find_format(8);
  for (u64 positions : {1ul, 16ul, 77ul})
    for (u64 head_dim : {32ul, 96ul}) {
      CAPTURE(positions, head_dim);
      constexpr u64 kQueries = 3;
      const u64 rows = round_up(positions, kLanes), row_bytes = format.row_bytes(head_dim);
      std::vector<u8> keys(rows * row_bytes), values(keys), row(row_bytes);
      std::vector<std::vector<float>> key(positions), value(positions);
      for (u64 p = 0; p < positions; ++p) {
        const auto exact_key = random_row(head_dim), exact_value = random_row(head_dim);
        store_key_q8_0(keys.data(), exact_key.data(), p, head_dim);
        store_value_q8_0(values.data(), exact_value.data(), p, head_dim);
        key[p].resize(head_dim);
        value[p].resize(head_dim);
        unpack_row(row.data(), keys.data() + p / 16 * 16 * row_bytes, format, head_dim, p % 16);
        format.dequantize(key[p].data(), row.data(), head_dim);
        format.dequantize(value[p].data(), values.data() + p * row_bytes, head_dim);
        for (u64 i = 0; i < head_dim; ++i) {
          CHECK(key[p][i] == Approx(exact_key[i]).margin(0.02));
          CHECK(value[p][i] == Approx(exact_value[i]).margin(0.02));
        }
      }
      const auto query = random_row(kQueries * head_dim);
      std::vector<float> scores(rows), out(kQueries * head_dim);
      std::vector<u8> q8(q8_row_bytes(head_dim));
      attention_q8_0(out.data(), query.data(), keys.data(), values.data(), scores.data(),
                     positions, kQueries, head_dim, head_dim, 0.25f);
      for (u64 q = 0; q < kQueries; ++q) {
        quantize_q8(q8.data(), query.data() + q * head_dim, head_dim);
        std::vector<double> weights(positions);
        double total = 0;
        for (u64 p = 0; p < positions; ++p) {
          double dot = 0;
          for (u64 i = 0; i < head_dim; ++i)
            dot += static_cast<double>(static_cast<i8>(q8[i])) *
                   load_unaligned<float>(q8.data() + head_dim + i / 32 * 4) * key[p][i];
          total += weights[p] = std::exp(dot * 0.25);
        }
        for (u64 i = 0; i < head_dim; ++i) {
          double mixed = 0;
          for (u64 p = 0; p < positions; ++p) mixed += weights[p] / total * value[p][i];
          REQUIRE(out[q * head_dim + i] == Approx(mixed).margin(1e-5));
        }
      }
    }
}

TEST_CASE("softmax and attention") {
  for (u64 positions : {1ul, 3ul, 16ul, 77ul})
    for (u64 head_dim : {8ul, 16ul, 36ul, 64ul})
      for (u64 queries : {1ul, 4ul, 7ul}) {
        CAPTURE(positions, head_dim, queries);
        const u64 rows = round_up(positions, kLanes), stride = head_dim + 3;
        const auto query = random_row(queries * stride);
        std::vector<std::vector<float>> keys, values;
        // Behind the last position may be any number.
        std::vector<u16> key_halves(rows * head_dim + 16, 0x7bff), value_halves(key_halves);
        for (u64 p = 0; p < positions; ++p) {
          keys.push_back(random_row(head_dim));
          values.push_back(random_row(head_dim));
          store_key(key_halves.data(), keys[p].data(), p, head_dim);
          store_value(value_halves.data(), values[p].data(), p, head_dim);
          for (u64 i = 0; i < head_dim; ++i) {
            CHECK(key_halves[p / 16 * 16 * head_dim + i * 16 + p % 16] ==
                  float_to_half(keys[p][i]));
            keys[p][i] = static_cast<_Float16>(keys[p][i]);
            values[p][i] = static_cast<_Float16>(values[p][i]);
          }
        }
        std::vector<float> scores(queries * rows), out(queries * stride, -7.0f);
        const float scale = 0.25f;
        attention(out.data(), query.data(), key_halves.data(), value_halves.data(), scores.data(),
                  positions, queries, stride, head_dim, scale);
        for (u64 q = 0; q < queries; ++q) {
          std::vector<double> weights(positions);
          double total = 0;
          for (u64 p = 0; p < positions; ++p) {
            double dot = 0;
            for (u64 i = 0; i < head_dim; ++i) dot += query[q * stride + i] * keys[p][i];
            total += weights[p] = std::exp(dot * scale);
          }
          for (u64 i = 0; i < head_dim; ++i) {
            double mixed = 0;
            for (u64 p = 0; p < positions; ++p) mixed += weights[p] / total * values[p][i];
            REQUIRE(out[q * stride + i] == Approx(mixed).margin(1e-5));
          }
          for (u64 i = head_dim; i < stride; ++i) REQUIRE(out[q * stride + i] == -7.0f);
        }
      }
}
