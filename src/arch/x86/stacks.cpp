#include "arch/x86/stacks.h"

#include <atomic>

#include "arch/x86/image.h"
#include "arch/x86/memory.h"
#include "runtime/platform.h"

namespace bf::x86 {

namespace {

// Every stack has a place of the same size in the address space, so that an address tells which
// stack it is on: a guard page, the stack, and nothing up to the next place.
constexpr u64 kStacksStart = u64{2} << 40;
constexpr usize kGuardBytes = platform::kPageBytes;
constexpr u64 kPlaceBytes = 2 * kMainStackBytes;
constexpr u32 kMostStacks = 64 * (kInterruptStackCount + 3) + 1;  // of 64 cores

std::atomic<u32> stack_count{0};
std::atomic<u32> stack_bytes[kMostStacks];  // 0: not there yet

// From the guard page up to the top.
struct Stack {
  u64 guard = 0;
  u64 top = 0;
};

// The stack whose place the address lies in; an empty one if there is none.
Stack stack_at(u64 address) {
  const Stack early = {reinterpret_cast<u64>(early_stack_guard),
                       reinterpret_cast<u64>(early_stack_top)};
  if (address >= early.guard && address <= early.top) return early;
  if (address < kStacksStart || address >= kStacksStart + kMostStacks * kPlaceBytes) return {};
  const u64 place = (address - kStacksStart) / kPlaceBytes;
  const u32 bytes = stack_bytes[place].load(std::memory_order_acquire);
  if (bytes == 0) return {};
  const u64 guard = kStacksStart + place * kPlaceBytes;
  return {guard, guard + kGuardBytes + bytes};
}

bool in_stack(const Stack& s, u64 address, usize bytes) {
  return address >= s.guard + kGuardBytes && address <= s.top && s.top - address >= bytes;
}

}  // namespace

u8* allocate_stack(usize bytes) {
  BF_ASSERT(bytes % platform::kPageBytes == 0 && bytes <= kMainStackBytes);
  const u32 place = stack_count.fetch_add(1, std::memory_order_relaxed);
  BF_ASSERT(place < kMostStacks);
  const u64 bottom = kStacksStart + place * kPlaceBytes + kGuardBytes;
  if (!map_fresh_pages(bottom, bytes)) return nullptr;
  stack_bytes[place].store(static_cast<u32>(bytes), std::memory_order_release);
  return reinterpret_cast<u8*>(bottom + bytes);
}

bool is_stack_guard(u64 address) {
  const Stack s = stack_at(address);
  return s.top != 0 && address - s.guard < kGuardBytes;
}

bool is_on_stack(u64 address, usize bytes) {
  return in_stack(stack_at(address), address, bytes);
}

bool find_stack(u64 address, u64& low, u64& high) {
  const Stack s = stack_at(address);
  if (!in_stack(s, address, 0)) return false;
  low = s.guard + kGuardBytes;
  high = s.top;
  return true;
}

bool start_interrupt_stacks(Segments& segments) {
  for (u32 i = 1; i <= kInterruptStackCount; ++i) {
    u8* top = allocate_stack(kInterruptStackBytes);
    if (top == nullptr) return false;
    set_interrupt_stack(segments, static_cast<InterruptStack>(i), top);
  }
  return true;
}

}  // namespace bf::x86
