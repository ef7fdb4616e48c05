// Matrix products of packed weights, generated for the columns and numbers of tokens that are seen,
// with a tile and for an instruction set.
//
//   const Matmul matmul = *Matmul::find("matmul_q4_0");
//   const KernelPlan plans[] = {{.shape = {.size = 2048, .least = 1, .most = 1}}};   // one token
//   auto code = matmul.emit(plans, {.set = set, .function = index});
//
// What they compute is what the function of that name in src/inference/kernels computes; layouts of
// weights and activations are described in src/inference/formats.h. A plan's shape is a number of
// columns and a range of numbers of tokens; its tile is how many tokens meet each weight together, at
// most; its prefetch is in bytes ahead of the weights, or, for several tokens, whether the next rows' are
// fetched; what it unrolls are blocks of columns; its streams, for one token, are groups of rows.
#pragma once

#include <optional>

#include "microjit/emit/kernel.h"

namespace bf::microjit::emit {

struct MatmulFormat;  // matmul_format.h
struct FloatFormat;   // matmul_float.h

class Matmul {
 public:
  // Nothing if there is no emitter of that name.
  static std::optional<Matmul> find(std::string_view name);

  // The most tokens of a tile that registers suffice for.
  u32 most_tokens(Set set) const;
  // Rows must have whole multiples of so many columns.
  u32 block_columns() const;
  // As Kernel::emit.
  Result<CompiledCode> emit(std::span<const KernelPlan> plans, const EmitOptions& options) const;

 private:
  const MatmulFormat* quantized_ = nullptr;
  const FloatFormat* floats_ = nullptr;
};

}  // namespace bf::microjit::emit
