// The platform port: what the runtime and the engine need of a machine.
//
// Two implementations: `arch/x86/` on bare metal, `arch/host/` in a Linux process. Everything above
// this header compiles for both, and is debugged on the host first.
//
// All of it may be called from any core once the platform has been brought up, except where a
// comment says otherwise. Nothing here throws; what can fail says how.
#pragma once

#include <span>
#include <string_view>

#include "runtime/base.h"

namespace bf::platform {

// ---- Memory -------------------------------------------------------------------------------

inline constexpr usize kPageBytes = 4096;

// `bytes` (rounded up to pages) of zeroed, writable, never executable memory; null if there is
// not that much.
void* allocate_pages(usize bytes);

// Gives back a whole allocation of allocate_pages.
void free_pages(void* memory, usize bytes);

// Memory for machine code, mapped twice: what is written at `write` can be run at `run`. Neither
// mapping is both writable and executable. On failure both are null.
struct CodeMemory {
  u8* write = nullptr;
  const u8* run = nullptr;
  usize bytes = 0;
};
CodeMemory allocate_code(usize bytes);

// Gives back a whole allocation of allocate_code. No core may be in it, or come back to it.
void free_code(const CodeMemory& memory);

// Nothing is written there for a while: what the mappings cost by themselves (on the host, pages that
// count twice, and those of code that nobody runs any more) is given back, and comes again with the
// next byte that is written or run.
void rest_code(const CodeMemory& memory);

// ---- Clock and chance ---------------------------------------------------------------------

// Processor ticks (`rdtsc`): for profiles. May differ between cores on old machines.
inline u64 ticks() {
  u32 low, high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return (static_cast<u64>(high) << 32) | low;
}

// How many ticks a second has, measured when the platform came up.
u64 ticks_per_second();

// Nanoseconds since the platform came up; never goes back.
u64 clock_ns();

// Seconds since the beginning of 1970, UTC (calendar.h); 0 where nobody knows the date.
u64 wall_clock();

// An unpredictable number, as good as the machine has.
u64 random_seed();

// ---- Cores --------------------------------------------------------------------------------

// How many cores take part in the work; at least 1.
u32 core_count();

// The number of the core that asks, from 0 to core_count() - 1.
u32 core_index();

// The number of the processor that the core is on at the moment: on the host several of our cores,
// which are threads, may have to share one.
u32 processor_number();

// Lets others run who wait for this core: a thread's turn on the host, a pause on bare metal.
void yield();

// What the engine keeps of each core (on the host: of each thread), zero at first. Emitted code
// reaches it at FS:core_local_offset without having to know which core it runs on.
struct CoreLocal {
  u64 callee_cycles = 0;   // ticks in profiled callees of the function that is running
  void* member = nullptr;  // what quiescence.h knows of the core, once it has run code of the engine
  u64 answering = 0;       // quiescence.h, too
};
extern i64 core_local_offset;
inline CoreLocal& core_local() {
  u64 self;  // the x86-64 ABI for threads: the word at FS:0 is its own address
  asm("movq %%fs:0, %0" : "=r"(self));
  return *reinterpret_cast<CoreLocal*>(self + static_cast<u64>(core_local_offset));
}

// The stack that the calling core runs on at the moment; both null if that is not known.
struct StackBounds {
  const u8* low = nullptr;
  const u8* high = nullptr;
};
StackBounds stack_bounds();

// Another core can be asked to run the hook at once, between two instructions of whatever it is
// doing and on its stack: it must not wait for anything. A core that never asked for its name, or has
// ended, is not asked. Another one may have been asked by mistake: the hook looks for itself.
using CoreName = u64;
CoreName core_name();
void set_interrupt_hook(void (*hook)());
void interrupt_core(CoreName core);
// A core that does nothing else runs body(context) until that returns; false if there is none (on
// bare metal, as yet). join_core waits for it.
struct ExtraCore {
  u64 name = 0;
};
bool start_core(void (*body)(void*), void* context, ExtraCore& core);
void join_core(ExtraCore core);
// The same for the core of that index, from 1 to core_count() - 1, which takes part in the work: it
// runs the program's code, so it has as much stack as the first one and is ended by its faults.
bool start_worker(u32 index, void (*body)(void*), void* context, ExtraCore& core);
// Waits while the word (an atomic one) has that value, or less; wake() ends the waiting of all.
void wait_while(const void* word, u32 value);
void wake(const void* word);
// Called on every core that has asked for its name, when it ends (on the host: its thread).
void set_core_end_hook(void (*hook)());

// ---- Streams ------------------------------------------------------------------------------

enum class Stream : u8 {
  Text = 0,     // the program's product
  Log = 1,      // boot log, promotions, statistics, errors
  Profile = 2,  // the machine-readable profile (JSON), if somebody asked for it
  Logits = 3,   // numbers that the program computed, if somebody asked for them
};

// Writes all bytes to a stream. Bytes for a stream that nobody listens to are dropped.
void write(Stream stream, std::string_view bytes);

// Whether somebody listens to the stream.
bool has_stream(Stream stream);

// Reads up to `capacity` bytes of input, blocking for at least one; 0 at the end of the input.
usize read(void* buffer, usize capacity);

// Whether read() would return at once.
bool read_ready();

// ---- Files --------------------------------------------------------------------------------

// A named, read-only blob that came with the machine (a boot module, a mapped file, a string
// from the command line): "program", "model", "options", "prompt". Data is null if there is none.
std::span<const u8> blob(std::string_view name);

// The blob's bytes as writable memory that is the caller's from now on, aligned to 64 bytes (to huge
// pages where that pays); blob() finds nothing of that name any more. Null with `bytes` 0 where there
// is no such blob, null with its size where there is not enough memory for it.
u8* take_blob(std::string_view name, usize& bytes);

// Gives the blob's memory back: blob() finds nothing of that name any more.
void drop_blob(std::string_view name);

// ---- Processor ----------------------------------------------------------------------------

// What the processor can do *and* the platform has switched on; one row each in cpu_features.def.
struct CpuFeatures {
#define BF_CPU_FEATURE(name, text) bool name = false;
#include "runtime/cpu_features.def"
#undef BF_CPU_FEATURE
};
const CpuFeatures& cpu_features();

// ---- The end ------------------------------------------------------------------------------

// Ends the machine (power-off) or the process with an exit status.
[[noreturn]] void exit(i32 status);

}  // namespace bf::platform
