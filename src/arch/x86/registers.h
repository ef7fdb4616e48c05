// Control and model-specific registers, CPUID.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

inline constexpr u32 kMsrFsBase = 0xc0000100;  // Intel SDM volume 4, 2.1
inline constexpr u32 kMsrEfer = 0xc0000080;
inline constexpr u64 kEferNoExecute = u64{1} << 11;
inline constexpr u64 kCr4OsXsave = u64{1} << 18;
inline constexpr u64 kCr4GlobalPages = u64{1} << 7;

inline u64 read_msr(u32 index) {
  u32 low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
  return (static_cast<u64>(high) << 32) | low;
}
inline void write_msr(u32 index, u64 value) {
  asm volatile("wrmsr"
               :
               : "c"(index), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32))
               : "memory");
}

#define BF_CONTROL_REGISTER(name)                               \
  inline u64 read_##name() {                                    \
    u64 value;                                                  \
    asm volatile("mov %%" #name ", %0" : "=r"(value));          \
    return value;                                               \
  }                                                             \
  inline void write_##name(u64 value) {                         \
    asm volatile("mov %0, %%" #name : : "r"(value) : "memory"); \
  }
BF_CONTROL_REGISTER(cr0)
BF_CONTROL_REGISTER(cr2)
BF_CONTROL_REGISTER(cr3)
BF_CONTROL_REGISTER(cr4)
#undef BF_CONTROL_REGISTER

inline void write_xcr0(u64 value) {
  asm volatile("xsetbv"
               :
               : "c"(0), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32)));
}

struct Cpuid {
  u32 eax, ebx, ecx, edx;
};
inline Cpuid cpuid(u32 leaf, u32 subleaf = 0) {
  Cpuid r;
  asm volatile("cpuid"
               : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
               : "a"(leaf), "c"(subleaf));
  return r;
}

// Whether we run under a hypervisor that says so (QEMU does, also without acceleration).
inline bool under_hypervisor() {
  return (cpuid(1).ecx >> 31 & 1) != 0;
}

}  // namespace bf::x86
