// From CPUID and XCR0 to platform::CpuFeatures; the same decoding for both platforms.
//
//   const CpuidLeaves leaves = read_cpuid();
//   const u64 xcr0 = leaves.has_xgetbv() ? read_xcr0() : 0;
//   CpuFeatures features = decode_cpu_features(leaves, xcr0);
//   if (!cap_cpu_features(features, "avx2")) ... // option `isa`: not a known cap
//
// Bare metal calls this after it has set CR4.OSXSAVE and XCR0 (or passes 0 where there is none).
#pragma once

#include <string_view>

#include "runtime/platform.h"

namespace bf {

// What `isa` may be, for messages.
inline constexpr const char* kInstructionSets = "sse2, avx2, avxvnni, avx512 or avx512vnni";

// The registers of CPUID that the features are read from; 0 where the processor lacks the leaf.
struct CpuidLeaves {
  u32 leaf1_ecx = 0;
  u32 leaf7_ebx = 0;
  u32 leaf7_ecx = 0;
  u32 leaf7_1_eax = 0;
  u32 extended1_ecx = 0;  // leaf 0x80000001
  u32 extended7_edx = 0;  // leaf 0x80000007

  // Whether the system has switched XSAVE on, so that read_xcr0() may be called.
  bool has_xgetbv() const { return (leaf1_ecx >> 27 & 1) != 0; }
};

// Asks the processor this runs on.
CpuidLeaves read_cpuid();

// XCR0; faults where XSAVE is not switched on.
u64 read_xcr0();

// AVX and what rests on it counts only if XCR0 keeps YMM state, AVX-512 only if it keeps ZMM and
// mask state.
platform::CpuFeatures decode_cpu_features(const CpuidLeaves& leaves, u64 xcr0);

// Takes away what is above `isa`, one of kInstructionSets. False if it is none of these.
[[nodiscard]] bool cap_cpu_features(platform::CpuFeatures& features, std::string_view isa);

}  // namespace bf
