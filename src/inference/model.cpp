#include "inference/model.h"

#include "inference/half.h"
#include "inference/shape.h"
#include "inference/vector.h"

namespace inference {

namespace {

constexpr Text kDamaged = "the file is damaged; get it again";

struct Finder {
  const Gguf& file;
  Error& error;

  // A tensor of exactly this shape whose rows are all in the file.
  bool matrix(Text name, u64 rows, u64 columns, Matrix& matrix) const;

  // `count` floats, from F32 or F16, to `out`.
  bool floats(Text name, u64 count, float* out) const;

 private:
  const GgufTensor* tensor(Text name) const;
  bool check_extent(const GgufTensor& tensor, const Format& format) const;
};

const GgufTensor* Finder::tensor(Text name) const {
  const GgufTensor* found = file.find_tensor(name);
  if (found == nullptr)
    error << "model: tensor " << Quoted(name) << " is missing: not a whole Llama model";
  return found;
}

bool Finder::check_extent(const GgufTensor& tensor, const Format& format) const {
  // Sizes have been compared with the shape: no product overflows.
  const u64 bytes = tensor.sizes[1] * format.row_bytes(tensor.sizes[0]);
  if (bytes <= tensor.bytes_to_end) return true;
  error << "model: tensor " << Quoted(tensor.name) << " needs " << bytes
        << " bytes, but the file has " << tensor.bytes_to_end << " left: " << kDamaged;
  return false;
}

bool Finder::matrix(Text name, u64 rows, u64 columns, Matrix& matrix) const {
  const GgufTensor* found = tensor(name);
  if (found == nullptr) return false;
  if (found->sizes[0] != columns || found->sizes[1] != rows || found->sizes[2] != 1 ||
      found->sizes[3] != 1) {
    error << "model: tensor " << Quoted(name) << " is " << found->sizes[1] << " x "
          << found->sizes[0] << ", expected " << rows << " x " << columns << ": " << kDamaged;
    return false;
  }
  const Format* format = find_format(found->type);
  if (format == nullptr) {
    error << "model: tensor " << Quoted(name) << " has format " << format_name(found->type) << " ("
          << found->type << "), which is not supported: use a file of formats ";
    list_formats(error);
    return false;
  }
  if (columns % format->block_elements != 0) {
    error << "model: rows of tensor " << Quoted(name) << " have " << columns
          << " elements, not whole blocks of " << format->name << ": " << kDamaged;
    return false;
  }
  if (!check_extent(*found, *format)) return false;
  matrix = {found->data, format, rows, columns};
  return true;
}

bool Finder::floats(Text name, u64 count, float* out) const {
  Matrix row;
  if (!matrix(name, 1, count, row)) return false;
  row.format->dequantize(out, row.data, count);
  return true;
}

// "blk.<layer>.<part>.weight"
struct LayerName : Message {
  LayerName(u64 layer, Text part) { *this << "blk." << layer << "." << part << ".weight"; }
};

// The embedding's rows are the vocabulary: the one size that metadata need not give.
bool read_vocabulary(const Finder& find, u64& vocabulary) {
  constexpr u64 kMostPieces = 1 << 24;
  const GgufTensor* tensor = find.file.find_tensor("token_embd.weight");
  vocabulary = tensor == nullptr ? 1 : tensor->sizes[1];
  if (vocabulary >= 1 && vocabulary <= kMostPieces) return true;
  find.error << "model: tensor 'token_embd.weight' has " << vocabulary
             << " rows, no sensible vocabulary: " << kDamaged;
  return false;
}

}  // namespace

bool Model::load(const Gguf& file, Error& error) {
  const Finder find{file, error};
  if (!read_shape(file, shape, error) || !read_vocabulary(find, shape.vocabulary)) return false;
  if (!find.matrix("token_embd.weight", shape.vocabulary, shape.dim, embedding)) return false;

  const u64 padded_dim = round_up(shape.dim, kLanes);
  if (!layers.allocate(shape.layers) || !norms_.allocate((2 * shape.layers + 1) * padded_dim)) {
    error << "model: not enough memory for its norms: give the machine more memory";
    return false;
  }
  for (u64 i = 0; i < shape.layers; ++i)
    if (!load_layer(file, i, error)) return false;

  float* norm = norms_.data() + 2 * shape.layers * padded_dim;
  output_norm = norm;
  if (!find.floats("output_norm.weight", shape.dim, norm)) return false;
  output = embedding;
  return file.find_tensor("output.weight") == nullptr ||
         find.matrix("output.weight", shape.vocabulary, shape.dim, output);
}

bool Model::load_layer(const Gguf& file, u64 index, Error& error) {
  const Finder find{file, error};
  const u64 padded_dim = round_up(shape.dim, kLanes);
  Layer& layer = layers[index];
  float* norms = norms_.data() + 2 * index * padded_dim;
  layer.attention_norm = norms;
  layer.feed_forward_norm = norms + padded_dim;
  const auto matrix = [&](Text part, u64 rows, u64 columns, Matrix& to) {
    return find.matrix(LayerName(index, part).text(), rows, columns, to);
  };
  return find.floats(LayerName(index, "attn_norm").text(), shape.dim, norms) &&
         find.floats(LayerName(index, "ffn_norm").text(), shape.dim, norms + padded_dim) &&
         matrix("attn_q", shape.query_dim(), shape.dim, layer.query) &&
         matrix("attn_k", shape.kv_dim(), shape.dim, layer.key) &&
         matrix("attn_v", shape.kv_dim(), shape.dim, layer.value) &&
         matrix("attn_output", shape.dim, shape.query_dim(), layer.output) &&
         matrix("ffn_gate", shape.hidden, shape.dim, layer.gate) &&
         matrix("ffn_up", shape.hidden, shape.dim, layer.up) &&
         matrix("ffn_down", shape.dim, shape.hidden, layer.down);
}

}  // namespace inference
