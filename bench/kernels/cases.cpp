#include "cases.h"

#include <cctype>
#include <cstring>
#include <random>

#include "../../test/support/random_weights.h"
#include "inference/formats.h"
#include "inference/kernels/kernels.h"
#include "inference/pack.h"
#include "memory.h"

namespace bench {

namespace {

using namespace inference;

std::mt19937_64& random_source() {
  static std::mt19937_64 random(6);
  return random;
}
float normal() {
  static std::normal_distribution<float> distribution;
  return distribution(random_source());
}
void fill(float* x, u64 count) {
  for (u64 i = 0; i < count; ++i) x[i] = normal();
}

template <class F>
F* as(const void* kernel) {
  return reinterpret_cast<F*>(const_cast<void*>(kernel));
}

// ---- Matrix products -------------------------------------------------------------------------

class Product final : public Case {
 public:
  Product(const Format* f, u64 columns, u64 rows, u64 tokens, const char* where)
      : format_(*f), columns_(columns), rows_(rows), tokens_(tokens),
        stride_(round_up(columns, 16)), plain_(rows * f->row_bytes(columns)),
        packed_(rows * f->row_bytes(columns)), x_(stride_ * tokens),
        q8_(q8_row_bytes(columns) * tokens), out_(rows * tokens) {
    kernel = "matmul_";
    for (const char c : format_.name) kernel += static_cast<char>(std::tolower(c));
    what = std::to_string(tokens) + (tokens == 1 ? " token, " : " tokens, ") + where;
    bytes = static_cast<double>(rows * format_.row_bytes(columns));
    operations = 2.0 * static_cast<double>(columns) * static_cast<double>(rows * tokens);
    const bool quantised = format_.activations == Activations::Q8;
    limit = std::strcmp(where, "memory") == 0 ? Limit::Memory : quantised ? Limit::Int8 : Limit::Float32;
    make_weights();
    for (u64 t = 0; t < tokens; ++t) {
      fill(x_.data() + t * stride_, columns);
      if (quantised) quantize_q8(q8_.data() + t * q8_row_bytes(columns), x_.data() + t * stride_, columns);
    }
    activations_ = quantised ? static_cast<const void*>(q8_.data()) : x_.data();
  }

  // In pieces, as the program shares them among cores.
  void call(const void* kernel) override {
    constexpr u64 kPiece = 64;
    for (u64 row = 0; row < rows_; row += kPiece)
      as<void(float*, const u8*, const void*, u64, u64, u64, u64)>(kernel)(
          out_.data() + row, packed_.data() + row * format_.row_bytes(columns_), activations_, columns_,
          min(rows_ - row, kPiece), tokens_, rows_);
  }
  std::vector<float> result() const override { return {out_.data(), out_.data() + rows_ * tokens_}; }
  double tolerance() const override { return 1e-4; }
  GgmlCall ggml() const override {
    return {format_.gguf_id, plain_.data(), x_.data(), columns_, rows_, tokens_, stride_};
  }

 private:
  // A few groups of random rows, again and again.
  void make_weights() {
    const u64 group = kGroupRows * format_.row_bytes(columns_);
    constexpr u64 kDifferent = 4;
    for (u64 g = 0; g < rows_ / kGroupRows; ++g) {
      u8 *plain = plain_.data() + g * group, *packed = packed_.data() + g * group;
      if (g >= kDifferent) {
        std::memcpy(plain, plain - kDifferent * group, group);
        std::memcpy(packed, packed - kDifferent * group, group);
        continue;
      }
      for (u64 i = 0; i < group; ++i) plain[i] = static_cast<u8>(random_source()());
      for (u64 at = 0; at < group; at += format_.block_bytes)
        test::sensible_scales(format_, plain + at, normal);
      pack_group(packed, plain, format_, columns_);
    }
  }

  const Format& format_;
  u64 columns_, rows_, tokens_, stride_;
  Memory<u8> plain_, packed_;
  Memory<float> x_;
  Memory<u8> q8_;
  Memory<float> out_;
  const void* activations_;
};

// ---- Attention -------------------------------------------------------------------------------

// `Cache` says what keys and values are made of: Number, bytes of a row of head_dim, and who puts them
// where they belong.
struct Halves {
  using Number = u16;
  static constexpr const char* kKernel = "attention";
  static u64 row_bytes(u64 head_dim) { return 2 * head_dim; }
  static constexpr auto* kStoreKey = store_key;
  static constexpr auto* kStoreValue = store_value;
};
struct Q8_0 {
  using Number = u8;
  static constexpr const char* kKernel = "attention_q8_0";
  static u64 row_bytes(u64 head_dim) { return head_dim / 32 * 34; }
  static constexpr auto* kStoreKey = store_key_q8_0;
  static constexpr auto* kStoreValue = store_value_q8_0;
};

template <class Cache>
class Attention final : public Case {
 public:
  using Number = typename Cache::Number;

  Attention(u64 positions, u64 queries, u64 head_dim)
      : positions_(positions), queries_(queries), head_dim_(head_dim), keys_(cache_bytes() + 64),
        values_(cache_bytes() + 64), query_(queries * head_dim),
        scores_(queries * round_up(positions, 16)), out_(queries * head_dim) {
    kernel = Cache::kKernel;
    what = std::to_string(positions) + " x " + std::to_string(queries) + " queries";
    bytes = 2.0 * static_cast<double>(positions * Cache::row_bytes(head_dim));
    operations = 4.0 * static_cast<double>(positions * head_dim * queries);
    limit = Limit::Float32;
    std::vector<float> row(head_dim);
    for (u64 p = 0; p < positions; ++p) {
      fill(row.data(), head_dim);
      Cache::kStoreKey(keys(), row.data(), p, head_dim);
      fill(row.data(), head_dim);
      Cache::kStoreValue(values(), row.data(), p, head_dim);
    }
    fill(query_.data(), queries * head_dim);
  }
  void call(const void* kernel) override {
    as<void(float*, const float*, const Number*, const Number*, float*, u64, u64, u64, u64, float)>(
        kernel)(out_.data(), query_.data(), keys(), values(), scores_.data(), positions_, queries_,
                head_dim_, head_dim_, 0.125f);
  }
  std::vector<float> result() const override { return {out_.data(), out_.data() + queries_ * head_dim_}; }

 private:
  u64 cache_bytes() const { return round_up(positions_, 16) * Cache::row_bytes(head_dim_); }
  Number* keys() const { return reinterpret_cast<Number*>(keys_.data()); }
  Number* values() const { return reinterpret_cast<Number*>(values_.data()); }

  u64 positions_, queries_, head_dim_;
  Memory<u8> keys_, values_;
  Memory<float> query_, scores_, out_;
};

// ---- Element by element ------------------------------------------------------------------------

// A kernel over rows of floats: `run(kernel, out, x, y)`. Where it works in place, `out` is what x was.
template <class Run>
class Elements final : public Case {
 public:
  Elements(const char* name, u64 count, u64 rows_touched, bool changes_input, Run run)
      : count_(count), run_(run), x_(count), y_(count), z_(count), out_(count) {
    kernel = name;
    what = std::to_string(count) + " floats";
    bytes = 4.0 * static_cast<double>(count * rows_touched);
    in_place = changes_input;
    fill(x_.data(), count);
    fill(y_.data(), count);
    fill(z_.data(), count);
  }
  void renew() override { std::memcpy(out_.data(), x_.data(), 4 * count_); }
  void call(const void* kernel) override { run_(kernel, out_.data(), x_.data(), y_.data(), z_.data(), count_); }
  std::vector<float> result() const override { return {out_.data(), out_.data() + count_}; }

 private:
  u64 count_;
  Run run_;
  Memory<float> x_, y_, z_, out_;
};

class Quantize final : public Case {
 public:
  explicit Quantize(u64 columns) : columns_(columns), x_(columns), out_(q8_row_bytes(columns)) {
    kernel = "quantize_q8";
    what = std::to_string(columns) + " floats";
    bytes = static_cast<double>(4 * columns + q8_row_bytes(columns));
    fill(x_.data(), columns);
  }
  void call(const void* kernel) override {
    as<void(void*, const float*, u64)>(kernel)(out_.data(), x_.data(), columns_);
  }
  // What the numbers have become.
  std::vector<float> result() const override {
    std::vector<float> numbers(columns_);
    const auto* values = reinterpret_cast<const signed char*>(out_.data());
    for (u64 i = 0; i < columns_; ++i) {
      float scale;
      std::memcpy(&scale, out_.data() + columns_ + i / 32 * 4, sizeof scale);
      numbers[i] = scale * values[i];
    }
    return numbers;
  }
  double tolerance() const override { return 1.0 / 120; }  // equally good scales differ by a step

 private:
  u64 columns_;
  Memory<float> x_;
  Memory<u8> out_;
};

using List = std::vector<MakeCase>;

template <class Made, class... Arguments>
void add(List& list, Arguments... arguments) {
  list.push_back([arguments...] { return std::make_unique<Made>(arguments...); });
}

template <class Run>
void add_elements(List& list, const char* name, u64 count, u64 rows_touched, bool changes_input, Run run) {
  add<Elements<Run>>(list, name, count, rows_touched, changes_input, run);
}

void add_others(List& list, const Sizes& sizes) {
  for (const u64 positions : {sizes.positions / 8, sizes.positions}) {
    add<Attention<Halves>>(list, positions, u64{8}, u64{64});
    add<Attention<Q8_0>>(list, positions, u64{8}, u64{64});
  }
  add_elements(list, "rmsnorm", sizes.columns, 3, false,
               [](const void* k, float* out, const float* x, const float* y, const float*, u64 n) {
                 as<void(float*, const float*, const float*, u64, float)>(k)(out, x, y, n, 1e-5f);
               });
  add_elements(list, "softmax", sizes.positions, 2, true,
               [](const void* k, float* out, const float*, const float*, const float*, u64 n) {
                 as<void(float*, u64)>(k)(out, n);
               });
  add_elements(list, "rope", 64, 4, false,
               [](const void* k, float* out, const float* x, const float* y, const float* z, u64 n) {
                 as<void(float*, const float*, const float*, const float*, u64)>(k)(out, x, y, z, n);
               });
  for (const char* name : {"swiglu", "geglu"})
    add_elements(list, name, sizes.hidden, 3, true,
                 [](const void* k, float* out, const float*, const float* y, const float*, u64 n) {
                   as<void(float*, const float*, u64)>(k)(out, y, n);
                 });
  add_elements(list, "add", sizes.columns, 3, true,
               [](const void* k, float* out, const float*, const float* y, const float*, u64 n) {
                 as<void(float*, const float*, u64)>(k)(out, y, n);
               });
  add<Quantize>(list, sizes.columns);
}

void add_products(List& list, const Sizes& sizes, const Format& format) {
  const u64 group = kGroupRows * format.row_bytes(sizes.columns);
  const auto rows = [&](u64 bytes) { return max<u64>(bytes / group, 1) * kGroupRows; };
  // What comes from memory comes first: the engine chooses a version at the first calls of a shape.
  const Format* const f = &format;
  add<Product>(list, f, sizes.columns, rows(sizes.memory_bytes), u64{1}, "memory");
  add<Product>(list, f, sizes.columns, rows(sizes.cached_bytes), u64{1}, "cache");
  add<Product>(list, f, sizes.columns, sizes.batch_rows, u64{64}, "cache");
}

bool is_among(const std::string& list, const std::string& name) {
  return ("," + list + ",").find("," + name + ",") != std::string::npos;
}

}  // namespace

std::vector<MakeCase> all_cases(const Sizes& sizes, const std::string& formats_wanted) {
  List list;
  for (const Format& format : formats()) {
    const std::string name(format.name.data, format.name.size);
    if (formats_wanted.empty() || is_among(formats_wanted, name)) add_products(list, sizes, format);
  }
  if (formats_wanted.empty()) add_others(list, sizes);
  return list;
}

}  // namespace bench
