// Attention of the query heads that share a key-value head, over a cache of half-precision floats:
// scores, softmax and the mixture of values in one function, for one size of heads.
//
// What it computes is what `attention` in src/inference/kernels computes, to the bit: keys come in
// tiles of 16 positions, [tile][head_dim][16], values as [position][head_dim]. A plan's shape is a
// size of heads with a number of queries (AttentionSize), and any number of positions.
#pragma once

#include "microjit/emit/emitted_function.h"

namespace bf::microjit::emit {

// Packed into KernelShape::size. Rows of `out` and `query` follow each other.
struct AttentionSize {
  u32 head_dim, queries;

  explicit AttentionSize(u64 packed)
      : head_dim(static_cast<u32>(packed >> 32)), queries(static_cast<u32>(packed)) {}
  AttentionSize(u64 dim, u64 count)
      : head_dim(static_cast<u32>(dim)), queries(static_cast<u32>(count)) {}
  u64 packed() const { return u64{head_dim} << 32 | queries; }
};

// Jumps to `body` if the call is one of the size, with any positions.
void choose_attention(x86::Assembler& a, u64 packed, const asmjit::Label& body);

class Attention final : public EmittedFunction {
 public:
  using EmittedFunction::EmittedFunction;
  static bool can_do(const AttentionSize& size) {
    return size.head_dim % 16 == 0 && size.head_dim - 1 < 1024 && size.queries - 1 < 64;
  }

 private:
  static constexpr u32 kTogether = 8;  // queries whose sums are in registers

  u32 frame_bytes() const override { return 64; }
  void choose(const KernelPlan& plan, const asmjit::Label& body) override {
    choose_attention(a_, plan.shape.size, body);
  }
  void body(const KernelPlan& plan) override;

  void score(u32 first, u32 count);
  void score_tile(u32 count, u32 part);
  void mix(u32 first, u32 count);
  void mix_columns(u32 count, u32 column);
  void mix_position(u32 count, u32 column, u32 ahead);
  x86::Mem weight(u32 query, u32 ahead) const;

  u32 head_dim_ = 0;
};

}  // namespace bf::microjit::emit
