#include "arch/host/bring_up.h"
#include "runtime/cpu_features.h"
#include "runtime/options.h"

namespace bf {

namespace {

platform::CpuFeatures detect() {
  const CpuidLeaves leaves = read_cpuid();
  return decode_cpu_features(leaves, leaves.has_xgetbv() ? read_xcr0() : 0);
}

platform::CpuFeatures& features() {
  static platform::CpuFeatures detected = detect();
  return detected;
}

}  // namespace

Result<void> host::cap_processor() {
  const auto isa = options::find("isa");
  if (!isa || cap_cpu_features(features(), *isa)) return {};
  return Error::format("error: isa=%.*s: use %s", static_cast<int>(isa->size()),
                       isa->data(), kInstructionSets);
}

const platform::CpuFeatures& platform::cpu_features() {
  return features();
}

}  // namespace bf
