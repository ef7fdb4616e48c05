// Every kernel of the program, three times: compiled natively by clang (the oracle), interpreted,
// and compiled by the baseline tier for each instruction set of this machine. Same inputs, same
// bits.
#include <catch2/catch.hpp>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "../support/random_weights.h"
#include "inference/formats.h"
#include "inference/kernels/kernels.h"
#include "inference/pack.h"
#include "inference/sampler.h"
#include "microjit/ir/image.h"
#include "microjit/microjit.h"
#include "runtime/program_imports.h"

namespace {

using namespace bf;
using microjit::Engine;
using microjit::TierPolicy;

struct Way {
  std::string name;
  std::unique_ptr<Engine> engine;
};

std::vector<u8> program_image() {
  const char* path = std::getenv("BAREFLOW_PROGRAM");
  REQUIRE(path != nullptr);
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Way make_way(const std::string& name, TierPolicy policy, platform::CpuFeatures features) {
  auto module = ir::read_image(program_image());
  REQUIRE(module);
  std::vector<microjit::NamedAddress> imports;
  for (const ProgramImport& i : program_imports()) imports.push_back({i.name, i.address});
  microjit::EngineOptions options;
  options.policy = policy;
  options.features = features;
  options.log = false;
  auto engine = Engine::create(std::move(*module), imports, options);
  REQUIRE(engine);
  if (policy == TierPolicy::Baseline)
    for (const auto& state : (*engine)->functions())
      CHECK(std::string(state->tier == microjit::Tier::Baseline
                            ? ""
                            : (*engine)->module().name(*state->function)) == "");
  return {name, std::move(*engine)};
}

const std::vector<Way>& ways() {
  static const std::vector<Way> list = [] {
    const platform::CpuFeatures all = platform::cpu_features();
    platform::CpuFeatures avx2 = all;
    avx2.avx512f = avx2.avx512bw = avx2.avx512dq = avx2.avx512vl = avx2.avx512vnni = false;
    std::vector<Way> w;
    w.push_back(make_way("interp", TierPolicy::Interp, all));
    w.push_back(make_way("baseline sse2", TierPolicy::Baseline, {}));
    if (all.avx2) w.push_back(make_way("baseline avx2", TierPolicy::Baseline, avx2));
    if (all.avx512bw) w.push_back(make_way("baseline avx512", TierPolicy::Baseline, all));
    return w;
  }();
  return list;
}

std::mt19937_64& random_source() {
  static std::mt19937_64 random(20);
  return random;
}

// 64-byte aligned rows of floats, padded to 16 with zeroes, as the kernels want them.
struct Floats {
  explicit Floats(u64 count, float scale = 1.0f) : size((count + 15) / 16 * 16 + 512) {
    data = static_cast<float*>(std::aligned_alloc(64, size * 4));
    std::memset(data, 0, size * 4);
    std::normal_distribution<float> normal(0, scale);
    for (u64 i = 0; i < count; ++i) data[i] = normal(random_source());
  }
  Floats(const Floats& other) : size(other.size) {
    data = static_cast<float*>(std::aligned_alloc(64, size * 4));
    std::memcpy(data, other.data, size * 4);
  }
  ~Floats() { std::free(data); }
  bool same_bits(const Floats& other) const { return std::memcmp(data, other.data, size * 4) == 0; }

  float* data;
  u64 size;
};

// Runs `call(kernel, out)` natively and in every way, each on its own copy of `out`.
template <class Kernel, class Call>
void compare(const char* name, Kernel* native, const Floats& out, Call call) {
  Floats want(out);
  call(native, want.data);
  for (const Way& way : ways()) {
    INFO(name << ", " << way.name);
    auto* kernel = way.engine->function<Kernel>(name);
    REQUIRE(kernel != nullptr);
    for (int round = 0; round < 2; ++round) {
      Floats got(out);
      call(kernel, got.data);
      CHECK(got.same_bits(want));
    }
  }
}

using inference::Activations;
using inference::Format;

// Random weights of a format, at no particular alignment.
std::vector<u8> random_weights(const Format& format, u64 rows, u64 columns) {
  std::normal_distribution<float> normal;
  std::vector<u8> bytes(rows * format.row_bytes(columns));
  for (u8& b : bytes) b = static_cast<u8>(random_source()());
  for (u64 at = 0; at < bytes.size(); at += format.block_bytes)
    test::sensible_scales(format, bytes.data() + at, [&] { return normal(random_source()); });
  return bytes;
}

std::vector<u8> pack(const Format& format, const std::vector<u8>& rows, u64 columns) {
  std::vector<u8> packed(rows.size());
  const u64 group_bytes = 16 * format.row_bytes(columns);
  for (u64 at = 0; at < rows.size(); at += group_bytes)
    inference::pack_group(packed.data() + at, rows.data() + at, format, columns);
  return packed;
}

std::string kernel_name(const char* prefix, const Format& format) {
  std::string name = prefix;
  for (const char c : format.name) name += static_cast<char>(std::tolower(c));
  return name;
}

TEST_CASE("matrix products of every format") {
  for (const Format& format : inference::formats())
    for (const u64 blocks : {1, 2, 7})
      for (const u64 rows : {16, 48})
        for (const u64 tokens : {1, 3}) {
          const u64 columns = blocks * format.block_elements;
          CAPTURE(columns, rows, tokens);
          const auto weights = pack(format, random_weights(format, rows, columns), columns);
          const u64 stride = (columns + 15) / 16 * 16;
          Floats x(stride * tokens);
          for (u64 i = 0; i < stride * tokens; ++i)
            if (i % stride >= columns) x.data[i] = 0.0f;
          const u64 q8_bytes = inference::q8_row_bytes(columns);
          std::vector<u8> q8(q8_bytes * tokens);
          const bool quantised = format.activations == Activations::Q8;
          for (u64 t = 0; quantised && t < tokens; ++t)
            inference::quantize_q8(q8.data() + t * q8_bytes, x.data + t * stride, columns);
          const void* activations = quantised ? static_cast<const void*>(q8.data()) : x.data;
          compare(kernel_name("matmul_", format).c_str(), *format.matmul, Floats(rows * tokens),
                  [&](auto* kernel, float* out) {
                    kernel(out, weights.data(), activations, columns, rows, tokens, rows);
                  });
        }
}

TEST_CASE("rows to floats of every format, all bit patterns of scales") {
  for (const Format& format : inference::formats())
    for (int round = 0; round < 20; ++round) {
      const u64 columns = 2 * format.block_elements;
      auto weights = random_weights(format, 1, columns);
      // Bits of a scale may be anything but a NaN, whose payload nobody promises.
      if (format.fields[0].unit_bytes == 2) {
        const u16 bits = static_cast<u16>(random_source()()) & 0xfbff;
        std::memcpy(weights.data(), &bits, 2);
      }
      compare(kernel_name("dequantize_", format).c_str(), *format.dequantize, Floats(columns),
              [&](auto* kernel, float* out) { kernel(out, weights.data(), columns); });
    }
}

constexpr u64 kColumns[] = {32, 64, 160, 256, 448};

TEST_CASE("quantising activations") {
  for (const u64 columns : kColumns)
    for (const float scale : {1e-30f, 1e-3f, 1.0f, 1e6f}) {
      const Floats x(columns, scale);
      compare("quantize_q8", inference::quantize_q8, Floats(0),
              [&](auto* kernel, float* out) { kernel(out, x.data, columns); });
    }
  const Floats zero(0);
  compare("quantize_q8", inference::quantize_q8, Floats(64),
          [&](auto* kernel, float* out) { kernel(out, zero.data, 64); });
}

TEST_CASE("element by element kernels, lengths with and without padding") {
  for (const u64 count : {1, 2, 15, 16, 17, 160, 333}) {
    CAPTURE(count);
    const Floats x(count), weight(count), y(count, 20.0f);
    compare("rmsnorm", inference::rmsnorm, Floats(0),
            [&](auto* kernel, float* out) { kernel(out, x.data, weight.data, count, 1e-5f); });
    compare("softmax", inference::softmax, y,
            [&](auto* kernel, float* out) { kernel(out, count); });
    compare("swiglu", inference::swiglu, y,
            [&](auto* kernel, float* out) { kernel(out, x.data, count); });
    compare("geglu", inference::geglu, y,
            [&](auto* kernel, float* out) { kernel(out, x.data, count); });
    compare("add", inference::add, x,
            [&](auto* kernel, float* out) { kernel(out, y.data, count); });
    if (count % 2 == 0)
      compare("rope", inference::rope, Floats(0),
              [&](auto* kernel, float* out) { kernel(out, x.data, weight.data, y.data, count); });
    compare("argmax", inference::argmax, Floats(0),
            [&](auto* kernel, float* out) { out[0] = static_cast<float>(kernel(x.data, count)); });
  }
}

TEST_CASE("attention over a cache in Q8_0") {
  for (const u64 positions : {1, 16, 31}) {
    constexpr u64 kHeadDim = 64, kQueries = 2, kRowBytes = 68;
    const u64 rows = (positions + 15) / 16 * 16;
    const Floats query(kQueries * kHeadDim), numbers(2 * positions * kHeadDim);
    std::vector<u8> keys(rows * kRowBytes + 64), values(keys);
    for (u64 p = 0; p < positions; ++p) {
      inference::store_key_q8_0(keys.data(), numbers.data + 2 * p * kHeadDim, p, kHeadDim);
      inference::store_value_q8_0(values.data(), numbers.data + (2 * p + 1) * kHeadDim, p, kHeadDim);
    }
    compare("attention_q8_0", inference::attention_q8_0, Floats(kQueries * kHeadDim),
            [&](auto* kernel, float* out) {
              Floats scores(rows);
              kernel(out, query.data, keys.data(), values.data(), scores.data, positions, kQueries,
                     kHeadDim, kHeadDim, 0.25f);
            });
    compare("store_key_q8_0", inference::store_key_q8_0, Floats(0), [&](auto* kernel, float* out) {
      kernel(reinterpret_cast<u8*>(out), numbers.data, positions % 16, kHeadDim);
    });
    compare("store_value_q8_0", inference::store_value_q8_0, Floats(0),
            [&](auto* kernel, float* out) {
              kernel(reinterpret_cast<u8*>(out), numbers.data, 3, kHeadDim);
            });
  }
}

TEST_CASE("attention over few and many positions") {
  for (const u64 positions : {1, 2, 16, 31, 100})
    for (const u64 head_dim : {8, 16, 64})
      for (const u64 queries : {1, 6}) {
        CAPTURE(positions, head_dim, queries);
        const u64 rows = (positions + 15) / 16 * 16;
        const Floats query(queries * head_dim), numbers(2 * positions * head_dim);
        // As floats, so that they can be compared: two halves each.
        Floats cache(0), tiles(0);
        REQUIRE(tiles.size * 2 >= 16 * 64);
        std::vector<u16> keys(rows * head_dim + 16), values(keys);
        for (u64 p = 0; p < positions; ++p) {
          inference::store_key(keys.data(), numbers.data + 2 * p * head_dim, p, head_dim);
          inference::store_value(values.data(), numbers.data + (2 * p + 1) * head_dim, p, head_dim);
        }
        compare("attention", inference::attention, Floats(queries * head_dim),
                [&](auto* kernel, float* out) {
                  Floats scores(queries * rows);
                  kernel(out, query.data, keys.data(), values.data(), scores.data, positions,
                         queries, head_dim, head_dim, 0.25f);
                });
        if (positions > 16) continue;
        compare("store_key", inference::store_key, tiles, [&](auto* kernel, float* out) {
          kernel(reinterpret_cast<u16*>(out), numbers.data, positions - 1, head_dim);
        });
        compare("store_value", inference::store_value, cache, [&](auto* kernel, float* out) {
          kernel(reinterpret_cast<u16*>(out), numbers.data, 3, head_dim);
        });
      }
}

}  // namespace
