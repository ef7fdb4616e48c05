#include "inference/shape.h"

#include "inference/vector.h"

namespace inference {

namespace {

constexpr Text kAdvice = "the file is damaged, or not a Llama model";

// Larger than any model, small enough that products of three of these cannot overflow.
constexpr u64 kMostDim = 1 << 20;
constexpr u64 kMostLayers = 1 << 12;
constexpr u64 kMostContext = 1 << 24;

// "llama.block_count"
struct Key : Message {
  Key(const Architecture& architecture, Text name) { *this << architecture.name << "." << name; }
};

// Reads what belongs to the architecture: keys are named without it.
class MetadataReader {
 public:
  MetadataReader(const Gguf& file, const Architecture& architecture, Error& error)
      : file_(file), architecture_(architecture), error_(error) {}

  bool has(Text name) const { return file_.has(Key(architecture_, name).text()); }

  bool refuse(Text name, u64 value) {
    error_ << "model: metadata " << Key(architecture_, name).text() << " is " << value
           << ", which makes no sense: " << kAdvice;
    return false;
  }

  Text text(Text name) const {
    Text value;
    file_.find_text(Key(architecture_, name).text(), value);
    return value;
  }

  // A number from 1 to `most`; `fallback` of 0 means that it has to be there.
  u64 count(Text name, u64 most, u64 fallback = 0) {
    const Key full(architecture_, name);
    const Text key = full.text();
    u64 value = fallback;
    if (!error_.empty()) return 1;
    if (!file_.find_integer(key, value) && file_.has(key)) {
      error_ << "model: metadata " << key << " is no positive number: " << kAdvice;
    } else if (value == 0 && !file_.has(key)) {
      error_ << "model: metadata " << key << " is missing: " << kAdvice;
    } else if (value == 0 || value > most) {
      refuse(name, value);
    }
    return error_.empty() ? value : 1;
  }

  bool is_zero(Text name) const {
    float value = 1.0f;
    return file_.find_float(Key(architecture_, name).text(), value) && value == 0.0f;
  }

  // A positive, finite number.
  float positive(Text name, float fallback) {
    const Key full(architecture_, name);
    const Text key = full.text();
    float value = fallback;
    const bool is_float = file_.find_float(key, value);
    const bool sane = value > 0.0f && value < 1e30f;
    if (error_.empty() && (!sane || (!is_float && file_.has(key))))
      error_ << "model: metadata " << key << " is no positive number: " << kAdvice;
    return value;
  }

 private:
  const Gguf& file_;
  const Architecture& architecture_;
  Error& error_;
};

bool read_architecture(const Gguf& file, Architecture& architecture, Error& error) {
  Text name;
  if (!file.find_text("general.architecture", name)) {
    error << "model: metadata general.architecture is missing: " << kAdvice;
    return false;
  }
  if (find_architecture(name, architecture)) return true;
  error << "model: architecture " << Quoted(name) << " is not supported: give a model of ";
  list_architectures(error);
  return false;
}

// Older files have another key; 0 means that nothing is scaled.
float rope_factor(MetadataReader& metadata) {
  const Text key = metadata.has("rope.scaling.factor") ? Text("rope.scaling.factor") : Text("rope.scale_linear");
  return metadata.is_zero(key) ? 1.0f : metadata.positive(key, 1.0f);
}

bool read_rope(MetadataReader& metadata, const Shape& shape, RopeAngles& rope, Error& error) {
  rope.base = metadata.positive("rope.freq_base", 10000.0f);
  rope.attention = metadata.positive("rope.scaling.attn_factor", 1.0f);
  const Text type = metadata.text("rope.scaling.type");
  const bool yarn = type == Text("yarn");
  if (yarn || type == Text("linear") || type.empty())
    rope.scale = 1.0f / rope_factor(metadata);
  else if (!(type == Text("none")) && error.empty())
    error << "model: RoPE scaling " << Quoted(type)
          << " is not supported: give a model with none, linear or yarn scaling";
  if (yarn)
    rope.original_context =
        metadata.count("rope.scaling.original_context_length", kMostContext, shape.context);
  return error.empty();
}

// Parts of the file that the metadata does not account for would silently be left out.
bool check_extent(const Gguf& file, const Shape& shape, Error& error) {
  u64 experts = 0;
  const Key expert_count(shape.architecture, "expert_count");
  Message beyond;
  beyond << "blk." << shape.layers << ".attn_norm.weight";
  if (file.find_integer(expert_count.text(), experts) && experts > 0) {
    error << "model: a mixture of " << experts
          << " experts is not supported: give a dense Llama model";
  } else if (file.find_tensor(beyond.text()) != nullptr) {
    error << "model: " << Key(shape.architecture, "block_count").text() << " is " << shape.layers
          << ", but there are more blocks in the file: " << kAdvice;
  }
  return error.empty();
}

bool check_shape(const Shape& shape, MetadataReader& metadata, Error& error) {
  if (shape.heads % shape.kv_heads != 0) {
    error << "model: " << shape.heads << " attention heads do not divide into " << shape.kv_heads
          << " key-value heads: " << kAdvice;
  } else if (shape.head_dim % 2 != 0) {
    error << "model: the size of an attention head, " << shape.head_dim
          << ", is odd, so RoPE cannot rotate pairs: " << kAdvice;
  } else if (shape.rotated_dim % 2 != 0 || shape.rotated_dim > shape.head_dim) {
    metadata.refuse("rope.dimension_count", shape.rotated_dim);
  } else if (shape.query_dim() > kMostDim) {
    metadata.refuse("attention.head_count", shape.heads);
  } else if (shape.architecture.has(Architecture::HeadNorms) && shape.head_dim % kLanes != 0) {
    metadata.refuse("attention.key_length", shape.head_dim);
  }
  return error.empty();
}

}  // namespace

bool read_shape(const Gguf& file, Shape& shape, Error& error) {
  if (!read_architecture(file, shape.architecture, error)) return false;
  MetadataReader metadata(file, shape.architecture, error);
  shape.dim = metadata.count("embedding_length", kMostDim);
  shape.layers = metadata.count("block_count", kMostLayers);
  shape.heads = metadata.count("attention.head_count", kMostDim);
  shape.kv_heads = metadata.count("attention.head_count_kv", kMostDim, shape.heads);
  shape.hidden = metadata.count("feed_forward_length", kMostDim);
  shape.context = metadata.count("context_length", kMostContext);
  if (!error.empty() || !check_extent(file, shape, error)) return false;
  if (!metadata.has("attention.key_length") && shape.dim % shape.heads != 0) {
    error << "model: an embedding of " << shape.dim << " does not divide into " << shape.heads
          << " attention heads: " << kAdvice;
    return false;
  }
  shape.head_dim =
      metadata.count("attention.key_length", kMostDim, max(shape.dim / shape.heads, u64{1}));
  const u64 value_dim = metadata.count("attention.value_length", kMostDim, shape.head_dim);
  if (value_dim != shape.head_dim) return metadata.refuse("attention.value_length", value_dim);
  shape.rotated_dim = metadata.count("rope.dimension_count", kMostDim, shape.head_dim);
  shape.epsilon = metadata.positive("attention.layer_norm_rms_epsilon", 1e-5f);
  if (!error.empty() || !read_rope(metadata, shape, shape.rope, error)) return false;
  return check_shape(shape, metadata, error);
}

}  // namespace inference
