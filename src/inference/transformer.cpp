#include "inference/transformer.h"

#include "inference/kernels/kernels.h"
#include "inference/kernels/q8_row.h"
#include "inference/math.h"
#include "inference/parallel.h"

namespace inference {

namespace {

// Contexts are not halved below this to make them fit.
constexpr u64 kLeastContext = 64;

constexpr u64 padded(u64 count) {
  return round_up(count, kLanes);
}

// Hands out consecutive pieces of the arena; with a null arena it only counts.
class Planner {
 public:
  explicit Planner(float* arena) : arena_(arena) {}

  float* take(u64 rows, u64 columns) {
    float* piece = arena_ == nullptr ? nullptr : arena_ + used_;
    used_ += rows * padded(columns);
    return piece;
  }
  u64 used() const { return used_; }
  // Behind what the other one has handed out, too.
  void reach(const Planner& other) { used_ = max(used_, other.used_); }

 private:
  float* arena_;
  u64 used_ = 0;
};

bool takes_q8(const Matrix& matrix) {
  return matrix.format->activations == Activations::Q8;
}

// A batch's hidden values are computed in as many pieces as this, and quantised piece by piece:
// whole rows of floats would be most of the memory that a batch takes.
constexpr u64 kHiddenPieces = 8;

// Puts a Q8 row of `count` columns where columns `first` and following of another one are.
void put_piece(u8* row, u64 columns, const u8* piece, u64 first, u64 count) {
  Q8Places<u8> to(row, columns);
  const Q8Places<const u8> from(piece, count);
  const u64 blocks = count / kQ8BlockElements;
  to.skip(first / kQ8BlockElements);
  __builtin_memcpy(to.values, from.values, count);
  __builtin_memcpy(to.scales, from.scales, blocks * sizeof(float));
  __builtin_memcpy(to.sums, from.sums, blocks * sizeof(float));
  __builtin_memcpy(to.halves, from.halves, blocks * 2 * sizeof(i16));
}

}  // namespace

u64 Transformer::plan(u64 context, float* arena) {
  const Shape& shape = model_->shape;
  Planner planner(arena);
  context_ = context;
  const u64 inner = max(shape.dim, shape.query_dim());
  stream_ = planner.take(batch_, shape.dim);
  mixed_ = normed_ = planner.take(batch_, inner);
  const auto take_q8 = [](Planner& from, u64 rows, u64 columns) {
    const u64 bytes = q8_row_bytes(round_up(columns, kQ8BlockElements));
    return reinterpret_cast<u8*>(from.take(rows, bytes / sizeof(float)));
  };
  const bool in_pieces = shape.hidden % kQ8BlockElements == 0 && feeds_forward_q8();
  const u64 piece =
      in_pieces ? round_up(shape.hidden / kHiddenPieces + 1, kQ8BlockElements) : shape.hidden;
  hidden_floats_ = max(batch_ * padded(piece), padded(shape.hidden));
  // Attention is over before the hidden values are computed.
  Planner attention = planner, feed_forward = planner;
  attended_ = query_ = attention.take(batch_, inner);
  key_ = attention.take(batch_, shape.kv_dim());
  value_ = attention.take(batch_, shape.kv_dim());
  up_ = feed_forward.take(1, hidden_floats_);
  hidden_ = take_q8(feed_forward, batch_, shape.hidden);
  // As Q8 nobody needs the normed rows as floats: what is computed of them goes where they were.
  const bool reuse = in_pieces && hidden_floats_ <= batch_ * padded(inner);
  gate_ = reuse ? normed_ : feed_forward.take(1, hidden_floats_);
  fed_ = reuse ? normed_ : feed_forward.take(batch_, inner);
  planner.reach(attention);
  planner.reach(feed_forward);
  quantized_ = take_q8(planner, batch_, inner);
  pieces_ = take_q8(planner, bf_core_count(), shape.hidden);
  scores_ = planner.take(bf_core_count(), cache_.score_count());
  cosines_ = planner.take(batch_, shape.head_dim);
  sines_ = planner.take(batch_, shape.head_dim);
  logits_ = planner.take(1, shape.vocabulary);
  return planner.used();
}

// Of every layer, all matrices that the hidden values are computed with or are multiplied with.
bool Transformer::feeds_forward_q8() const {
  bool all = true;
  for (u64 i = 0; i < model_->shape.layers; ++i) {
    const Layer& layer = model_->layers[i];
    all = all && takes_q8(layer.gate) && takes_q8(layer.up) && takes_q8(layer.down);
  }
  return all;
}

bool Transformer::prepare(const Model& model, const TransformerOptions& options, Error& error) {
  constexpr u64 kMiB = 1 << 20;
  model_ = &model;
  const Shape& shape = model.shape;
  if (!KvCache::fits(shape, options.kv)) {
    error << "kv: a cache in Q8_0 needs heads of whole blocks of 32, this model's have "
          << shape.head_dim << ": use f16";
    return false;
  }
  u64 context = options.context == 0 ? shape.context : min(options.context, shape.context);
  const u64 least = min(context, kLeastContext);
  batch_ = min(options.batch, context);
  for (;;) {
    const bool fits =
        cache_.allocate(shape, options.kv, context) && arena_.allocate(plan(context, nullptr));
    if (fits || context == least) break;
    context = max(context / 2, least);
  }
  const u64 needed =
      plan(context, nullptr) * sizeof(float) + KvCache::bytes_for(shape, options.kv, context);
  if (arena_.size() == 0 || !row_.allocate(model.embedding.row_bytes()) ||
      !frequencies_.allocate(shape.rotated_dim / 2)) {
    error << "model: not enough memory: a context of " << context << " tokens needs "
          << needed / kMiB + 1 << " MiB: give the machine more memory";
    return false;
  }
  plan(context, arena_.data());
  for (u64 i = 0; i < frequencies_.size(); ++i)
    frequencies_[i] = shape.rope.frequency(i, shape.rotated_dim);
  rope_magnitude_ = shape.rope.magnitude();
  return true;
}

void Transformer::prepare_rotations(u64 count, u64 position) {
  const Shape& shape = model_->shape;
  parallel_for_each(count, [&](u64 token) {
    float* cosines = cosines_ + token * padded(shape.head_dim);
    float* sines = sines_ + token * padded(shape.head_dim);
    const double place = static_cast<double>(position + token);
    for (u64 i = 0; i < frequencies_.size(); ++i) {
      const SinCos angle = sin_cos(place * frequencies_[i]);
      const double cosine = angle.cos * rope_magnitude_, sine = angle.sin * rope_magnitude_;
      cosines[2 * i] = cosines[2 * i + 1] = static_cast<float>(cosine);
      sines[2 * i] = static_cast<float>(-sine);
      sines[2 * i + 1] = static_cast<float>(sine);
    }
    for (u64 i = shape.rotated_dim; i < shape.head_dim; ++i) cosines[i] = 1.0f;
  });
}

const float* Transformer::forward(const u32* tokens, u64 count, u64 position) {
  u64 batch = 0;
  for (u64 done = 0; done < count; done += batch) {
    batch = min(count - done, batch_);
    read(tokens + done, batch, position + done);
  }
  return logits(batch - 1);
}

void Transformer::read(const u32* tokens, u64 count, u64 position) {
  const Matrix& embedding = model_->embedding;
  prepare_rotations(count, position);
  for (u64 t = 0; t < count; ++t) embed(tokens[t], stream_ + t * padded(embedding.columns));
  for (u64 i = 0; i < model_->shape.layers; ++i) {
    attend(model_->layers[i], i, count, position);
    feed_forward(model_->layers[i], count);
  }
}

void Transformer::embed(u32 token, float* out) {
  const Shape& shape = model_->shape;
  model_->embedding.row(token, out, row_.data());
  if (!shape.architecture.has(Architecture::ScaledEmbedding)) return;
  const float scale = __builtin_sqrtf(static_cast<float>(shape.dim));
  for (u64 i = 0; i < shape.dim; ++i) out[i] *= scale;
}

const float* Transformer::logits(u64 index) {
  const Shape& shape = model_->shape;
  rmsnorm(normed_, stream_ + index * padded(shape.dim), model_->output_norm, shape.dim,
          shape.epsilon);
  if (takes_q8(model_->output)) quantize(0, normed_, shape.dim);
  multiply({{model_->output, logits_}}, quantized_, normed_, 1);
  return logits_;
}

// stream += output(attention(rope(query(norm(stream))), rope(key(...)), value(...)))
void Transformer::attend(const Layer& layer, u64 index, u64 count, u64 position) {
  const Shape& shape = model_->shape;
  const u64 dim = padded(shape.dim), query_dim = padded(shape.query_dim());
  const bool quantized = takes_q8(layer.query) || takes_q8(layer.key) || takes_q8(layer.value);
  parallel_for_each(count, [&](u64 t) { norm(t, layer.attention_norm, quantized); });
  multiply({{layer.query, query_}, {layer.key, key_}, {layer.value, value_}}, quantized_, normed_,
           count);
  parallel_for_each(count, [&](u64 t) { rotate_into_cache(layer, index, t, position + t); });

  // Heads that share keys and values are taken together, by one core.
  const u64 group = shape.query_dim() / shape.kv_heads;
  parallel_for(0, count * shape.kv_heads, 1, [&](u64 first, u64 last) {
    float* scores = scores_ + bf_core_index() * padded(cache_.score_count());
    for (u64 i = first; i < last; ++i) {
      const u64 token = i / shape.kv_heads, kv_head = i % shape.kv_heads;
      const u64 at = token * query_dim + kv_head * group;
      cache_.attend(index, kv_head, mixed_ + at, query_ + at, scores, position + token + 1);
    }
  });
  if (takes_q8(layer.output))
    parallel_for_each(count, [&](u64 t) { quantize(t, mixed_, shape.query_dim()); });
  multiply({{layer.output, attended_}}, quantized_, mixed_, count);
  parallel_for_each(count, [&](u64 t) { add(stream_ + t * dim, attended_ + t * dim, dim); });
}

// Rotates a token's queries, and puts its rotated keys and its values where attention finds them.
void Transformer::rotate_into_cache(const Layer& layer, u64 index, u64 token, u64 position) {
  const Shape& shape = model_->shape;
  const float* cosines = cosines_ + token * padded(shape.head_dim);
  const float* sines = sines_ + token * padded(shape.head_dim);
  float* query = query_ + token * padded(shape.query_dim());
  float* key = key_ + token * padded(shape.kv_dim());
  float* value = value_ + token * padded(shape.kv_dim());
  if (layer.query_bias != nullptr) {
    add(query, layer.query_bias, shape.query_dim());
    add(key, layer.key_bias, shape.kv_dim());
    add(value, layer.value_bias, shape.kv_dim());
  }
  for (u64 h = 0; layer.query_norm != nullptr && h < shape.heads + shape.kv_heads; ++h) {
    const bool of_key = h >= shape.heads;
    float* head = of_key ? key + (h - shape.heads) * shape.head_dim : query + h * shape.head_dim;
    rmsnorm(head, head, of_key ? layer.key_norm : layer.query_norm, shape.head_dim, shape.epsilon);
  }
  for (u64 h = 0; h < shape.heads; ++h, query += shape.head_dim)
    rope(query, query, cosines, sines, shape.head_dim);
  for (u64 h = 0; h < shape.kv_heads; ++h, key += shape.head_dim, value += shape.head_dim) {
    rope(key, key, cosines, sines, shape.head_dim);
    cache_.store(index, h, position, key, value);
  }
  // What attention leaves alone: rows end in zeroes.
  for (u64 i = shape.query_dim(); i < padded(shape.query_dim()); ++i)
    mixed_[token * padded(shape.query_dim()) + i] = 0.0f;
}

// stream += down(activation(gate(norm(stream))) * up(norm(stream)))
void Transformer::feed_forward(const Layer& layer, u64 count) {
  const Shape& shape = model_->shape;
  const u64 dim = padded(shape.dim);
  const bool quantized = takes_q8(layer.gate) || takes_q8(layer.up);
  parallel_for_each(count, [&](u64 t) { norm(t, layer.feed_forward_norm, quantized); });
  const u64 piece = hidden_piece(count);
  for (u64 first = 0; first < shape.hidden; first += piece) {
    const Rows rows{first, min(piece, shape.hidden - first)};
    multiply({{layer.gate, gate_, rows}, {layer.up, up_, rows}}, quantized_, normed_, count);
    parallel_for_each(count, [&](u64 t) { activate(layer, t, rows); });
  }
  multiply({{layer.down, fed_}}, hidden_, gate_, count);
  parallel_for_each(count, [&](u64 t) { add(stream_ + t * dim, fed_ + t * dim, dim); });
}

// How many of the hidden values of so many tokens there is room for at a time.
u64 Transformer::hidden_piece(u64 tokens) const {
  const u64 hidden = model_->shape.hidden;
  if (tokens * padded(hidden) <= hidden_floats_) return hidden;
  return hidden_floats_ / tokens / kQ8BlockElements * kQ8BlockElements;
}

// gate = activation(gate) * up of a token's rows, as Q8 where that is wanted.
void Transformer::activate(const Layer& layer, u64 token, Rows rows) {
  const Shape& shape = model_->shape;
  float* gate = gate_ + token * padded(rows.count);
  const auto function = shape.architecture.has(Architecture::Gelu) ? geglu : swiglu;
  function(gate, up_ + token * padded(rows.count), rows.count);
  if (!takes_q8(layer.down)) return;
  u8* row = hidden_ + token * q8_row_bytes(shape.hidden);
  if (rows.count == shape.hidden) return quantize_q8(row, gate, shape.hidden);
  u8* piece = pieces_ + bf_core_index() * q8_row_bytes(round_up(shape.hidden, kQ8BlockElements));
  quantize_q8(piece, gate, rows.count);
  put_piece(row, shape.hidden, piece, rows.first, rows.count);
}

// normed = norm of the token's stream, as floats and, where they are wanted, as Q8.
void Transformer::norm(u64 token, const float* weight, bool quantized) {
  const Shape& shape = model_->shape;
  const u64 at = token * padded(shape.dim);
  rmsnorm(normed_ + at, stream_ + at, weight, shape.dim, shape.epsilon);
  if (quantized) quantize(token, normed_, shape.dim);
}

void Transformer::quantize(u64 token, const float* rows, u64 columns) {
  quantize_q8(quantized_ + token * q8_row_bytes(columns), rows + token * padded(columns), columns);
}

// run_range of matrix products, by this name in profiles.
template <class Body>
void multiply_rows(void* body, u64 first, u64 last) {
  (*static_cast<Body*>(body))(first, last);
}

// All products in one loop over the cores: groups of 16 rows of one matrix, then of the next. The
// tokens' activations are there as Q8 rows, as floats, or as both.
template <u64 kCount>
[[gnu::always_inline]] inline void Transformer::multiply(const Product (&products)[kCount],
                                                         const u8* quantized, const float* floats,
                                                         u64 tokens) {
  const auto groups_of = [](const Product& p) { return padded(p.rows.count) / kLanes; };
  u64 groups = 0;
  for (const Product& product : products) groups += groups_of(product);
  const auto body = [&](u64 first, u64 last) {
    u64 before = 0;
    for (const Product& product : products) {
      const auto& [matrix, out, rows] = product;
      const u64 end = before + groups_of(product), of_matrix = rows.first / kLanes - before;
      const void* activations = takes_q8(matrix) ? static_cast<const void*>(quantized) : floats;
      if (first < end && last > before)
        matrix.multiply(of_matrix + max(first, before), of_matrix + min(last, end),
                        out - rows.first, padded(rows.count), activations, tokens);
      before = end;
    }
  };
  parallel_for(0, groups, 1, body, multiply_rows<decltype(body)>);
}

}  // namespace inference
