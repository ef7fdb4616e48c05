#include <atomic>

#include "arch/x86/core.h"
#include "arch/x86/print.h"
#include "arch/x86/smp.h"
#include "boot/selftest.h"
#include "runtime/platform.h"

namespace bf::boot {

namespace {

using x86::print;

i32 fail(const char* what) {
  print("selftest failed: %s\n", what);
  return 1;
}

constexpr u32 kRounds = 2000;

// Words that cores wait on, each on a line of its own.
struct alignas(64) Word {
  std::atomic<u32> value{0};

  void wait_beyond(u32 seen) const {
    while (value.load(std::memory_order_acquire) == seen) platform::wait_while(&value, seen);
  }
  void change(u32 by) {
    value.fetch_add(by, std::memory_order_seq_cst);
    platform::wake(&value);
  }
};
Word go, done, stop, interrupted, ended;
std::atomic<u32> wrong_core{0};
Word rounds_of[x86::kMostCores];

// Sleeps and is woken, again and again; the number of its core is always the same.
void follow(void* context) {
  const auto index = static_cast<u32>(reinterpret_cast<usize>(context));
  for (u32 seen = 0; seen < kRounds; ++seen) {
    go.wait_beyond(seen);
    if (platform::core_index() != index || platform::processor_number() != index) wrong_core = 1;
    rounds_of[index].value.fetch_add(1, std::memory_order_relaxed);
    done.change(1);
  }
}

platform::CoreName busy_name;
std::atomic<void*> busy_block{nullptr};

// Beside a worker on the same core: computes until it is told to stop, and gives way meanwhile.
void be_busy(void*) {
  busy_name = platform::core_name();
  busy_block = &x86::this_block();
  while (stop.value.load(std::memory_order_acquire) == 0) platform::yield();
}

// On the stack of whom it interrupts.
void on_interrupt() {
  const platform::StackBounds stack = platform::stack_bounds();
  const auto* here = static_cast<const u8*>(__builtin_frame_address(0));
  const bool is_there = stack.high != nullptr && here > stack.low && here < stack.high;
  if (&x86::this_block() == busy_block.load() && is_there) interrupted.change(1);
}

bool play_rounds(u32 workers) {
  for (u32 round = 0; round < kRounds; ++round) {
    go.change(1);
    for (u32 seen; (seen = done.value.load(std::memory_order_acquire)) != (round + 1) * workers;)
      platform::wait_while(&done.value, seen);
  }
  for (u32 i = 1; i <= workers; ++i)
    if (rounds_of[i].value != kRounds) return false;
  return true;
}

}  // namespace

i32 selftest_cores() {
  const u32 count = platform::core_count();
  platform::ExtraCore workers[x86::kMostCores], beside;
  if (count == 1) return platform::start_core(be_busy, nullptr, beside) ? fail("one core is two") : 0;
  platform::set_interrupt_hook(on_interrupt);
  platform::set_core_end_hook([] { ended.change(1); });
  for (u32 i = 1; i < count; ++i)
    if (!platform::start_worker(i, follow, reinterpret_cast<void*>(usize{i}), workers[i]))
      return fail("a core did not take a worker");
  if (!platform::start_core(be_busy, nullptr, beside)) return fail("no core for one thing more");
  if (!play_rounds(count - 1)) return fail("a core did not come to all rounds");
  while (busy_block.load() == nullptr) platform::yield();
  while (interrupted.value == 0) platform::interrupt_core(busy_name);
  x86::flush_other_cores();
  stop.change(1);
  for (u32 i = 1; i < count; ++i) platform::join_core(workers[i]);
  platform::join_core(beside);
  if (wrong_core != 0) return fail("a core did not know its number");
  if (ended.value != 1) return fail("the end of one core was to be told, once");
  // What has ended makes room for another.
  if (!platform::start_worker(1, [](void*) { done.change(1); }, nullptr, workers[1]))
    return fail("a core took no second worker");
  platform::join_core(workers[1]);
  print("selftest: %u cores, %u rounds\n", count, kRounds);
  return 0;
}

i32 selftest_fault_on_core() {
  platform::ExtraCore core;
  const auto read_null = [](void* null) { *static_cast<volatile u32*>(null) = 1; };
  if (!platform::start_worker(1, read_null, nullptr, core)) return fail("there is one core only");
  platform::join_core(core);
  return fail("a null pointer could be written");
}

}  // namespace bf::boot
