// The functions of rows as the autotuner sees them.
#include <bit>
#include <cstring>

#include "microjit/emit/kernels.h"
#include "microjit/emit/rows.h"

namespace bf::microjit::emit {

namespace {

class RowTuning final : public Kernel {
 public:
  explicit RowTuning(const RowKernel& kernel) : k_(kernel) {}

  CallShape shape(const KernelCall& call) const override {
    const u64 count = call.general[k_.count_argument];
    return k_.exact ? CallShape{count, 0} : CallShape{0, count};
  }
  KernelShape kind_of(const CallShape& shape) const override { return {shape.size}; }
  usize plans(const KernelCall& call, Set, std::span<KernelPlan, kMostPlans> out) const override {
    const u64 count = call.general[k_.count_argument];
    if (count - 1 >= RowFunction::kMostCount || count % k_.step != 0) return 0;
    out[0] = {kind_of(shape(call))};
    return 1;
  }
  Result<CompiledCode> emit(std::span<const KernelPlan> plans,
                            const EmitOptions& options) const override {
    return emit_function<RowFunction>(plans, options, k_);
  }
  void run(const void* entry, const KernelCall& call) const override {
    run(entry, call, call.general[0]);
  }
  u64 work(const KernelCall& call) const override { return call.general[k_.count_argument]; }

  std::vector<u8> outcome(const void* entry, const KernelCall& call) const override {
    std::vector<u8> out(k_.out_bytes(call.general[k_.count_argument]));
    if (k_.in_place)
      std::memcpy(out.data(), reinterpret_cast<const void*>(call.general[0]), out.size());
    run(entry, call, reinterpret_cast<u64>(out.data()));
    return out;
  }
  void describe(const KernelPlan& plan, Text& text) const override {
    if (k_.exact)
      text.format("%llu columns", static_cast<unsigned long long>(plan.shape.size));
    else
      text.append("any columns");
  }

 private:
  // Registers that a function has no arguments for are not looked at.
  void run(const void* entry, const KernelCall& call, u64 out) const {
    using Function = void (*)(u64, u64, u64, u64, u64, float);
    const u64* g = call.general;
    reinterpret_cast<Function>(const_cast<void*>(entry))(
        out, g[1], g[2], g[3], g[4], std::bit_cast<float>(static_cast<u32>(call.vector[0])));
  }

  const RowKernel& k_;
};

}  // namespace

std::unique_ptr<const Kernel> make_row_kernel(std::string_view function) {
  for (const RowKernel& kernel : row_kernels())
    if (function == kernel.name) return std::make_unique<RowTuning>(kernel);
  return nullptr;
}

}  // namespace bf::microjit::emit
