// What there is of each core: its block at FS, its segments, and the tasks that take turns on it.
//
// There is no scheduler that takes a core away from anybody. A core other than the first has up to
// two tasks, each with a stack and a block at FS: a worker of parallel loops, and something that
// goes on beside the program (a compiler). One gives way to the other when it waits for a word in
// memory, or yields; when both wait, the core sleeps. A worker that finds its core taken comes late,
// and workers.h does not wait for who comes late.
#pragma once

#include <atomic>

#include "arch/x86/gdt.h"
#include "runtime/platform.h"

namespace bf::x86 {

inline constexpr u32 kMostCores = 64;

struct Core;

// What FS points at. The x86-64 ABI for threads: the word at 0 is the block's own address,
// thread-local variables of the libraries lie below it, the stack protector is at 0x28; the engine's
// words follow.
struct CoreBlock {
  u8 thread_locals[256];
  u64 self;
  u64 reserved[4];
  u64 stack_protector;
  platform::CoreLocal local;
  Core* core;
  u32 worker_index;  // platform::core_index
  bool is_named;     // platform::core_name
};
static_assert(offsetof(CoreBlock, stack_protector) - offsetof(CoreBlock, self) == 0x28);

struct Task {
  CoreBlock block;
  u64 stack_pointer;  // while it does not run
  u8* stack_top;
  void (*body)(void*);
  void* context;
  // What it waits for: null, or a word that has the value.
  std::atomic<const std::atomic<u32>*> word;
  std::atomic<u32> value;
  std::atomic<u32> is_taken;  // from start_core or start_worker on, until its body has returned
};

struct alignas(64) Core {
  // 1 while it sleeps and shall be told of words that change; who tells it takes the 1 away. On a
  // line of its own, because that is what the core monitors.
  alignas(64) std::atomic<u32> asleep;
  alignas(64) u32 index;
  u32 apic_id;
  std::atomic<u32> is_online;
  std::atomic<u32> is_stopped;       // for good (stop_other_cores)
  std::atomic<u64> flushes;          // of its TLB, as far as they were asked for
  u64 first_ticks;                   // its time stamp counter, when it came
  Segments segments;
  // The first core's program is its home; on others, home is where it looks for tasks.
  Task home, worker, extra;
  Task* current;
};

// The block at FS of the task that runs.
inline CoreBlock& this_block() {
  u64 self;
  asm("movq %%fs:0, %0" : "=r"(self));
  return *reinterpret_cast<CoreBlock*>(self - offsetof(CoreBlock, self));
}
// The core that runs this; asked again after anything that may give way.
inline Core& this_core() {
  return *this_block().core;
}

// All cores that have come, the first one included.
u32 online_cores();
Core& core_at(u32 index);
// The next one's memory; null if there is none left. It counts from add_core() on.
Core* new_core();
void add_core(Core& core);

// How many of them take part in the program's work: the option `threads`, at most all of them.
void set_worker_count(u32 count);

// Gives the first core its block. Comes before any call into the linked libraries.
void start_first_core();
// Gives a task its block on the core. `worker_index` as of platform::core_index.
void start_block(Task& task, Core& core, u32 worker_index);
// Makes a task's block the one at FS.
void use_block(Task& task);

// What a core other than the first does, for ever.
[[noreturn]] void run_tasks(Core& core);

// Sleeps until an interrupt comes, unless `ready` is true by then; nothing else is lost than time
// if an interrupt comes in between.
void sleep_unless(bool (*ready)());

}  // namespace bf::x86
