#include "runtime/cpu_features.h"

#include <cpuid.h>

namespace bf {

using platform::CpuFeatures;

namespace {

// XCR0's state components (Intel SDM volume 1, 13.1).
constexpr u64 kSseAndYmmState = 0x06;
constexpr u64 kAvx512State = 0xe6;  // opmask, upper ZMM halves, ZMM16-31, and the former

constexpr bool bit(u32 word, int index) {
  return (word >> index & 1) != 0;
}

void clear_avx512(CpuFeatures& f) {
  f.avx512f = f.avx512bw = f.avx512dq = f.avx512vl = f.avx512cd = false;
  f.avx512vbmi = f.avx512vnni = f.avx512bf16 = false;
}

void clear_avx(CpuFeatures& f) {
  clear_avx512(f);
  f.avx = f.avx2 = f.f16c = f.fma = f.avxvnni = false;
}

}  // namespace

CpuidLeaves read_cpuid() {
  CpuidLeaves leaves;
  u32 eax, ebx, ecx, edx;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) leaves.leaf1_ecx = ecx;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
    leaves.leaf7_ebx = ebx;
    leaves.leaf7_ecx = ecx;
    const bool has_subleaf1 = eax >= 1;
    if (has_subleaf1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)) leaves.leaf7_1_eax = eax;
  }
  if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx)) leaves.extended1_ecx = ecx;
  if (__get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx)) leaves.extended7_edx = edx;
  return leaves;
}

u64 read_xcr0() {
  u32 low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<u64>(high) << 32) | low;
}

CpuFeatures decode_cpu_features(const CpuidLeaves& leaves, u64 xcr0) {
  CpuFeatures f;
  f.sse3 = bit(leaves.leaf1_ecx, 0);
  f.ssse3 = bit(leaves.leaf1_ecx, 9);
  f.fma = bit(leaves.leaf1_ecx, 12);
  f.sse41 = bit(leaves.leaf1_ecx, 19);
  f.sse42 = bit(leaves.leaf1_ecx, 20);
  f.movbe = bit(leaves.leaf1_ecx, 22);
  f.popcnt = bit(leaves.leaf1_ecx, 23);
  f.avx = bit(leaves.leaf1_ecx, 28);
  f.f16c = bit(leaves.leaf1_ecx, 29);
  f.rdrand = bit(leaves.leaf1_ecx, 30);
  f.bmi1 = bit(leaves.leaf7_ebx, 3);
  f.avx2 = bit(leaves.leaf7_ebx, 5);
  f.bmi2 = bit(leaves.leaf7_ebx, 8);
  f.erms = bit(leaves.leaf7_ebx, 9);
  f.avx512f = bit(leaves.leaf7_ebx, 16);
  f.avx512dq = bit(leaves.leaf7_ebx, 17);
  f.avx512cd = bit(leaves.leaf7_ebx, 28);
  f.avx512bw = bit(leaves.leaf7_ebx, 30);
  f.avx512vl = bit(leaves.leaf7_ebx, 31);
  f.avx512vbmi = bit(leaves.leaf7_ecx, 1);
  f.avx512vnni = bit(leaves.leaf7_ecx, 11);
  f.avxvnni = bit(leaves.leaf7_1_eax, 4);
  f.avx512bf16 = bit(leaves.leaf7_1_eax, 5);
  f.lzcnt = bit(leaves.extended1_ecx, 5);
  f.invariant_tsc = bit(leaves.extended7_edx, 8);

  if (!leaves.has_xgetbv() || (xcr0 & kSseAndYmmState) != kSseAndYmmState) clear_avx(f);
  if ((xcr0 & kAvx512State) != kAvx512State) clear_avx512(f);
  return f;
}

bool cap_cpu_features(CpuFeatures& features, std::string_view isa) {
  if (isa == "sse2") {
    CpuFeatures plain;
    plain.invariant_tsc = features.invariant_tsc;
    plain.rdrand = features.rdrand;
    features = plain;
    return true;
  }
  // Each has what those before it have, but 64-byte vectors come without vpdpbusd of 32 bytes.
  if (isa == "avx2" || isa == "avxvnni") {
    clear_avx512(features);
    if (isa == "avx2") features.avxvnni = false;
    return true;
  }
  if (isa == "avx512") {
    features.avx512vnni = features.avx512bf16 = features.avxvnni = false;
    return true;
  }
  return isa == "avx512vnni";
}

}  // namespace bf
