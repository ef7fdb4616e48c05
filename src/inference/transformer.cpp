#include "inference/transformer.h"

#include "inference/kernels/kernels.h"
#include "inference/math.h"

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

 private:
  float* arena_;
  u64 used_ = 0;
};

// A matrix product, shared by the cores.
struct Product {
  float* out;
  u64 out_stride;
  const Matrix* matrix;
  const void* activations;
  u64 tokens;

  static void run(void* self, u64 first, u64 last) {
    const Product& p = *static_cast<const Product*>(self);
    p.matrix->multiply(first, last, p.out, p.out_stride, p.activations, p.tokens);
  }
};

// One token's attention, shared by the cores head by head.
struct Heads {
  float* out;          // (heads, stride)
  const float* query;  // (heads, stride)
  const float* keys;   // (kv_heads, cache_rows, stride)
  const float* values;
  float* scores;  // (heads, cache_rows)
  u64 cache_rows;
  u64 stride;
  u64 heads_per_kv;
  u64 positions;
  float scale;

  static void run(void* self, u64 first, u64 last) {
    const Heads& h = *static_cast<const Heads*>(self);
    for (u64 head = first; head < last; ++head) {
      const u64 cache = head / h.heads_per_kv * h.cache_rows * h.stride;
      attention(h.out + head * h.stride, h.query + head * h.stride, h.keys + cache,
                h.values + cache, h.scores + head * h.cache_rows, h.positions, h.stride, h.scale);
    }
  }
};

}  // namespace

struct Transformer::Rows {
  const float* floats;  // (tokens, padded columns)
  u8* quantized;
  u64 columns;
  u64 tokens;
  bool is_quantized = false;

  const void* as(Activations kind) {
    if (kind == Activations::Float) return floats;
    if (!is_quantized) {
      for (u64 t = 0; t < tokens; ++t)
        quantize_q8(quantized + t * q8_row_bytes(columns), floats + t * padded(columns), columns);
      is_quantized = true;
    }
    return quantized;
  }
};

u64 Transformer::plan(u64 context, float* arena) {
  const Shape& shape = model_->shape;
  Planner planner(arena);
  context_ = context;
  head_stride_ = padded(shape.head_dim);
  cache_rows_ = padded(context);
  stream_ = planner.take(kBatchTokens, shape.dim);
  normed_ = planner.take(kBatchTokens, shape.dim);
  query_ = planner.take(kBatchTokens, shape.query_dim());
  key_ = planner.take(kBatchTokens, shape.kv_dim());
  value_ = planner.take(kBatchTokens, shape.kv_dim());
  rotated_ = planner.take(shape.heads, head_stride_);
  mixed_heads_ = planner.take(shape.heads, head_stride_);
  mixed_ = planner.take(kBatchTokens, shape.query_dim());
  projected_ = planner.take(kBatchTokens, shape.dim);
  gate_ = planner.take(kBatchTokens, shape.hidden);
  up_ = planner.take(kBatchTokens, shape.hidden);
  const u64 widest = padded(max(max(shape.dim, shape.query_dim()), shape.hidden));
  quantized_ = reinterpret_cast<u8*>(
      planner.take(kBatchTokens, q8_row_bytes(round_up(widest, 32)) / sizeof(float)));
  scores_ = planner.take(shape.heads, cache_rows_);
  cosines_ = planner.take(context, head_stride_);
  sines_ = planner.take(context, head_stride_);
  keys_ = planner.take(shape.layers * shape.kv_heads, cache_rows_ * head_stride_);
  values_ = planner.take(shape.layers * shape.kv_heads, cache_rows_ * head_stride_);
  logits_ = planner.take(1, shape.vocabulary);
  return planner.used();
}

bool Transformer::prepare(const Model& model, u64 wanted_context, Error& error) {
  constexpr u64 kMiB = 1 << 20;
  model_ = &model;
  rotations_ = 0;
  const Shape& shape = model.shape;
  u64 context = wanted_context == 0 ? shape.context : min(wanted_context, shape.context);
  const u64 least = min(context, kLeastContext);
  while (!arena_.allocate(plan(context, nullptr)) && context > least)
    context = max(context / 2, least);
  const u64 needed = plan(context, nullptr);
  if (arena_.size() == 0 || !row_.allocate(model.embedding.row_bytes()) ||
      !frequencies_.allocate(shape.rotated_dim / 2)) {
    error << "model: not enough memory: a context of " << context << " tokens needs "
          << needed * sizeof(float) / kMiB + 1 << " MiB: give the machine more memory";
    return false;
  }
  plan(context, arena_.data());
  const double dim = static_cast<double>(shape.rotated_dim);
  for (u64 i = 0; i < frequencies_.size(); ++i)
    frequencies_[i] = power(shape.rope_base, -2.0 * static_cast<double>(i) / dim);
  return true;
}

// Angles are made when a position is first reached: a long context costs nothing at the start.
void Transformer::prepare_rotations(u64 end) {
  for (; rotations_ < end; ++rotations_) {
    float* cosines = cosines_ + rotations_ * head_stride_;
    float* sines = sines_ + rotations_ * head_stride_;
    const double position = static_cast<double>(rotations_) * model_->shape.rope_scale;
    for (u64 i = 0; i < frequencies_.size(); ++i) {
      const SinCos angle = sin_cos(position * frequencies_[i]);
      cosines[2 * i] = cosines[2 * i + 1] = static_cast<float>(angle.cos);
      sines[2 * i] = static_cast<float>(-angle.sin);
      sines[2 * i + 1] = static_cast<float>(angle.sin);
    }
    for (u64 i = model_->shape.rotated_dim; i < head_stride_; ++i) cosines[i] = 1.0f;
  }
}

const float* Transformer::forward(const u32* tokens, u64 count, u64 position) {
  prepare_rotations(position + count);
  u64 last = 0;
  for (u64 done = 0; done < count;) {
    const u64 batch = min(count - done, kBatchTokens);
    forward_batch(tokens + done, batch, position + done);
    done += batch;
    last = batch - 1;
  }
  const Shape& shape = model_->shape;
  rmsnorm(normed_, stream_ + last * padded(shape.dim), model_->output_norm, shape.dim,
          shape.epsilon);
  Rows rows{normed_, quantized_, shape.dim, 1};
  multiply(logits_, padded(shape.vocabulary), model_->output, rows);
  return logits_;
}

void Transformer::forward_batch(const u32* tokens, u64 count, u64 position) {
  const Matrix& embedding = model_->embedding;
  for (u64 t = 0; t < count; ++t)
    embedding.row(tokens[t], stream_ + t * padded(embedding.columns), row_.data());
  for (u64 i = 0; i < model_->shape.layers; ++i) {
    attend(model_->layers[i], i, count, position);
    feed_forward(model_->layers[i], count);
  }
}

// stream += output(attention(rope(query(norm(stream))), rope(key(...)), value(...)))
void Transformer::attend(const Layer& layer, u64 index, u64 tokens, u64 position) {
  const Shape& shape = model_->shape;
  const u64 dim = padded(shape.dim);
  const u64 query_dim = padded(shape.query_dim());
  for (u64 t = 0; t < tokens; ++t)
    rmsnorm(normed_ + t * dim, stream_ + t * dim, layer.attention_norm, shape.dim, shape.epsilon);
  Rows normed{normed_, quantized_, shape.dim, tokens};
  multiply(query_, query_dim, layer.query, normed);
  multiply(key_, padded(shape.kv_dim()), layer.key, normed);
  multiply(value_, padded(shape.kv_dim()), layer.value, normed);
  rotate_into_cache(index, tokens, position);

  for (u64 t = 0; t < tokens; ++t) attend_token(index, t, position + t);
  Rows mixed{mixed_, quantized_, shape.query_dim(), tokens};
  multiply(projected_, dim, layer.output, mixed);
  add(stream_, projected_, tokens * dim);
}

// mixed[token] = attention(rope(query[token])) over the cache up to `position`
void Transformer::attend_token(u64 layer, u64 token, u64 position) {
  const Shape& shape = model_->shape;
  const u64 row = token * padded(shape.query_dim());
  const float* cosines = cosines_ + position * head_stride_;
  const float* sines = sines_ + position * head_stride_;
  for (u64 h = 0; h < shape.heads; ++h)
    rope(rotated_ + h * head_stride_, query_ + row + h * shape.head_dim, cosines, sines,
         shape.head_dim);
  const double scale = 1.0 / __builtin_sqrt(static_cast<double>(shape.head_dim));
  Heads heads = {.out = mixed_heads_,
                 .query = rotated_,
                 .keys = cache_row(keys_, layer, 0, 0),
                 .values = cache_row(values_, layer, 0, 0),
                 .scores = scores_,
                 .cache_rows = cache_rows_,
                 .stride = head_stride_,
                 .heads_per_kv = shape.heads / shape.kv_heads,
                 .positions = position + 1,
                 .scale = static_cast<float>(scale)};
  bf_parallel_for(0, shape.heads, 1, Heads::run, &heads);
  for (u64 h = 0; h < shape.heads; ++h)
    copy_bytes(mixed_ + row + h * shape.head_dim, mixed_heads_ + h * head_stride_,
               shape.head_dim * sizeof(float));
}

void Transformer::rotate_into_cache(u64 layer, u64 tokens, u64 position) {
  const Shape& shape = model_->shape;
  const u64 kv_dim = padded(shape.kv_dim());
  for (u64 t = 0; t < tokens; ++t) {
    const u64 row = (position + t) * head_stride_;
    for (u64 h = 0; h < shape.kv_heads; ++h) {
      const u64 from = t * kv_dim + h * shape.head_dim;
      rope(cache_row(keys_, layer, h, position + t), key_ + from, cosines_ + row, sines_ + row,
           shape.head_dim);
      copy_bytes(cache_row(values_, layer, h, position + t), value_ + from,
                 shape.head_dim * sizeof(float));
    }
  }
}

// stream += down(silu(gate(norm(stream))) * up(norm(stream)))
void Transformer::feed_forward(const Layer& layer, u64 tokens) {
  const Shape& shape = model_->shape;
  const u64 dim = padded(shape.dim);
  const u64 hidden = padded(shape.hidden);
  for (u64 t = 0; t < tokens; ++t)
    rmsnorm(normed_ + t * dim, stream_ + t * dim, layer.feed_forward_norm, shape.dim,
            shape.epsilon);
  Rows normed{normed_, quantized_, shape.dim, tokens};
  multiply(gate_, hidden, layer.gate, normed);
  multiply(up_, hidden, layer.up, normed);
  swiglu(gate_, up_, tokens * hidden);
  Rows activated{gate_, quantized_, shape.hidden, tokens};
  multiply(projected_, dim, layer.down, activated);
  add(stream_, projected_, tokens * dim);
}

void Transformer::multiply(float* out, u64 out_stride, const Matrix& matrix, Rows& rows) {
  Product product{out, out_stride, &matrix, rows.as(matrix.format->activations), rows.tokens};
  bf_parallel_for(0, matrix.groups(), 1, Product::run, &product);
}

}  // namespace inference
