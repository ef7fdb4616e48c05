#include "inference/shape.h"

#include "inference/vector.h"

namespace inference {

namespace {

constexpr Text kAdvice = "the file is damaged, or not a Llama model";

// Larger than any model, small enough that products of three of these cannot overflow.
constexpr u64 kMostDim = 1 << 20;
constexpr u64 kMostLayers = 1 << 12;
constexpr u64 kMostContext = 1 << 24;

bool refuse(Error& error, Text key, u64 value) {
  error << "model: metadata " << key << " is " << value << ", which makes no sense: " << kAdvice;
  return false;
}

class MetadataReader {
 public:
  MetadataReader(const Gguf& file, Error& error) : file_(file), error_(error) {}

  // A number from 1 to `most`; `fallback` of 0 means that it has to be there.
  u64 count(Text key, u64 most, u64 fallback = 0) {
    u64 value = fallback;
    if (!error_.empty()) return 1;
    if (!file_.find_integer(key, value) && file_.has(key)) {
      error_ << "model: metadata " << key << " is no positive number: " << kAdvice;
    } else if (value == 0 && !file_.has(key)) {
      error_ << "model: metadata " << key << " is missing: " << kAdvice;
    } else if (value == 0 || value > most) {
      refuse(error_, key, value);
    }
    return error_.empty() ? value : 1;
  }

  // A positive, finite number.
  float positive(Text key, float fallback) {
    float value = fallback;
    const bool is_float = file_.find_float(key, value);
    const bool sane = value > 0.0f && value < 1e30f;
    if (error_.empty() && (!sane || (!is_float && file_.has(key))))
      error_ << "model: metadata " << key << " is no positive number: " << kAdvice;
    return value;
  }

 private:
  const Gguf& file_;
  Error& error_;
};

bool check_architecture(const Gguf& file, Error& error) {
  Text architecture;
  if (!file.find_text("general.architecture", architecture)) {
    error << "model: metadata general.architecture is missing: " << kAdvice;
    return false;
  }
  if (architecture == Text("llama")) return true;
  error << "model: architecture " << Quoted(architecture)
        << " is not supported: give a model of architecture 'llama'";
  return false;
}

// Positions of a context stretched "linearly" are divided by a factor.
bool read_rope_scale(const Gguf& file, MetadataReader& metadata, float& scale, Error& error) {
  Text type = "none";
  file.find_text("llama.rope.scaling.type", type);
  scale = 1.0f;
  if (type == Text("linear"))
    scale = 1.0f / metadata.positive("llama.rope.scaling.factor", 1.0f);
  else if (!(type == Text("none")) && !type.empty())
    error << "model: RoPE scaling " << Quoted(type)
          << " is not supported: give a model with none or linear scaling";
  if (file.find_tensor("rope_freqs.weight") != nullptr && error.empty())
    error << "model: RoPE frequency factors (tensor 'rope_freqs.weight') are not supported: give a "
             "model without them";
  return error.empty();
}

// Parts of the file that the metadata does not account for would silently be left out.
bool check_extent(const Gguf& file, const Shape& shape, Error& error) {
  u64 experts = 0;
  Message beyond;
  beyond << "blk." << shape.layers << ".attn_norm.weight";
  if (file.find_integer("llama.expert_count", experts) && experts > 0) {
    error << "model: a mixture of " << experts
          << " experts is not supported: give a dense Llama model";
  } else if (file.find_tensor(beyond.text()) != nullptr) {
    error << "model: llama.block_count is " << shape.layers
          << ", but there are more blocks in the file: " << kAdvice;
  }
  return error.empty();
}

bool check_shape(const Shape& shape, Error& error) {
  if (shape.heads % shape.kv_heads != 0) {
    error << "model: " << shape.heads << " attention heads do not divide into " << shape.kv_heads
          << " key-value heads: " << kAdvice;
  } else if (shape.head_dim % 2 != 0) {
    error << "model: the size of an attention head, " << shape.head_dim
          << ", is odd, so RoPE cannot rotate pairs: " << kAdvice;
  } else if (shape.rotated_dim % 2 != 0 || shape.rotated_dim > shape.head_dim) {
    refuse(error, "llama.rope.dimension_count", shape.rotated_dim);
  } else if (shape.query_dim() > kMostDim) {
    refuse(error, "llama.attention.head_count", shape.heads);
  }
  return error.empty();
}

}  // namespace

bool read_shape(const Gguf& file, Shape& shape, Error& error) {
  if (!check_architecture(file, error)) return false;
  MetadataReader metadata(file, error);
  shape.dim = metadata.count("llama.embedding_length", kMostDim);
  shape.layers = metadata.count("llama.block_count", kMostLayers);
  shape.heads = metadata.count("llama.attention.head_count", kMostDim);
  shape.kv_heads = metadata.count("llama.attention.head_count_kv", kMostDim, shape.heads);
  shape.hidden = metadata.count("llama.feed_forward_length", kMostDim);
  shape.context = metadata.count("llama.context_length", kMostContext);
  if (!error.empty() || !check_extent(file, shape, error)) return false;
  if (!file.has("llama.attention.key_length") && shape.dim % shape.heads != 0) {
    error << "model: an embedding of " << shape.dim << " does not divide into " << shape.heads
          << " attention heads: " << kAdvice;
    return false;
  }
  shape.head_dim =
      metadata.count("llama.attention.key_length", kMostDim, max(shape.dim / shape.heads, u64{1}));
  const u64 value_dim = metadata.count("llama.attention.value_length", kMostDim, shape.head_dim);
  if (value_dim != shape.head_dim) return refuse(error, "llama.attention.value_length", value_dim);
  shape.rotated_dim = metadata.count("llama.rope.dimension_count", kMostDim, shape.head_dim);
  shape.rope_base = metadata.positive("llama.rope.freq_base", 10000.0f);
  shape.epsilon = metadata.positive("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  if (!error.empty() || !read_rope_scale(file, metadata, shape.rope_scale, error)) return false;
  return check_shape(shape, error);
}

}  // namespace inference
