#include "microjit/emit/matmul.h"

#include "microjit/emit/matmul_float.h"
#include "microjit/emit/matmul_quantized.h"

namespace bf::microjit::emit {

std::optional<Matmul> Matmul::find(std::string_view name) {
  Matmul found;
  found.floats_ = find_float_matmul(name);
  for (const MatmulFormat& format : matmul_formats())
    if (name == format.name) found.quantized_ = &format;
  if (!found.quantized_ && !found.floats_) return std::nullopt;
  return found;
}

u32 Matmul::most_tokens(Set set) const {
  constexpr u32 kAddressed = 12;  // by the bases of MatmulLoops
  const u32 fit = quantized_ ? QuantizedMatmul::accumulators(set) / 2 : FloatMatmul::accumulators(set);
  return fit < kAddressed ? fit : kAddressed;
}

u32 Matmul::block_columns() const {
  return quantized_ ? quantized_->block_elements : floats_->unit_columns;
}

Result<CompiledCode> Matmul::emit(std::span<const KernelPlan> plans,
                                  const EmitOptions& options) const {
  return quantized_ ? emit_function<QuantizedMatmul>(plans, options, *quantized_)
                    : emit_function<FloatMatmul>(plans, options, *floats_);
}

}  // namespace bf::microjit::emit
