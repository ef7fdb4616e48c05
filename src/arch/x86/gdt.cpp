#include "arch/x86/gdt.h"

namespace bf::x86 {

namespace {

struct [[gnu::packed]] TablePointer {
  u16 limit;
  u64 base;
};

// Descriptors: Intel SDM volume 3, 3.4.5 and 7.2.3.
constexpr u64 kCode64 = 0x00af9b000000ffff;
constexpr u64 kData = 0x00cf93000000ffff;
constexpr u64 kPresentTaskState = u64{0x89} << 40;

alignas(16) u8 first_stack[8 * 1024];

void load(const TablePointer& pointer) {
  asm volatile(
      "lgdt %0\n\t"
      "pushq %1\n\t"
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "lretq\n"
      "1:\n\t"
      "movw %2, %%ds\n\t"
      "movw %2, %%es\n\t"
      "movw %2, %%ss"
      :
      : "m"(pointer), "i"(u64{kCodeSelector}), "r"(kDataSelector)
      : "rax", "memory");
}

}  // namespace

void start_segments(Segments& segments) {
  auto& [state, table] = segments;
  for (u32 i = 0; i < kInterruptStackCount; ++i)
    if (state.ist[i] == 0) state.ist[i] = reinterpret_cast<u64>(first_stack + sizeof first_stack);
  state.io_map_base = sizeof state;  // no I/O permission map
  const auto base = reinterpret_cast<u64>(&state);
  table[1] = kCode64;
  table[2] = kData;
  table[3] = kPresentTaskState | (sizeof(TaskState) - 1) | (base & 0xffffff) << 16 |
             (base >> 24 & 0xff) << 56;
  table[4] = base >> 32;
  load({sizeof table - 1, reinterpret_cast<u64>(table)});
  asm volatile("ltr %0" : : "r"(kTaskSelector));
}

void set_interrupt_stack(Segments& segments, InterruptStack stack, u8* top) {
  segments.state.ist[static_cast<u8>(stack) - 1] = reinterpret_cast<u64>(top);
}

}  // namespace bf::x86
