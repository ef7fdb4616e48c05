#include "tools/gguf/checkpoint.h"

#include <cmath>
#include <cstring>

namespace bf::gguf {

namespace {

constexpr u64 kHeaderBytes = 7 * sizeof(i32);
constexpr i32 kLaterMagic = 0x616b3432;  // "ak42": version 1 and later
constexpr u64 kMost = 1 << 20;
constexpr u64 kMostLayers = 1 << 12;
constexpr u64 kFloat = sizeof(float);
constexpr float kEpsilon = 1e-5f;  // of all models of llama2.c

Error wrong(const char* file, const char* what) {
  return Error::format("%s: %s: not a checkpoint of llama2.c (export.py --version 0)", file, what);
}

bool is_sane(const Checkpoint::Shape& shape) {
  for (const u64 size :
       {shape.dim, shape.hidden, shape.heads, shape.kv_heads, shape.vocabulary, shape.context})
    if (size == 0 || size > kMost) return false;
  return shape.layers > 0 && shape.layers <= kMostLayers && shape.dim % shape.heads == 0 &&
         shape.heads % shape.kv_heads == 0 && shape.dim / shape.heads % 2 == 0;
}

// The sizes of the parts of a file, in its order. Products of three sizes cannot overflow.
struct Layout {
  explicit Layout(const Checkpoint::Shape& s)
      : dim(s.dim),
        head_dim(s.dim / s.heads),
        kv_dim(head_dim * s.kv_heads),
        embeddings(s.vocabulary * s.dim),
        norms(s.layers * s.dim),
        queries(s.layers * s.dim * s.dim),
        keys(s.layers * s.dim * kv_dim),
        feed(s.layers * s.dim * s.hidden),
        // Cosines and sines, which nobody reads any more.
        rotations(2 * s.context * (head_dim / 2)) {}

  u64 elements(bool tied) const {
    return embeddings * (tied ? 1 : 2) + 2 * norms + 2 * queries + 2 * keys + 3 * feed + dim +
           rotations;
  }

  u64 dim, head_dim, kv_dim, embeddings, norms, queries, keys, feed, rotations;
};

}  // namespace

Result<Checkpoint> Checkpoint::parse(const char* file, std::span<const u8> bytes) {
  if (bytes.size() < kHeaderBytes) return wrong(file, "too short");
  i32 header[7];
  std::memcpy(header, bytes.data(), kHeaderBytes);
  if (header[0] == kLaterMagic) return wrong(file, "a later version");
  for (const i32& number : header)
    if (number <= 0 && &number != &header[5]) return wrong(file, "sizes that make no sense");
  const auto size = [&](int i) { return static_cast<u64>(std::abs(static_cast<i64>(header[i]))); };
  Checkpoint result;
  result.shape_ = {size(0), size(1), size(2), size(3), size(4), size(5), size(6), header[5] > 0};
  if (!is_sane(result.shape_)) return wrong(file, "sizes that make no sense");
  const Layout layout(result.shape_);
  const u64 expected = kHeaderBytes + kFloat * layout.elements(result.shape_.tied);
  if (bytes.size() != expected)
    return Error::format(
        "%s: %llu bytes, where its sizes ask for %llu: damaged, or not a "
        "checkpoint of llama2.c (export.py --version 0)",
        file, static_cast<unsigned long long>(bytes.size()),
        static_cast<unsigned long long>(expected));
  result.place(bytes.data() + kHeaderBytes);
  return result;
}

void Checkpoint::place(const u8* weights) {
  const Shape& s = shape_;
  const Layout layout(s);
  const auto take = [&](u64 elements) {
    const u8* const start = weights;
    weights += elements * kFloat;
    return start;
  };
  const u8* const embeddings = take(layout.embeddings);
  const u8* const attention_norms = take(layout.norms);
  const u8* const queries = take(layout.queries);
  const u8* const keys = take(layout.keys);
  const u8* const values = take(layout.keys);
  const u8* const outputs = take(layout.queries);
  const u8* const feed_norms = take(layout.norms);
  const u8* const gates = take(layout.feed);
  const u8* const downs = take(layout.feed);
  const u8* const ups = take(layout.feed);
  const u8* const norm = take(s.dim);
  take(layout.rotations);
  const u8* const output = s.tied ? embeddings : weights;

  tensors_.push_back({"token_embd.weight", {s.dim, s.vocabulary}, embeddings});
  tensors_.push_back({"output_norm.weight", {s.dim}, norm});
  tensors_.push_back({"output.weight", {s.dim, s.vocabulary}, output});
  for (u64 layer = 0; layer < s.layers; ++layer) {
    const auto add = [&](const char* name, const std::vector<u64>& sizes, const u8* all) {
      u64 bytes = layer * kFloat;
      for (const u64 size : sizes) bytes *= size;
      tensors_.push_back({"blk." + std::to_string(layer) + "." + name, sizes, all + bytes});
    };
    add("attn_q.weight", {s.dim, s.dim}, queries);
    add("attn_k.weight", {s.dim, layout.kv_dim}, keys);
    add("attn_v.weight", {s.dim, layout.kv_dim}, values);
    add("attn_output.weight", {s.dim, s.dim}, outputs);
    add("attn_norm.weight", {s.dim}, attention_norms);
    add("ffn_gate.weight", {s.dim, s.hidden}, gates);
    add("ffn_down.weight", {s.hidden, s.dim}, downs);
    add("ffn_up.weight", {s.dim, s.hidden}, ups);
    add("ffn_norm.weight", {s.dim}, feed_norms);
  }
}

// In the order of llama.cpp's own converter.
void Checkpoint::describe(ModelWriter& model) const {
  const auto number = [&](const char* key, u64 value) {
    model.number(key, static_cast<u32>(value));
  };
  number("llama.context_length", shape_.context);
  number("llama.embedding_length", shape_.dim);
  number("llama.feed_forward_length", shape_.hidden);
  number("llama.attention.head_count", shape_.heads);
  number("llama.attention.head_count_kv", shape_.kv_heads);
  number("llama.block_count", shape_.layers);
  number("llama.rope.dimension_count", shape_.dim / shape_.heads);
  model.real("llama.attention.layer_norm_rms_epsilon", kEpsilon);
}

}  // namespace bf::gguf
