// Every architecture against a forward pass written down in double, element by element, from the
// file's own tensors: where heads are rotated by halves, nothing is reordered here.
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>

#include "../support/gguf_builder.h"
#include "../support/loaded_model.h"

using namespace test;

namespace {

using Vector = std::vector<double>;

struct Made {
  std::string architecture = "llama";
  size_t heads = 4, kv_heads = 2, head_dim = 16, dim = 48, hidden = 80, layers = 2, rotated = 16;
  bool biases = false, head_norms = false, halves = false, scaled = false, gelu = false;
  std::string scaling = {};
  double factor = 1, original_context = 0;
  std::vector<float> rope_factors = {};
  double base = 10000;

  std::map<std::string, std::vector<float>> tensors = {};
  std::string file = {};

  size_t vocabulary() const { return 259 + tiny_pieces().size(); }

  void build() {
    GgufBuilder gguf;
    const std::string a = architecture + ".";
    gguf.text("general.architecture", architecture);
    gguf.number(a + "embedding_length", dim).number(a + "block_count", layers);
    gguf.number(a + "attention.head_count", heads).number(a + "attention.head_count_kv", kv_heads);
    gguf.number(a + "attention.key_length", head_dim).number(a + "feed_forward_length", hidden);
    gguf.number(a + "attention.value_length", head_dim).number(a + "context_length", 256);
    gguf.number(a + "rope.dimension_count", rotated);
    gguf.real(a + "attention.layer_norm_rms_epsilon", 1e-5f);
    gguf.real(a + "rope.freq_base", static_cast<float>(base));
    if (!scaling.empty()) {
      gguf.text(a + "rope.scaling.type", scaling);
      gguf.real(a + "rope.scaling.factor", static_cast<float>(factor));
      if (original_context > 0)
        gguf.number(a + "rope.scaling.original_context_length",
                    static_cast<uint32_t>(original_context));
    }
    add_vocabulary(gguf, tiny_pieces());
    std::mt19937 random(7);
    const auto add = [&](const std::string& name, std::vector<uint64_t> sizes, float middle,
                         float spread) {
      std::normal_distribution<float> normal(middle, spread);
      size_t count = 1;
      for (uint64_t size : sizes) count *= size;
      std::vector<float> values(count);
      std::string data;
      for (float& v : values) data += raw(v = normal(random));
      gguf.tensor(name, std::move(sizes), kF32, data);
      tensors[name] = values;
    };
    add("token_embd.weight", {dim, vocabulary()}, 0, 0.5f);
    add("output_norm.weight", {dim}, 1, 0.2f);
    for (size_t l = 0; l < layers; ++l) {
      const std::string b = "blk." + std::to_string(l) + ".";
      add(b + "attn_norm.weight", {dim}, 1, 0.2f);
      add(b + "ffn_norm.weight", {dim}, 1, 0.2f);
      add(b + "attn_q.weight", {dim, heads * head_dim}, 0, 0.2f);
      add(b + "attn_k.weight", {dim, kv_heads * head_dim}, 0, 0.2f);
      add(b + "attn_v.weight", {dim, kv_heads * head_dim}, 0, 0.3f);
      add(b + "attn_output.weight", {heads * head_dim, dim}, 0, 0.2f);
      add(b + "ffn_gate.weight", {dim, hidden}, 0, 0.3f);
      add(b + "ffn_up.weight", {dim, hidden}, 0, 0.3f);
      add(b + "ffn_down.weight", {hidden, dim}, 0, 0.2f);
      if (biases) {
        add(b + "attn_q.bias", {heads * head_dim}, 0, 1);
        add(b + "attn_k.bias", {kv_heads * head_dim}, 0, 1);
        add(b + "attn_v.bias", {kv_heads * head_dim}, 0, 1);
      }
      if (head_norms) {
        add(b + "attn_q_norm.weight", {head_dim}, 1, 0.3f);
        add(b + "attn_k_norm.weight", {head_dim}, 1, 0.3f);
      }
    }
    if (!rope_factors.empty()) {
      std::string data;
      for (float f : rope_factors) data += raw(f);
      gguf.tensor("rope_freqs.weight", {rope_factors.size()}, kF32, data);
    }
    file = gguf.build();
  }

  Vector times(const std::string& name, const Vector& x) const {
    const std::vector<float>& weights = tensors.at(name);
    Vector out(weights.size() / x.size());
    for (size_t r = 0; r < out.size(); ++r)
      for (size_t c = 0; c < x.size(); ++c) out[r] += double{weights[r * x.size() + c]} * x[c];
    return out;
  }

  void plus(const std::string& name, Vector& x) const {
    const auto found = tensors.find(name);
    for (size_t i = 0; found != tensors.end() && i < x.size(); ++i) x[i] += found->second[i];
  }

  Vector normed(const std::string& name, const Vector& x) const {
    double squares = 0;
    for (double v : x) squares += v * v;
    Vector out = x;
    const double scale = 1 / std::sqrt(squares / static_cast<double>(x.size()) + 1e-5);
    for (size_t i = 0; i < x.size(); ++i) out[i] *= scale * tensors.at(name)[i];
    return out;
  }

  double frequency(size_t pair) const {
    double own = std::pow(base, -2.0 * static_cast<double>(pair) / static_cast<double>(rotated));
    if (!rope_factors.empty()) own /= rope_factors[pair];
    if (scaling == "linear") return own / factor;
    if (scaling != "yarn") return own;
    const double n = static_cast<double>(rotated), pi = std::acos(-1.0);
    const auto turning = [&](double turns) {
      return n * std::log(original_context / (turns * 2 * pi)) / (2 * std::log(base));
    };
    const double low = std::max(0.0, std::floor(turning(32)));
    const double high = std::min(n - 1, std::ceil(turning(1)));
    const double y = (static_cast<double>(pair) - low) / std::max(0.001, high - low);
    const double mix = 1 - std::min(1.0, std::max(0.0, y));
    return own / factor * (1 - mix) + own * mix;
  }

  // Heads of one token, in place.
  void rotate(Vector& x, size_t position) const {
    const double magnitude = scaling == "yarn" ? 1 + 0.1 * std::log(factor) : 1;
    for (size_t head = 0; head < x.size(); head += head_dim)
      for (size_t i = 0; i < rotated / 2; ++i) {
        double& a = x[head + (halves ? i : 2 * i)];
        double& b = x[head + (halves ? i + rotated / 2 : 2 * i + 1)];
        const double angle = static_cast<double>(position) * frequency(i);
        const double c = std::cos(angle) * magnitude, s = std::sin(angle) * magnitude;
        const double turned = a * c - b * s;
        b = a * s + b * c;
        a = turned;
      }
  }

  void norm_heads(const std::string& name, Vector& x) const {
    if (!head_norms) return;
    for (size_t head = 0; head < x.size(); head += head_dim) {
      const Vector one(x.begin() + static_cast<long>(head),
                       x.begin() + static_cast<long>(head + head_dim));
      const Vector done = normed(name, one);
      std::copy(done.begin(), done.end(), x.begin() + static_cast<long>(head));
    }
  }

  // The logits after the last token.
  Vector forward(const std::vector<uint32_t>& tokens) const {
    std::vector<std::vector<Vector>> keys(layers), values(layers);
    Vector stream;
    for (size_t p = 0; p < tokens.size(); ++p) {
      const float* row = tensors.at("token_embd.weight").data() + tokens[p] * dim;
      stream.assign(row, row + dim);
      for (double& v : stream) v *= scaled ? std::sqrt(static_cast<double>(dim)) : 1;
      for (size_t l = 0; l < layers; ++l) {
        const std::string b = "blk." + std::to_string(l) + ".";
        const Vector x = normed(b + "attn_norm.weight", stream);
        Vector q = times(b + "attn_q.weight", x), k = times(b + "attn_k.weight", x),
               v = times(b + "attn_v.weight", x);
        plus(b + "attn_q.bias", q);
        plus(b + "attn_k.bias", k);
        plus(b + "attn_v.bias", v);
        norm_heads(b + "attn_q_norm.weight", q);
        norm_heads(b + "attn_k_norm.weight", k);
        rotate(q, p);
        rotate(k, p);
        keys[l].push_back(k);
        values[l].push_back(v);
        add(stream, times(b + "attn_output.weight", attended(q, keys[l], values[l])));
        const Vector y = normed(b + "ffn_norm.weight", stream);
        Vector gate = times(b + "ffn_gate.weight", y);
        const Vector up = times(b + "ffn_up.weight", y);
        for (size_t i = 0; i < hidden; ++i) gate[i] = activated(gate[i]) * up[i];
        add(stream, times(b + "ffn_down.weight", gate));
      }
    }
    return times("token_embd.weight", normed("output_norm.weight", stream));
  }

  double activated(double x) const {
    if (!gelu) return x / (1 + std::exp(-x));
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
  }

  static void add(Vector& x, const Vector& y) {
    for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }

  Vector attended(const Vector& q, const std::vector<Vector>& k,
                  const std::vector<Vector>& v) const {
    Vector out(heads * head_dim);
    for (size_t h = 0; h < heads; ++h) {
      const size_t kv = h / (heads / kv_heads) * head_dim;
      Vector weights(k.size());
      double total = 0;
      for (size_t p = 0; p < k.size(); ++p) {
        double dot = 0;
        for (size_t i = 0; i < head_dim; ++i) dot += q[h * head_dim + i] * k[p][kv + i];
        total += weights[p] = std::exp(dot / std::sqrt(static_cast<double>(head_dim)));
      }
      for (size_t p = 0; p < k.size(); ++p)
        for (size_t i = 0; i < head_dim; ++i)
          out[h * head_dim + i] += weights[p] / total * v[p][kv + i];
    }
    return out;
  }
};

// How far our logits are from the reference's, in units of the reference's spread.
double distance(const Made& made, const Made& reference) {
  LoadedModel model(made.file);
  INFO(model.message());
  REQUIRE(model.loaded);
  std::vector<uint32_t> tokens;
  for (uint32_t i = 0; i < 40; ++i) tokens.push_back((i * 53 + 7) % 260);
  const float* logits = model.transformer.forward(tokens.data(), tokens.size(), 0);
  const Vector expected = reference.forward(tokens);
  double errors = 0, spread = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    errors += (logits[i] - expected[i]) * (logits[i] - expected[i]);
    spread += expected[i] * expected[i];
  }
  return std::sqrt(errors / spread);
}

std::vector<Made> all() {
  std::vector<Made> list(10);
  list[1].architecture = "mistral";
  list[2] = {.architecture = "qwen2", .dim = 64, .biases = true, .halves = true};
  list[3] = {
      .architecture = "qwen3", .head_dim = 32, .rotated = 32, .head_norms = true, .halves = true};
  list[4] = {.architecture = "gemma",
             .kv_heads = 1,
             .head_dim = 24,
             .rotated = 24,
             .halves = true,
             .scaled = true,
             .gelu = true};
  list[5].biases = true;
  list[6].rope_factors = {1, 1, 1.5f, 2, 3, 5, 8, 8};
  list[7].scaling = "linear";
  list[7].factor = 4;
  list[8].scaling = "yarn";
  list[8].factor = 4;
  list[8].original_context = 64;
  list[8].base = 500;
  list[9] = {.architecture = "qwen2", .dim = 64, .rotated = 8, .biases = true, .halves = true};
  for (Made& made : list) made.build();
  return list;
}

std::string refusal(GgufBuilder& file) {
  return LoadedModel(file.build()).message();
}

}  // namespace

TEST_CASE("each architecture computes what it is defined to") {
  for (const Made& made : all()) {
    INFO(made.architecture << " " << made.scaling);
    // Keys and values are kept in half precision.
    CHECK(distance(made, made) < 5e-3);
  }
}

TEST_CASE("what differs between architectures shows") {
  for (const Made& made : all()) {
    INFO(made.architecture << " " << made.scaling);
    const auto differs = [&](auto change) {
      Made other = made;
      change(other);
      return distance(made, other) > 2e-2;
    };
    CHECK(differs([](Made& m) { m.halves = !m.halves; }));
    CHECK(differs([](Made& m) { m.gelu = !m.gelu; }));
    CHECK(differs([](Made& m) { m.scaled = !m.scaled; }));
    if (made.head_norms) CHECK(differs([](Made& m) { m.head_norms = false; }));
    if (made.biases)
      for (const char* bias : {"blk.0.attn_q.bias", "blk.1.attn_k.bias", "blk.1.attn_v.bias"})
        CHECK(differs([&](Made& m) { m.tensors.erase(bias); }));
    if (!made.scaling.empty()) CHECK(differs([](Made& m) { m.scaling = ""; }));
    if (!made.rope_factors.empty()) CHECK(differs([](Made& m) { m.rope_factors.clear(); }));
  }
}

TEST_CASE("architectures say what is missing or not supported") {
  const auto says = [](GgufBuilder file, const char* message) {
    CHECK_THAT(refusal(file), Catch::Contains(message));
  };
  says(tiny_llama().text("general.architecture", "mamba"),
       "give a model of llama, mistral, smollm");
  says(tiny_llama().text("general.architecture", "qwen2"), "qwen2.embedding_length is missing");
  GgufBuilder bias = tiny_llama();
  bias.tensor("blk.0.attn_output.bias", {32}, kF32, std::string(128, '\0'));
  says(bias, "'blk.0.attn_output.bias' is not supported");
  GgufBuilder half = tiny_llama();
  half.tensor("blk.0.attn_q.bias", {32}, kF32, std::string(128, '\0'));
  says(half, "'blk.0.attn_k.bias' is missing");
  GgufBuilder factors = tiny_llama();
  factors.tensor("rope_freqs.weight", {8}, kF32, std::string(32, '\0'));
  says(factors, "'rope_freqs.weight' is not supported");
}
