// `bf-gguf random`: a Llama of any shape with random weights.
//
// The deviations keep values near 1 all the way: rows of matrices have norm 1, so that a product
// with a normed vector has deviation 1, and the logits one of kLogits.
#include <cmath>
#include <cstring>

#include "tools/gguf/commands.h"
#include "tools/gguf/file_types.h"
#include "tools/gguf/normals.h"
#include "tools/gguf/source_model.h"
#include "tools/gguf/tensor_data.h"

namespace bf::gguf {

namespace {

constexpr float kLogits = 2.0f;
constexpr float kNormDeviation = 0.1f;
constexpr float kEpsilon = 1e-5f;
constexpr float kRopeBase = 10000.0f;
constexpr u64 kMost = 1 << 20;
constexpr u32 kQuantizationVersion = 2;  // of ggml's block layouts; the first is long gone

struct Shape {
  std::string_view name;
  u64 layers, dim, hidden, heads, kv_heads, context;
  u64 vocabulary = 0;
  bool tied = false;
};

constexpr Shape kShapes[] = {
#define BF_SHAPE(name, layers, dim, hidden, heads, kv_heads, context) \
  {#name, layers, dim, hidden, heads, kv_heads, context},
#include "tools/gguf/shapes.def"
#undef BF_SHAPE
};

Result<Shape> named_shape(const char* name) {
  for (const Shape& shape : kShapes)
    if (shape.name == name) return shape;
  return Error::format("--like %s: there is no such shape (see --help)", name);
}

struct Size {
  const char* option;
  u64 Shape::* member;
};
constexpr Size kSizes[] = {
    {"--layers", &Shape::layers}, {"--dim", &Shape::dim},           {"--hidden", &Shape::hidden},
    {"--heads", &Shape::heads},   {"--kv-heads", &Shape::kv_heads}, {"--context", &Shape::context},
};

Result<Shape> read_shape(const Arguments& arguments) {
  auto shape = named_shape(arguments.has("--like") ? arguments.get("--like") : "small");
  if (!shape) return shape;
  for (const Size& size : kSizes) {
    auto number = arguments.number(size.option, (*shape).*size.member, 1, kMost);
    if (!number) return number.error();
    (*shape).*size.member = *number;
  }
  shape->tied = arguments.has("--tied");
  if (shape->dim % shape->heads != 0 || shape->dim / shape->heads % 2 != 0)
    return Error::format("--dim must be an even multiple of --heads");
  if (shape->heads % shape->kv_heads != 0)
    return Error::format("--heads must be a multiple of --kv-heads");
  return shape;
}

// Copies everything that belongs to the tokenizer; gives the number of pieces.
Result<u64> copy_vocabulary(const char* path, ModelWriter& model) {
  auto source = SourceModel::open(path);
  if (!source) return source.error();
  inference::GgufArray pieces;
  if (!source->gguf().find_array("tokenizer.ggml.tokens", pieces))
    return Error::format("%s: there is no vocabulary in it", path);
  for (u64 i = 0; i < source->gguf().value_count(); ++i) {
    const auto& value = source->gguf().value(i);
    if (view(value.key).starts_with("tokenizer."))
      model.entry(view(value.key), value.type, raw_value(value));
  }
  return pieces.count;
}

void describe(const Shape& shape, const FileType& type, ModelWriter& model) {
  model.text("general.architecture", "llama");
  model.text("general.name", "random-" + std::string(shape.name));
  model.number("llama.context_length", static_cast<u32>(shape.context));
  model.number("llama.embedding_length", static_cast<u32>(shape.dim));
  model.number("llama.block_count", static_cast<u32>(shape.layers));
  model.number("llama.feed_forward_length", static_cast<u32>(shape.hidden));
  model.number("llama.attention.head_count", static_cast<u32>(shape.heads));
  model.number("llama.attention.head_count_kv", static_cast<u32>(shape.kv_heads));
  model.real("llama.attention.layer_norm_rms_epsilon", kEpsilon);
  model.real("llama.rope.freq_base", kRopeBase);
  model.number("llama.rope.dimension_count", static_cast<u32>(shape.dim / shape.heads));
  model.number("llama.vocab_size", static_cast<u32>(shape.vocabulary));
  model.number("general.file_type", type.number);
  model.number("general.quantization_version", kQuantizationVersion);
}

class Tensors {
 public:
  Tensors(ModelWriter& model, const FormatChooser& chooser) : model_(model), chooser_(chooser) {}

  void add_all(const Shape& shape) {
    const u64 kv_dim = shape.dim / shape.heads * shape.kv_heads;
    add("token_embd.weight", {shape.dim, shape.vocabulary});
    add("output_norm.weight", {shape.dim});
    if (!shape.tied) add("output.weight", {shape.dim, shape.vocabulary});
    for (u64 layer = 0; layer < shape.layers; ++layer) {
      const std::string block = "blk." + std::to_string(layer) + ".";
      add(block + "attn_norm.weight", {shape.dim});
      add(block + "attn_q.weight", {shape.dim, shape.dim});
      add(block + "attn_k.weight", {shape.dim, kv_dim});
      add(block + "attn_v.weight", {shape.dim, kv_dim});
      add(block + "attn_output.weight", {shape.dim, shape.dim});
      add(block + "ffn_norm.weight", {shape.dim});
      add(block + "ffn_gate.weight", {shape.dim, shape.hidden});
      add(block + "ffn_up.weight", {shape.dim, shape.hidden});
      add(block + "ffn_down.weight", {shape.hidden, shape.dim});
    }
  }

 private:
  void add(const std::string& name, const std::vector<u64>& sizes) {
    const Quantizer& wanted = chooser_.choose(name, static_cast<u32>(sizes.size()), sizes[0]);
    model_.tensor(name, sizes, fallback_with_note(wanted, name, sizes[0]));
  }

  ModelWriter& model_;
  const FormatChooser& chooser_;
};

float deviation(const ModelWriter::Tensor& tensor) {
  if (tensor.name == "token_embd.weight") return 1;
  const float row = 1 / std::sqrt(static_cast<float>(tensor.columns()));
  return tensor.name == "output.weight" ? kLogits * row : row;
}

Result<void> write(const ModelWriter& model, const OutputFile& file, u64 seed, u32 threads) {
  std::vector<u64> keys;
  for (const auto& tensor : model.tensors()) keys.push_back(random_key(seed, tensor.name));
  return write_tensors(model, file, threads, "random weights",
                       [&](usize i, u64 row, u64 rows, float* out) {
                         const auto& tensor = model.tensors()[i];
                         const bool norm = tensor.sizes.size() == 1;
                         fill_normals(out, rows * tensor.columns(), keys[i], row * tensor.columns(),
                                      norm ? 1 : 0, norm ? kNormDeviation : deviation(tensor));
                         return Result<void>();
                       });
}

}  // namespace

Result<void> run_random(const Arguments& arguments) {
  auto shape = read_shape(arguments);
  if (!shape) return shape.error();
  auto type = file_type_of(arguments, "Q4_0");
  if (!type) return type.error();
  auto seed = arguments.number("--seed", 1, 0, UINT64_MAX);
  if (!seed) return seed.error();
  auto threads = arguments.number("--threads", 0, 1, 1024);
  if (!threads) return threads.error();
  if (!arguments.has("--vocabulary"))
    return Error::format("--vocabulary FILE.gguf is needed: the file whose vocabulary to take");

  ModelWriter vocabulary;
  ModelWriter model;
  auto pieces = copy_vocabulary(arguments.get("--vocabulary"), vocabulary);
  if (!pieces) return pieces.error();
  shape->vocabulary = *pieces;
  describe(*shape, **type, model);
  model.entries_of(vocabulary);
  const FormatChooser chooser(**type, arguments.has("--pure"),
                              {.layers = shape->layers,
                               .heads_per_kv_head = shape->heads / shape->kv_heads,
                               .tied = shape->tied});
  Tensors(model, chooser).add_all(*shape);
  auto file = model.create(arguments.file(0));
  if (!file) return file.error();
  auto written = write(model, *file, *seed, static_cast<u32>(*threads));
  return written ? file->finish() : written.error();
}

}  // namespace bf::gguf
