// Attention as the autotuner sees it.
#include <bit>

#include "microjit/emit/attention.h"
#include "microjit/emit/attention_q8_0.h"
#include "microjit/emit/kernels.h"

namespace bf::microjit::emit {

namespace {

struct AttentionCall {
  float* out;
  const float* query;
  const void* keys;
  const void* values;
  float* scores;
  u64 positions, queries, stride, head_dim;
  float scale;

  explicit AttentionCall(const KernelCall& call)
      : out(reinterpret_cast<float*>(call.general[0])),
        query(reinterpret_cast<const float*>(call.general[1])),
        keys(reinterpret_cast<const void*>(call.general[2])),
        values(reinterpret_cast<const void*>(call.general[3])),
        scores(reinterpret_cast<float*>(call.general[4])),
        positions(call.general[5]),
        queries(call.stack[0]),
        stride(call.stack[1]),
        head_dim(call.stack[2]),
        scale(std::bit_cast<float>(static_cast<u32>(call.vector[0]))) {}

  void run(const void* entry) const {
    using Function =
        void (*)(float*, const float*, const void*, const void*, float*, u64, u64, u64, u64, float);
    reinterpret_cast<Function>(const_cast<void*>(entry))(
        out, query, keys, values, scores, positions, queries, stride, head_dim, scale);
  }
};

// Both kinds of caches.
struct AttentionKind {
  const char* name;
  bool (*can_do)(const AttentionSize& size);
  Result<CompiledCode> (*emit)(std::span<const KernelPlan> plans, const EmitOptions& options);
};
constexpr AttentionKind kKinds[] = {
    {"attention", Attention::can_do, emit_function<Attention>},
    {"attention_q8_0", AttentionQ8::can_do, AttentionQ8::emit_plans},
};

class AttentionKernel final : public Kernel {
 public:
  explicit AttentionKernel(const AttentionKind& kind) : kind_(kind) {}

  CallShape shape(const KernelCall& call) const override {
    const AttentionCall c(call);
    // Where rows do not follow each other, no size is right.
    return {c.stride == c.head_dim ? AttentionSize(c.head_dim, c.queries).packed() : 0,
            c.positions};
  }
  KernelShape kind_of(const CallShape& shape) const override { return {shape.size, 0}; }
  usize plans(const KernelCall& call, Set, std::span<KernelPlan, kMostPlans> out) const override {
    const CallShape of = shape(call);
    if (!kind_.can_do(AttentionSize(of.size))) return 0;
    out[0] = {kind_of(of), 1, 0};
    return 1;
  }
  Result<CompiledCode> emit(std::span<const KernelPlan> plans,
                            const EmitOptions& options) const override {
    return kind_.emit(plans, options);
  }
  void run(const void* entry, const KernelCall& call) const override {
    AttentionCall(call).run(entry);
  }
  u64 work(const KernelCall& call) const override { return AttentionCall(call).positions; }

  std::vector<u8> outcome(const void* entry, const KernelCall& call) const override {
    AttentionCall c(call);
    std::vector<u8> out(c.queries * c.head_dim * sizeof(float));
    c.out = reinterpret_cast<float*>(out.data());
    c.run(entry);  // scores are scratch: the call itself fills them again
    return out;
  }
  void describe(const KernelPlan& plan, Text& text) const override {
    const AttentionSize size(plan.shape.size);
    text.format("heads of %u, %u at a time", size.head_dim, size.queries);
  }

 private:
  const AttentionKind& kind_;
};

}  // namespace

std::unique_ptr<const Kernel> make_attention(std::string_view function) {
  for (const AttentionKind& kind : kKinds)
    if (function == kind.name) return std::make_unique<AttentionKernel>(kind);
  return nullptr;
}

}  // namespace bf::microjit::emit
