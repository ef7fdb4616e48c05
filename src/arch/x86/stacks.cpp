#include "arch/x86/stacks.h"

#include "arch/x86/gdt.h"
#include "arch/x86/image.h"
#include "arch/x86/memory.h"
#include "runtime/platform.h"

namespace bf::x86 {

namespace {

constexpr u64 kStacksStart = u64{2} << 40;
constexpr usize kGuardBytes = platform::kPageBytes;
constexpr usize kInterruptStackBytes = 16 * 1024;
constexpr u32 kMaxStacks = 32;

struct Stack {
  u64 guard;  // the guard page; the stack starts above it
  u64 top;
};
Stack stacks[kMaxStacks];
u32 stack_count = 0;
u64 next_address = kStacksStart;

Stack early_stack() {
  return {reinterpret_cast<u64>(early_stack_guard), reinterpret_cast<u64>(early_stack_top)};
}

bool in_guard(const Stack& s, u64 address) {
  return address >= s.guard && address - s.guard < kGuardBytes;
}

bool in_stack(const Stack& s, u64 address, usize bytes) {
  return address >= s.guard + kGuardBytes && address <= s.top && s.top - address >= bytes;
}

}  // namespace

u8* allocate_stack(usize bytes) {
  BF_ASSERT(bytes % platform::kPageBytes == 0 && stack_count < kMaxStacks);
  const u64 bottom = next_address + kGuardBytes;
  if (!map_fresh_pages(bottom, bytes)) return nullptr;
  stacks[stack_count++] = {next_address, bottom + bytes};
  next_address = bottom + bytes;
  return reinterpret_cast<u8*>(next_address);
}

bool is_stack_guard(u64 address) {
  if (in_guard(early_stack(), address)) return true;
  for (u32 i = 0; i < stack_count; ++i)
    if (in_guard(stacks[i], address)) return true;
  return false;
}

bool is_on_stack(u64 address, usize bytes) {
  if (in_stack(early_stack(), address, bytes)) return true;
  for (u32 i = 0; i < stack_count; ++i)
    if (in_stack(stacks[i], address, bytes)) return true;
  return false;
}

bool find_stack(u64 address, u64& low, u64& high) {
  const auto is_it = [&](const Stack& s) {
    if (!in_stack(s, address, 0)) return false;
    low = s.guard + kGuardBytes;
    high = s.top;
    return true;
  };
  if (is_it(early_stack())) return true;
  for (u32 i = 0; i < stack_count; ++i)
    if (is_it(stacks[i])) return true;
  return false;
}

bool start_interrupt_stacks() {
  for (u32 i = 1; i <= kInterruptStackCount; ++i) {
    u8* top = allocate_stack(kInterruptStackBytes);
    if (top == nullptr) return false;
    set_interrupt_stack(static_cast<InterruptStack>(i), top);
  }
  return true;
}

}  // namespace bf::x86
