#include "arch/x86/processor.h"

#include <cstring>

#include "arch/x86/registers.h"
#include "runtime/cpu_features.h"
#include "runtime/options.h"
#include "runtime/platform.h"

namespace bf {

namespace {

platform::CpuFeatures features;

// XCR0 (Intel SDM volume 1, 13.3).
constexpr u64 kX87AndSse = 0x3, kAvx = 0x4, kAvx512 = 0xe0;
constexpr u32 kDefaultMxcsr = 0x1f80;  // Intel SDM volume 1, 11.6.4: all exceptions masked

u64 wanted_xcr0() {
  const auto supported = x86::cpuid(0xd);
  const u64 mask = supported.eax | static_cast<u64>(supported.edx) << 32;
  u64 value = kX87AndSse;
  if ((mask & kAvx) == 0) return value;
  value |= kAvx;
  if ((mask & kAvx512) == kAvx512) value |= kAvx512;
  return value;
}

}  // namespace

u64 x86::start_vector_state() {
  asm volatile("fninit; ldmxcsr %0" : : "m"(kDefaultMxcsr));
  const bool has_xsave = (cpuid(1).ecx >> 26 & 1) != 0;
  if (!has_xsave) return 0;
  write_cr4(read_cr4() | kCr4OsXsave);
  const u64 xcr0 = wanted_xcr0();
  write_xcr0(xcr0);
  return xcr0;
}

void x86::read_features(u64 xcr0) {
  features = decode_cpu_features(read_cpuid(), xcr0);
}

Result<void> x86::cap_features() {
  const auto isa = options::find("isa");
  if (!isa || cap_cpu_features(features, *isa)) return {};
  return Error::format("isa=%.*s is not an instruction set: use %s",
                       static_cast<int>(isa->size() < 40 ? isa->size() : 40), isa->data(),
                       kInstructionSets);
}

bool x86::has_no_execute() {
  return (read_msr(kMsrEfer) & kEferNoExecute) != 0;
}

x86::ProcessorName x86::processor_name() {
  ProcessorName name = {};
  if (cpuid(0x80000000).eax < 0x80000004) {
    const Cpuid r = cpuid(0);
    std::memcpy(name.text, &r.ebx, 4);
    std::memcpy(name.text + 4, &r.edx, 4);
    std::memcpy(name.text + 8, &r.ecx, 4);
    return name;
  }
  for (u32 i = 0; i < 3; ++i) {
    const Cpuid r = cpuid(0x80000002 + i);
    std::memcpy(name.text + 16 * i, &r, sizeof r);
  }
  return name;
}

const platform::CpuFeatures& platform::cpu_features() {
  return features;
}

}  // namespace bf
