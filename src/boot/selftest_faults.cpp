#include <atomic>

#include "arch/x86/apic.h"
#include "arch/x86/core.h"
#include "arch/x86/disks.h"
#include "arch/x86/exceptions.h"
#include "arch/x86/interrupts.h"
#include "arch/x86/memory.h"
#include "arch/x86/print.h"
#include "boot/selftest.h"
#include "runtime/platform.h"

namespace bf::boot {

namespace {

using x86::print;

constexpr u64 kNotCanonical = u64{1} << 63;

// ---- Ways to an exception. What they change is put right by restore_all().

void raise_divide_error() {
  asm volatile("xor %%edx, %%edx; div %%ecx" : : "a"(1), "c"(0) : "edx");
}

void raise_debug() {
  asm volatile("pushfq; orq $0x100, (%%rsp); popfq; nop" : : : "memory", "cc");
}

void raise_non_maskable() {
  if (x86::apic::is_on()) x86::apic::send_nmi(x86::apic::id());
  for (volatile int i = 0; i < 1'000'000; i = i + 1) {}
  asm volatile("int $2");
}

void raise_invalid_opcode() {
  asm volatile("ud2");
}

// The flag for who saves vector registers late.
void raise_not_available() {
  asm volatile("mov %%cr0, %%rax; or $8, %%rax; mov %%rax, %%cr0; movaps %%xmm0, %%xmm0"
               :
               :
               : "rax");
}

// A page fault that cannot be delivered, and neither can the reason for that: the table of
// descriptors ends behind the double fault's.
void raise_double_fault() {
  struct [[gnu::packed]] {
    u16 limit;
    u64 base;
  } table;
  asm volatile("sidt %0" : "=m"(table));
  table.limit = 9 * 16 - 1;
  asm volatile("lidt %0" : : "m"(table));
  asm volatile("movq 0(%0), %0" : : "r"(u64{0}));
}

// A task state that ends behind the first of the interrupt stacks, which is that of faults: that of
// breakpoints lies beyond.
void raise_invalid_task_state() {
  constexpr u64 kBusy = u64{2} << 40, kLimit = 0xffff, kEnd = 43;
  u64& descriptor = x86::this_core().segments.table[x86::kTaskSelector / 8];
  descriptor = (descriptor & ~(kBusy | kLimit)) | kEnd;
  asm volatile("ltr %w0" : : "r"(x86::kTaskSelector));
  asm volatile("int3");
}

constexpr u64 kPresent = u64{1} << 47;

void raise_not_present() {
  x86::this_core().segments.table[x86::kDataSelector / 8] &= ~kPresent;
  asm volatile("mov %w0, %%ds" : : "r"(x86::kDataSelector) : "memory");
}

// An address that is not canonical would do as well, but to QEMU 7.2 that is a general protection
// fault whatever it is relative to.
void raise_stack_fault() {
  x86::this_core().segments.table[x86::kDataSelector / 8] &= ~kPresent;
  asm volatile("mov %w0, %%ss" : : "r"(x86::kDataSelector) : "memory");
}

void raise_general_protection() {
  asm volatile("movq (%0), %0" : : "r"(kNotCanonical));
}

void raise_page_fault() {
  asm volatile("movq (%0), %0" : : "r"(u64{8}));
}

// 1 / 0 that is not masked, on the x87 and with SSE.
void raise_x87_error() {
  const u16 control = 0x037b;
  asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(control));
}

// QEMU 7.2 does not raise it by itself.
void raise_simd_error() {
  const u32 control = 0x1d80;
  asm volatile("ldmxcsr %0; divss %2, %1; int $19" : : "m"(control), "x"(1.0f), "x"(0.0f));
}

// Where nothing else leads to one; not for those with an error code, which `int` does not push.
template <u32 kVector>
void raise() {
  asm volatile("int %0" : : "i"(kVector));
}

struct Way {
  u32 vector;
  void (*raise)();
};
// Not there: 17 is for code of ring 3, 21 for shadow stacks, 29 and 30 for guests of hypervisors.
constexpr Way kWays[] = {
    {0, raise_divide_error}, {1, raise_debug}, {2, raise_non_maskable}, {3, raise<3>}, {4, raise<4>},
    {5, raise<5>}, {6, raise_invalid_opcode}, {7, raise_not_available}, {8, raise_double_fault},
    {9, raise<9>}, {10, raise_invalid_task_state}, {11, raise_not_present}, {12, raise_stack_fault},
    {13, raise_general_protection}, {14, raise_page_fault}, {15, raise<15>}, {16, raise_x87_error},
    {18, raise<18>}, {19, raise_simd_error}, {20, raise<20>}, {22, raise<22>}, {23, raise<23>},
    {24, raise<24>}, {25, raise<25>}, {26, raise<26>}, {27, raise<27>}, {28, raise<28>},
    {31, raise<31>}};

void restore_all() {
  x86::load_exceptions();
  x86::Segments& segments = x86::this_core().segments;
  segments.table[x86::kDataSelector / 8] |= kPresent;
  constexpr u64 kBusy = u64{2} << 40, kLimit = 0xffff;
  u64& descriptor = segments.table[x86::kTaskSelector / 8];
  descriptor = (descriptor & ~(kBusy | kLimit)) | (sizeof(x86::TaskState) - 1);
  asm volatile("ltr %w0" : : "r"(x86::kTaskSelector));
  const u32 control = 0x1f80;
  asm volatile("fninit; ldmxcsr %0" : : "m"(control));
}

// Non-maskable interrupts are held back until an `iret` (Intel SDM volume 3, 6.7.1).
void end_interrupt() {
  asm volatile(
      "mov %%ss, %%ecx; mov %%rsp, %%rax; push %%rcx; push %%rax; pushfq; mov %%cs, %%ecx; push %%rcx;"
      "lea 1f(%%rip), %%rax; push %%rax; iretq; 1:"
      :
      :
      : "rax", "rcx", "memory", "cc");
  x86::enable_interrupts();
}

void* resume_at[5];

void resume() {
  __builtin_longjmp(resume_at, 1);
}

const Way* volatile current;

std::atomic<u32> pieces_read{0};

void read_for_ever(void* disk) {
  constexpr usize kBytes = usize{1} << 20;
  auto* const memory = static_cast<u8*>(x86::take_pages(kBytes));
  for (;;) {
    if (static_cast<x86::DmaDisk*>(disk)->read(0, {memory, kBytes}))
      pieces_read.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

[[gnu::noinline]] i32 selftest_exceptions() {
  current = kWays;
  if (__builtin_setjmp(resume_at) != 0) {
    restore_all();
    end_interrupt();
    print("[selftest] went on after vector %u\n", current->vector);
    current = current + 1;
  }
  if (current == kWays + sizeof kWays / sizeof kWays[0]) return 0;
  x86::go_on_after_report(resume);
  current->raise();
  print("selftest failed: vector %u was not raised\n", current->vector);
  return 1;
}

// The core that is stopped has most likely asked for something that has not come yet.
[[gnu::noinline]] i32 selftest_fault_at_disk() {
  for (x86::DmaDisk* disk : x86::find_disks()) {
    if (!disk->writable()) continue;
    platform::ExtraCore core;
    if (!platform::start_worker(1, read_for_ever, disk, core)) return 1;
    while (pieces_read.load(std::memory_order_relaxed) < 3) __builtin_ia32_pause();
    print("[selftest] core 1 reads from %s\n", disk->name());
    asm volatile("movq (%0), %0" : : "r"(u64{0}));
  }
  return 1;
}

}  // namespace bf::boot
