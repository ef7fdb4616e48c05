// Attention over a cache in Q8_0, as attention_q8_0 in src/inference/kernels computes it, to the
// bit. Keys of 16 positions are a packed group of matmul_q8_0, so that scores are a product of
// quantised queries with keys; then softmax, and the mixture of values: rows of blocks of 34 bytes,
// a half and 32 values.
#pragma once

#include "microjit/emit/attention.h"
#include "microjit/emit/matmul_quantized.h"

namespace bf::microjit::emit {

class AttentionQ8 final : public QuantizedMatmul {
 public:
  AttentionQ8(u32 rows_bytes, Set set, asmjit::CodeHolder& code);
  static bool can_do(const AttentionSize& size);
  static Result<CompiledCode> emit_plans(std::span<const KernelPlan> plans,
                                         const EmitOptions& options);

 private:
  enum Local : u32 {
    kOut = kLocals,
    kKeys,
    kValues,
    kScores,
    kPositions,
    kRowBytes,
    kScale,
    kEndOfLocals
  };
  // Quantised queries lie below the locals.
  u32 frame_bytes() const override { return kEndOfLocals * 8 + rows_bytes_; }
  void choose(const KernelPlan& plan, const asmjit::Label& body) override {
    choose_attention(a_, plan.shape.size, body);
  }
  void body(const KernelPlan& plan) override;
  void load_stride() override;

  void keep_arguments();
  void quantize_queries(const AttentionSize& size);
  void score(const AttentionSize& size);
  void mix(const AttentionSize& size);
  void mix_columns(const AttentionSize& size, u32 first, u32 count, u32 column);
  void mix_position(u32 count, u32 column);
  // Queries whose sums are in registers; they have two each.
  u32 together() const { return is_512(s_.set()) ? 8 : 4; }

  const u32 rows_bytes_;
};

}  // namespace bf::microjit::emit
