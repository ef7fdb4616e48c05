#include "arch/x86/processor.h"

#include <cstring>

#include "arch/x86/registers.h"
#include "arch/x86/stacks.h"
#include "runtime/cpu_features.h"
#include "runtime/options.h"
#include "runtime/platform.h"

namespace bf {

namespace {

// What FS points at. The x86-64 ABI for threads: the word at 0 is the block's own address,
// thread-local variables of the libraries lie below it, the stack protector is at 0x28; the engine's
// words follow.
struct CoreBlock {
  u8 thread_locals[256];
  u64 self;
  u64 reserved[4];
  u64 stack_protector;
  platform::CoreLocal local;
};
static_assert(offsetof(CoreBlock, stack_protector) - offsetof(CoreBlock, self) == 0x28);

alignas(64) CoreBlock first_block;
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

void x86::start_core_block() {
  first_block.self = reinterpret_cast<u64>(&first_block.self);
  // A zero byte in front stops string overruns from forging it.
  first_block.stack_protector = platform::ticks() * 0x9e3779b97f4a7c15 << 8;
  write_msr(kMsrFsBase, first_block.self);
}

void x86::start_vector_state() {
  asm volatile("fninit; ldmxcsr %0" : : "m"(kDefaultMxcsr));
  const bool has_xsave = (cpuid(1).ecx >> 26 & 1) != 0;
  u64 xcr0 = 0;
  if (has_xsave) {
    write_cr4(read_cr4() | kCr4OsXsave);
    xcr0 = wanted_xcr0();
    write_xcr0(xcr0);
  }
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

u32 platform::core_count() {
  return 1;
}

u32 platform::core_index() {
  return 0;
}

u32 platform::processor_number() {
  return core_index();
}

void platform::yield() {
  __builtin_ia32_pause();
}

platform::StackBounds platform::stack_bounds() {
  u64 low, high;
  if (!x86::find_stack(reinterpret_cast<u64>(__builtin_frame_address(0)), low, high)) return {};
  return {reinterpret_cast<const u8*>(low), reinterpret_cast<const u8*>(high)};
}

// One core: there is no other one to interrupt, and this one ends with the machine.
platform::CoreName platform::core_name() {
  return 0;
}
void platform::set_interrupt_hook(void (*)()) {}
void platform::interrupt_core(CoreName) {}
void platform::set_core_end_hook(void (*)()) {}
bool platform::start_core(void (*)(void*), void*, ExtraCore&) {
  return false;
}
bool platform::start_worker(u32, void (*)(void*), void*, ExtraCore&) {
  return false;
}
void platform::join_core(ExtraCore) {}
void platform::wait_while(const void*, u32) {
  yield();
}
void platform::wake(const void*) {}

constinit i64 platform::core_local_offset =
    static_cast<i64>(offsetof(CoreBlock, local) - offsetof(CoreBlock, self));

}  // namespace bf
