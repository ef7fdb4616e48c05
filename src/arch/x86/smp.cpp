#include "arch/x86/smp.h"

#include <charconv>
#include <cstring>

#include "arch/x86/acpi_tables.h"
#include "arch/x86/apic.h"
#include "arch/x86/clock.h"
#include "arch/x86/exceptions.h"
#include "arch/x86/interrupts.h"
#include "arch/x86/io_apic.h"
#include "arch/x86/madt.h"
#include "arch/x86/memory.h"
#include "arch/x86/page_table.h"
#include "arch/x86/pmu.h"
#include "arch/x86/power.h"
#include "arch/x86/print.h"
#include "arch/x86/processor.h"
#include "arch/x86/registers.h"
#include "arch/x86/stacks.h"
#include "runtime/options.h"

// boot/core_entry.S: what a core runs first, and what it looks for there.
extern "C" {
extern const bf::u8 bf_core_entry_start[], bf_core_entry_end[];
extern bf::u64 bf_core_page_table;
// The stack of the core that is wanted, with its Core on it. Taken away by the first core that comes;
// null for those that come too late.
extern std::atomic<bf::x86::Core**> bf_core_waiting;
}

namespace bf::x86 {

namespace {

constexpr usize kHomeStackBytes = 16 * 1024;

bool uses_mwait = false;
std::atomic<u64> flushes_wanted{0};
std::atomic<u32> stopping{0};

// ---- Options

Result<u32> number_option(const char* key, u32 standard) {
  const auto text = options::find(key);
  if (!text) return standard;
  u32 value = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, problem] = std::from_chars(text->data(), end, value);
  if (problem == std::errc() && stop == end && value >= 1 && value <= kMostCores) return value;
  return Error::format("%s=%.*s: use a number from 1 to %u", key,
                       static_cast<int>(text->size() < 40 ? text->size() : 40), text->data(),
                       kMostCores);
}

// ---- Starting

// Where the option `idle` wants it and the processor has it. Emulators are better off with `hlt`: QEMU
// takes MWAIT for a short pause and spins, and Bochs misses what other cores store.
Result<bool> wants_mwait() {
  constexpr u32 kMonitor = 1 << 3;
  const std::string_view how = options::find("idle").value_or("hlt");
  if (how != "hlt" && how != "mwait")
    return Error::format("idle=%.*s: use hlt or mwait",
                         static_cast<int>(how.size() < 40 ? how.size() : 40), how.data());
  return how == "mwait" && (cpuid(1).ecx & kMonitor) != 0;
}

Core** entry_stack(const Core& core) {
  return reinterpret_cast<Core**>(core.home.stack_top) - 2;  // aligned to 16 bytes
}

// Fills in what a core needs before it runs; false if memory does not suffice.
bool prepare(Core& core) {
  start_block(core.home, core, 0);
  core.current = &core.home;
  core.home.stack_top = allocate_stack(kHomeStackBytes);
  if (core.home.stack_top == nullptr || !start_interrupt_stacks(core.segments)) return false;
  *entry_stack(core) = &core;
  return true;
}

// Intel SDM volume 3, 8.4.4.1: the second call is for cores that have missed the first one. The time
// limits are for emulators on busy machines; who comes is not waited for.
bool call(u32 apic_id, u64 page, const Core& core) {
  constexpr u64 kBetweenCalls = 1'000'000;
  const u64 longest = under_hypervisor() ? 2'000'000'000 : 200'000'000;
  const auto is_taken = [] {
    return bf_core_waiting.load(std::memory_order_acquire) == nullptr;
  };
  bf_core_waiting.store(entry_stack(core), std::memory_order_seq_cst);
  apic::send_start(apic_id, page);
  if (!wait_for(kBetweenCalls, is_taken)) {
    apic::send_start(apic_id, page);
    wait_for(longest, is_taken);
  }
  return bf_core_waiting.exchange(nullptr, std::memory_order_seq_cst) == nullptr;
}

bool comes_up(const Core& core) {
  constexpr u64 kLongest = 10'000'000'000;
  return wait_for(kLongest, [&] { return core.is_online.load(std::memory_order_acquire) != 0; });
}

// Whether the core's time stamp counter is this one's, as far as can be seen.
void check_clock(const Core& core, u64 before) {
  const u64 after = platform::ticks();
  if (core.first_ticks >= before && core.first_ticks <= after) return;
  print("cores: the time stamp counter of core %u is not that of core 0\n", core.index);
  distrust_clock();
}

struct Wanted {
  u32 ids[kMostCores];
  u32 count = 0;
};

// The others of the table, as many as may be used. The option `absent-core` adds one.
Wanted others_wanted(const acpi::Madt& madt, u32 most_cores) {
  Wanted wanted;
  const u32 own = apic::id();
  const auto add = [&](u32 id) {
    // Without an x2APIC there are 8 bits for a core, and 255 means all of them.
    const bool can_be_reached = apic::is_x2apic() ? id != ~u32{0} : id < 0xff;
    if (id != own && can_be_reached && wanted.count + 1 < most_cores)
      wanted.ids[wanted.count++] = id;
  };
  if (const auto absent = options::find("absent-core")) {
    u32 id = own;
    std::from_chars(absent->data(), absent->data() + absent->size(), id);
    add(id);
  }
  for (const u32 id : madt.cores()) add(id);
  return wanted;
}

// The page of low memory where cores start, with their first instructions in it.
u64 place_entry() {
  const u64 page = take_low_page();
  if (page == 0) return 0;
  std::memcpy(reinterpret_cast<void*>(page), bf_core_entry_start,
              static_cast<usize>(bf_core_entry_end - bf_core_entry_start));
  bf_core_page_table = read_cr3();
  return page;
}

void start_others(const Wanted& wanted, u64 page) {
  constexpr u64 kAfterInit = 10'000'000;
  for (u32 i = 0; i < wanted.count; ++i) apic::send_init(wanted.ids[i]);
  pause_for(kAfterInit);
  Core* spare = nullptr;  // of a core that has not come
  for (u32 i = 0; i < wanted.count; ++i) {
    Core* core = spare != nullptr ? spare : new_core();
    if (core == nullptr || (core != spare && !prepare(*core)))
      return print("cores: not enough memory for more than %u\n", online_cores());
    const u64 before = platform::ticks();
    const bool answers = call(wanted.ids[i], page, *core);
    spare = answers ? nullptr : core;
    if (answers && comes_up(*core)) {
      check_clock(*core, before);
      add_core(*core);
    } else {
      print("cores: the one with APIC id %u does not answer and is left out\n", wanted.ids[i]);
    }
  }
}

Result<acpi::Madt> read_table() {
  auto table = find_acpi_table("APIC");
  if (!table) return table.error();
  return acpi::read_madt(*table);
}

// Why there is no other core, or how many there are.
Result<u32> start_all(u32 most_cores) {
  auto madt = read_table();
  if (!madt) return madt.error();
  auto started = apic::start();
  if (!started) return started.error();
  core_at(0).apic_id = apic::id();
  pmu::start();
  io_apic::start(*madt);
  enable_interrupts();
  const u32 listed = madt->core_count + madt->cores_dropped;
  const Wanted wanted = others_wanted(*madt, most_cores);
  if (wanted.count == 0) return listed;
  const u64 page = place_entry();
  if (page == 0) return Error::format("there is no free page below 1 MiB to start others from");
  start_others(wanted, page);
  return listed;
}

}  // namespace

// Called by core_entry.S on the core's own stack, with the kernel's page tables.
extern "C" [[noreturn]] void bf_core_main(Core* core) {
  use_block(core->home);
  core->first_ticks = platform::ticks();
  start_vector_state();
  start_memory_types();
  start_segments(core->segments);
  use_block(core->home);  // loading segments may have taken it away
  load_exceptions();
  apic::start_core();
  core->apic_id = apic::id();
  pmu::start();
  enable_interrupts();
  core->is_online.store(1, std::memory_order_release);
  run_tasks(*core);
}

Result<void> start_cores() {
  auto most = number_option("cores", kMostCores);
  if (!most) return most.error();
  auto threads = number_option("threads", kMostCores);
  if (!threads) return threads.error();
  auto mwait = wants_mwait();
  if (!mwait) return mwait.error();
  uses_mwait = *mwait;
  auto listed = start_all(*most);
  const u32 online = online_cores();
  if (listed)
    print("cores: %u of %u (%s)\n", online, *listed, apic::is_x2apic() ? "x2APIC" : "xAPIC");
  else
    print("cores: 1 (%s)\n", listed.error().message());
  set_worker_count(*threads < online ? *threads : online);
  return {};
}

// ---- Sleeping

void rouse(const Core& core) {
  if (!uses_mwait) apic::send(core.apic_id, kWakeVector);
}

void rest_core(Core& core) {
  if (!uses_mwait) {
    // An interrupt that is waiting already comes behind the hlt, and ends it.
    asm volatile("sti; hlt" : : : "memory");
    return;
  }
  // What ends this sleep is the store to the word, which no interrupt can take the place of.
  enable_interrupts();
  asm volatile("monitor" : : "a"(&core.asleep), "c"(0), "d"(0) : "memory");
  if (core.asleep.load(std::memory_order_seq_cst) != 0)
    asm volatile("mwait" : : "a"(0), "c"(0) : "memory");
}

// ---- Messages

void call_core(const Core& core) {
  apic::send(core.apic_id, kCallVector);
}

void flush_this_core() {
  const u64 wanted = flushes_wanted.load(std::memory_order_acquire);
  write_cr3(read_cr3());
  Core& core = this_core();
  core.flushes.store(wanted, std::memory_order_release);
}

void flush_other_cores() {
  const u32 count = online_cores();
  if (count == 1) return;
  const u64 wanted = flushes_wanted.fetch_add(1, std::memory_order_seq_cst) + 1;
  const u32 self = this_core().index;
  for (u32 i = 0; i < count; ++i)
    if (i != self) apic::send(core_at(i).apic_id, kFlushVector);
  for (u32 i = 0; i < count; ++i) {
    const Core& core = core_at(i);
    while (i != self && core.flushes.load(std::memory_order_acquire) < wanted &&
           core.is_stopped.load(std::memory_order_relaxed) == 0)
      __builtin_ia32_pause();
  }
}

void stop_other_cores() {
  constexpr u64 kLongest = 100'000'000;
  const u32 count = online_cores();
  if (count == 1) return;
  stopping.store(1, std::memory_order_seq_cst);
  const u32 self = this_core().index;
  for (u32 i = 0; i < count; ++i)
    if (i != self) apic::send_nmi(core_at(i).apic_id);
  for (u32 i = 0; i < count; ++i)
    if (i != self)
      wait_for(kLongest, [&] { return core_at(i).is_stopped.load() != 0; });
}

void stop_if_asked() {
  if (stopping.load(std::memory_order_seq_cst) == 0) return;
  this_core().is_stopped.store(1, std::memory_order_seq_cst);
  for (;;) asm volatile("cli; hlt");
}

}  // namespace bf::x86
