// Matrix products as the autotuner sees them.
#include <algorithm>
#include <memory>
#include <vector>

#include "microjit/emit/kernels.h"
#include "microjit/emit/matmul.h"

namespace bf::microjit::emit {

namespace {

constexpr u64 kGroupRows = 16;

// The arguments, by name (src/inference/formats.h).
struct Product {
  float* out;
  const u8* weights;
  const void* activations;
  u64 columns, rows, tokens, out_stride;

  explicit Product(const KernelCall& call)
      : out(reinterpret_cast<float*>(call.general[0])),
        weights(reinterpret_cast<const u8*>(call.general[1])),
        activations(reinterpret_cast<const void*>(call.general[2])),
        columns(call.general[3]), rows(call.general[4]), tokens(call.general[5]),
        out_stride(call.stack[0]) {}

  void run(const void* entry) const {
    using Function = void (*)(float*, const u8*, const void*, u64, u64, u64, u64);
    reinterpret_cast<Function>(const_cast<void*>(entry))(out, weights, activations, columns, rows,
                                                         tokens, out_stride);
  }
};

class MatmulTuning final : public Kernel {
 public:
  explicit MatmulTuning(const Matmul& matmul) : matmul_(matmul) {}

  CallShape shape(const KernelCall& call) const override {
    const Product m(call);
    return {m.columns, m.tokens};
  }
  KernelShape kind_of(const CallShape& shape) const override {
    return shape.number == 1 ? KernelShape{shape.size, 1, 1} : KernelShape{shape.size, 2};
  }

  usize plans(const KernelCall& call, Set set,
              std::span<KernelPlan, kMostPlans> out) const override {
    const Product m(call);
    const KernelShape shape{m.columns, m.tokens, m.tokens};
    usize count = 0;
    if (m.tokens == 1) {
      out[count++] = {shape, 1, 0};
      out[count++] = {shape, 1, 4096, 1};
      // Of what outcome() cannot compare for want of rows, nothing is tried.
      const bool wide = m.rows >= kComparedGroups * kGroupRows;
      if (wide) out[count++] = {shape, 1, is_short() ? 2048u : 4096u, 1, 1, 2};
      for (const u32 prefetch : {4096u, 8192u}) out[count++] = {shape, 1, prefetch, 2};
      if (!is_short()) return count;
      for (const u32 prefetch : {2048u, 0u})
        if (wide) out[count++] = {shape, 1, prefetch, 1, 1, kMostStreams};
      out[count++] = {shape, 1, 0, 1, kUnroll};
      return count;
    }
    const u32 most = matmul_.most_tokens(set);
    for (const u32 tile : {most, most * 3 / 4})
      for (const u32 prefetch : {1u, 0u}) out[count++] = {shape, tile, prefetch};
    out[count++] = {shape, most / 2, 1};
    if (is_short()) out[count++] = {shape, most, 1, 1, kUnroll};
    return count;
  }

  Result<CompiledCode> emit(std::span<const KernelPlan> plans,
                            const EmitOptions& options) const override {
    return matmul_.emit(plans, options);
  }

  void run(const void* entry, const KernelCall& call) const override { Product(call).run(entry); }

  u64 work(const KernelCall& call) const override {
    const Product m(call);
    return m.rows * m.tokens;
  }

  std::vector<u8> outcome(const void* entry, const KernelCall& call) const override {
    Product m(call);
    if (m.columns % matmul_.block_columns() != 0 || m.rows % kGroupRows != 0) return {};
    if (m.rows == 0 || m.tokens == 0) return {};
    const u64 groups = m.tokens == 1 ? kComparedGroups : 1;
    m.rows = m.out_stride = std::min(m.rows, groups * kGroupRows);
    std::vector<u8> out(m.rows * m.tokens * sizeof(float));
    m.out = reinterpret_cast<float*>(out.data());
    m.run(entry);
    return out;
  }

  void describe(const KernelPlan& plan, Text& text) const override {
    using ull = unsigned long long;
    text.format("%llu columns, ", static_cast<ull>(plan.shape.size));
    if (plan.shape.least != plan.shape.most)
      text.format("%llu or more tokens", static_cast<ull>(plan.shape.least));
    else
      text.format("%llu token%s", static_cast<ull>(plan.shape.least),
                  plan.shape.least == 1 ? "" : "s");
    text.format(": tile %u, prefetch %u", plan.tile, plan.prefetch);
    if (plan.prefetch != 0 && plan.shape.most == 1) text.format(" to level %u", plan.cache_level);
    if (plan.unroll != 1) text.format(", %u blocks a round", plan.unroll);
    if (plan.streams != 1) text.format(", %u groups side by side", plan.streams);
  }

 private:
  // Whether a round of the loop is short enough for several blocks of columns to be worth a try.
  bool is_short() const { return matmul_.block_columns() <= 32; }

  static constexpr u32 kUnroll = 2, kMostStreams = 4;
  static constexpr u64 kComparedGroups = kMostStreams + 1;  // of one token: side by side, and one left
  const Matmul matmul_;
};

}  // namespace

std::unique_ptr<const Kernel> make_matmul(std::string_view function) {
  const auto matmul = Matmul::find(function);
  return matmul ? std::make_unique<MatmulTuning>(*matmul) : nullptr;
}

}  // namespace bf::microjit::emit
