#include "inference/model.h"

#include "inference/binary_heap.h"
#include "inference/shape.h"
#include "inference/vector.h"

namespace inference {

namespace {

constexpr Text kDamaged = "the file is damaged; get it again";

// What a layer has of vectors, at most (two norms, two of heads, three biases), and its matrices.
constexpr u64 kVectors = 7;
constexpr Matrix Layer::* kProducts[] = {&Layer::query, &Layer::key, &Layer::value, &Layer::output,
                                         &Layer::gate,  &Layer::up,  &Layer::down};

bool refuse_number(Text tensor, Error& error) {
  error << "model: tensor " << Quoted(tensor)
        << " has weights that are infinite or NaN: " << kDamaged;
  return false;
}

bool refuse_packing(Error& error) {
  error << "model: not enough memory to arrange its weights: give the machine more memory";
  return false;
}

// Tensors that a file of so many layers has at most: the layers', embedding, output norm, output,
// RoPE's factors.
constexpr u64 most_tensors(u64 layers) {
  return layers * (kVectors + sizeof kProducts / sizeof kProducts[0]) + 4;
}

}  // namespace

// Takes tensors out of the file, and remembers where they lay.
class Model::Finder {
 public:
  Finder(const Gguf& file, MutableBytes memory, Error& error)
      : file_(file), memory_(memory), error_(error) {}

  [[nodiscard]] bool prepare(u64 layers);

  // A tensor of exactly this shape whose rows are all in the file.
  bool matrix(Text name, u64 rows, u64 columns, Matrix& matrix);

  // `count` floats, from F32 or F16, to `out`.
  bool floats(Text name, u64 count, float* out);

  // False if tensors share bytes.
  bool check_overlaps();

  // False if the file has more than was asked for.
  bool check_all_taken();

  bool has(Text name) const { return file_.find_tensor(name) != nullptr; }

  // Says that a tensor is not for us; false.
  bool refuse(Text name) {
    error_ << "model: tensor " << Quoted(name) << " is not supported: give another model";
    return false;
  }

 private:
  struct Extent {
    Text name;
    u64 first;  // bytes from the start of the file
    u64 end;
  };

  const GgufTensor* tensor(Text name) const;
  bool check_extent(const GgufTensor& tensor, const Format& format) const;

  const Gguf& file_;
  const MutableBytes memory_;
  Error& error_;
  Array<Extent> extents_;
  u64 used_ = 0;
};

bool Model::Finder::prepare(u64 layers) {
  if (extents_.allocate(most_tensors(layers))) return true;
  error_ << "model: not enough memory for its tensor list: give the machine more memory";
  return false;
}

const GgufTensor* Model::Finder::tensor(Text name) const {
  const GgufTensor* found = file_.find_tensor(name);
  if (found == nullptr)
    error_ << "model: tensor " << Quoted(name) << " is missing: not a whole model";
  return found;
}

bool Model::Finder::check_extent(const GgufTensor& tensor, const Format& format) const {
  // Sizes have been compared with the shape: no product overflows.
  const u64 bytes = tensor.sizes[1] * format.row_bytes(tensor.sizes[0]);
  if (bytes <= tensor.bytes_to_end) return true;
  error_ << "model: tensor " << Quoted(tensor.name) << " needs " << bytes
         << " bytes, but the file has " << tensor.bytes_to_end << " left: " << kDamaged;
  return false;
}

bool Model::Finder::matrix(Text name, u64 rows, u64 columns, Matrix& matrix) {
  const GgufTensor* found = tensor(name);
  if (found == nullptr) return false;
  if (found->sizes[0] != columns || found->sizes[1] != rows || found->sizes[2] != 1 ||
      found->sizes[3] != 1) {
    error_ << "model: tensor " << Quoted(name) << " is " << found->sizes[1] << " x "
           << found->sizes[0] << ", expected " << rows << " x " << columns << ": " << kDamaged;
    return false;
  }
  const Format* format = find_format(found->type);
  if (format == nullptr) {
    error_ << "model: tensor " << Quoted(name) << " has format " << format_name(found->type) << " ("
           << found->type << "), which is not supported: use a file of formats ";
    list_formats(error_);
    return false;
  }
  if (columns % format->block_elements != 0) {
    error_ << "model: rows of tensor " << Quoted(name) << " have " << columns
           << " elements, not whole blocks of " << format->name << ": " << kDamaged;
    return false;
  }
  if (!check_extent(*found, *format)) return false;
  const u64 first = static_cast<u64>(found->data - memory_.data);
  matrix = {memory_.data + first, format, rows, columns};
  matrix.name = found->name;
  extents_[used_++] = {found->name, first, first + matrix.bytes()};
  return true;
}

bool Model::Finder::floats(Text name, u64 count, float* out) {
  Matrix row;
  if (!matrix(name, 1, count, row)) return false;
  row.format->dequantize(out, row.data, count);
  for (u64 i = 0; i < count; ++i)
    if (out[i] - out[i] != 0.0f) return refuse_number(name, error_);
  return true;
}

bool Model::Finder::check_overlaps() {
  heap_sort(extents_.data(), used_,
            [](const Extent& a, const Extent& b) { return a.first < b.first; });
  for (u64 i = 1; i < used_; ++i) {
    if (extents_[i - 1].end <= extents_[i].first) continue;
    error_ << "model: tensors " << Quoted(extents_[i - 1].name) << " and "
           << Quoted(extents_[i].name) << " overlap: " << kDamaged;
    return false;
  }
  return true;
}

// What is not taken would be left out of what the model says.
bool Model::Finder::check_all_taken() {
  if (used_ == file_.tensor_count()) return true;
  for (u64 i = 0; i < file_.tensor_count(); ++i) {
    const Text name = file_.tensor(i).name;
    bool taken = false;
    for (u64 k = 0; k < used_ && !taken; ++k) taken = extents_[k].name == name;
    if (!taken) return refuse(name);
  }
  return true;
}

namespace {

// "blk.<layer>.<part>.weight"
struct LayerName : Message {
  LayerName(u64 layer, Text part, Text kind = "weight") {
    *this << "blk." << layer << "." << part << "." << kind;
  }
};

// Parts with biases that no architecture of ours has.
constexpr Text kForeignBiases[] = {"attn_output", "ffn_gate", "ffn_up", "ffn_down"};

// Of `count` rows the second half's come between the first half's.
void interleave(u8* rows, u64 count, u64 row_bytes, u8* scratch) {
  copy_bytes(scratch, rows, count * row_bytes);
  for (u64 i = 0; i < count; ++i) {
    const u64 from = i / 2 + (i % 2) * (count / 2);
    copy_bytes(rows + i * row_bytes, scratch + from * row_bytes, row_bytes);
  }
}

// Says from time to time how far a long work is.
class Progress {
 public:
  explicit Progress(u64 bytes) : bytes_(bytes), said_ns_(bf_clock_ns()) {}

  void add(u64 bytes) {
    constexpr u64 kPauseNs = 1'000'000'000;
    done_ += bytes;
    if (bf_clock_ns() - said_ns_ < kPauseNs) return;
    said_ns_ = bf_clock_ns();
    Message line;
    line << "model: " << 100 * done_ / bytes_ << " % of " << bytes_ / (1 << 20)
         << " MiB of weights arranged\n";
    line.write(BF_STREAM_LOG);
  }

 private:
  u64 bytes_;
  u64 done_ = 0;
  u64 said_ns_;
};

// The embedding's rows are the vocabulary: the one size that metadata need not give.
bool read_vocabulary(const Gguf& file, u64& vocabulary, Error& error) {
  constexpr u64 kMostPieces = 1 << 24;
  const GgufTensor* tensor = file.find_tensor("token_embd.weight");
  vocabulary = tensor == nullptr ? 1 : tensor->sizes[1];
  if (vocabulary >= 1 && vocabulary <= kMostPieces) return true;
  error << "model: tensor 'token_embd.weight' has " << vocabulary
        << " rows, no sensible vocabulary: " << kDamaged;
  return false;
}

}  // namespace

bool Model::load(const Gguf& file, MutableBytes memory, Error& error) {
  Finder find(file, memory, error);
  if (!read_shape(file, shape, error) || !read_vocabulary(file, shape.vocabulary, error) ||
      !find.prepare(shape.layers))
    return false;
  const auto padded = [](u64 count) { return round_up(count, kLanes); };
  biases_ = shape.architecture.has(Architecture::Biases) || find.has("blk.0.attn_q.bias");
  u64 layer_floats = 2 * padded(shape.dim);
  if (biases_) layer_floats += padded(shape.query_dim()) + 2 * padded(shape.kv_dim());
  if (shape.architecture.has(Architecture::HeadNorms)) layer_floats += 2 * shape.head_dim;
  const u64 other_floats = padded(shape.dim) + padded(shape.rotated_dim);
  if (!layers.allocate(shape.layers) ||
      !floats_.allocate(shape.layers * layer_floats + other_floats)) {
    error << "model: not enough memory for its norms: give the machine more memory";
    return false;
  }
  return find_all(find) && find.check_overlaps() && find.check_all_taken() && pair_up(error) && pack(error);
}

float* Model::take_floats(u64 count) {
  float* const floats = floats_.data() + floats_used_;
  floats_used_ += round_up(count, kLanes);
  return floats;
}

bool Model::find_all(Finder& find) {
  if (!find.matrix("token_embd.weight", shape.vocabulary, shape.dim, embedding)) return false;
  for (u64 i = 0; i < shape.layers; ++i)
    if (!find_layer(find, i)) return false;
  float* norm = take_floats(shape.dim);
  output_norm = norm;
  if (!find.floats("output_norm.weight", shape.dim, norm) || !find_rope_factors(find)) return false;
  tied_ = !find.has("output.weight");
  return tied_ || find.matrix("output.weight", shape.vocabulary, shape.dim, output);
}

bool Model::find_layer(Finder& find, u64 index) {
  Layer& layer = layers[index];
  float* const attention_norm = take_floats(shape.dim);
  float* const feed_forward_norm = take_floats(shape.dim);
  layer.attention_norm = attention_norm;
  layer.feed_forward_norm = feed_forward_norm;
  const auto matrix = [&](Text part, u64 rows, u64 columns, Matrix& to) {
    return find.matrix(LayerName(index, part).text(), rows, columns, to);
  };
  return find.floats(LayerName(index, "attn_norm").text(), shape.dim, attention_norm) &&
         find.floats(LayerName(index, "ffn_norm").text(), shape.dim, feed_forward_norm) &&
         matrix("attn_q", shape.query_dim(), shape.dim, layer.query) &&
         matrix("attn_k", shape.kv_dim(), shape.dim, layer.key) &&
         matrix("attn_v", shape.kv_dim(), shape.dim, layer.value) &&
         matrix("attn_output", shape.dim, shape.query_dim(), layer.output) &&
         matrix("ffn_gate", shape.hidden, shape.dim, layer.gate) &&
         matrix("ffn_up", shape.hidden, shape.dim, layer.up) &&
         matrix("ffn_down", shape.dim, shape.hidden, layer.down) && find_extras(find, index);
}

// What only some models have.
bool Model::find_extras(Finder& find, u64 index) {
  Layer& layer = layers[index];
  for (const Text part : kForeignBiases)
    if (find.has(LayerName(index, part, "bias").text()))
      return find.refuse(LayerName(index, part, "bias").text());
  const auto floats = [&](Text part, Text kind, u64 count, float*& to) {
    to = take_floats(count);
    return find.floats(LayerName(index, part, kind).text(), count, to);
  };
  const bool with_biases =
      !biases_ || (floats("attn_q", "bias", shape.query_dim(), layer.query_bias) &&
                   floats("attn_k", "bias", shape.kv_dim(), layer.key_bias) &&
                   floats("attn_v", "bias", shape.kv_dim(), layer.value_bias));
  if (!with_biases || !shape.architecture.has(Architecture::HeadNorms)) return with_biases;
  return floats("attn_q_norm", "weight", shape.head_dim, layer.query_norm) &&
         floats("attn_k_norm", "weight", shape.head_dim, layer.key_norm);
}

bool Model::find_rope_factors(Finder& find) {
  if (!find.has("rope_freqs.weight")) return true;
  float* const factors = take_floats(shape.rotated_dim / 2);
  shape.rope.factors = factors;
  if (!find.floats("rope_freqs.weight", shape.rotated_dim / 2, factors)) return false;
  for (u64 i = 0; i < shape.rotated_dim / 2; ++i)
    if (!(factors[i] > 0.0f && factors[i] < 1e30f)) return find.refuse("rope_freqs.weight");
  return true;
}

// Where the halves of a head are rotated together, everything that makes queries and keys is put in
// the order of pairs, as llama.cpp's converter does it for Llama. Scores do not change: they are
// sums over a head's elements.
bool Model::pair_up(Error& error) {
  if (shape.architecture.pairs == Architecture::Neighbours) return true;
  u64 row_bytes = sizeof(float);
  for (u64 i = 0; i < shape.layers; ++i)
    row_bytes = max(row_bytes, max(layers[i].query.row_bytes(), layers[i].key.row_bytes()));
  Array<u8> scratch;
  if (!scratch.allocate(shape.rotated_dim * row_bytes)) {
    error << "model: not enough memory to reorder its heads: give the machine more memory";
    return false;
  }
  const auto heads = [&](void* rows, u64 count, u64 bytes) {
    for (u64 h = 0; rows != nullptr && h < count; ++h)
      interleave(static_cast<u8*>(rows) + h * shape.head_dim * bytes, shape.rotated_dim, bytes,
                 scratch.data());
  };
  for (u64 i = 0; i < shape.layers; ++i) {
    Layer& layer = layers[i];
    heads(layer.query.data, shape.heads, layer.query.row_bytes());
    heads(layer.key.data, shape.kv_heads, layer.key.row_bytes());
    heads(layer.query_bias, shape.heads, sizeof(float));
    heads(layer.key_bias, shape.kv_heads, sizeof(float));
    heads(layer.query_norm, 1, sizeof(float));
    heads(layer.key_norm, 1, sizeof(float));
  }
  return true;
}

// Visits every matrix that is multiplied with; stops and is false where the visit is.
template <class Visit>
bool Model::for_each_product(Visit visit) {
  for (u64 i = 0; i < shape.layers; ++i)
    for (Matrix Layer::* part : kProducts)
      if (!visit(layers[i].*part)) return false;
  return visit(tied_ ? embedding : output);
}

bool Model::pack(Error& error) {
  u64 tail_bytes = 0, bytes = 0;
  for_each_product([&](Matrix& matrix) {
    tail_bytes += matrix.tail_bytes();
    bytes += matrix.bytes();
    return true;
  });
  if (tail_bytes > 0 && !tails_.allocate(tail_bytes)) return refuse_packing(error);
  u8* tail = tails_.data();
  if (!tied_) bytes += embedding.bytes();
  Progress progress(bytes);
  const auto note = [&](const Matrix& matrix, Matrix::Packed packed) {
    if (packed == Matrix::Packed::MemoryIsShort) return refuse_packing(error);
    if (packed == Matrix::Packed::NotFinite) return refuse_number(matrix.name, error);
    progress.add(matrix.bytes());
    return true;
  };
  const bool done = for_each_product([&](Matrix& matrix) {
    matrix.tail = tail;
    tail += matrix.tail_bytes();
    return note(matrix, matrix.pack());
  });
  if (tied_) output = embedding;
  return done && (tied_ || note(embedding, embedding.check()));
}

}  // namespace inference
