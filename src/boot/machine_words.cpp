#include "boot/machine_words.h"

#include "arch/x86/clock.h"
#include "arch/x86/core.h"
#include "arch/x86/disks.h"
#include "arch/x86/memory.h"
#include "arch/x86/page_table.h"
#include "arch/x86/power.h"
#include "arch/x86/processor.h"
#include "boot/crash_disk.h"
#include "boot/disk_words.h"
#include "boot/machine_volumes.h"
#include "boot/model_shelf.h"
#include "runtime/fs/unicode.h"
#include "runtime/shell/machine.h"

namespace bf::boot {

namespace {

// ---- /mem

shell::Memory memory() {
  const x86::MemoryReport report = x86::memory_report();
  const x86::PageAudit audit = x86::audit_pages();
  shell::Memory m;
  m.whole = "RAM";
  m.bytes = report.ram;
  m.parts = {{"free", report.free},          {"free, but for small pieces alone", report.aside},
             {"below 1 MiB, the firmware's", report.low},
             {"the kernel's image", report.kernel}, {"compiled code, and room for it", report.code},
             {"page tables", report.tables}, {"stacks", report.stacks},
             {"above 1 TiB, not used", report.beyond}};
  m.modules = report.modules;
  m.other_modules = "boot modules, also what nobody needs any more";
  m.pages = report.pages;
  m.model_in_pages = model_is_from_disk();
  m.other_pages = "disks' buffers, tables of the engine";
  m.notes = {{"the largest free piece", x86::largest_free_piece()}};
  m.has_page_sizes = true;
  for (u32 i = 0; i < 3; ++i) m.page_counts[i] = audit.pages[i];
  return m;
}

// ---- /cpu

const char* state_of(const x86::Core& core) {
  if (core.is_stopped.load(std::memory_order_relaxed) != 0) return "stopped";
  if (&core == &x86::this_core()) return "the program";
  return core.asleep.load(std::memory_order_relaxed) != 0 ? "asleep" : "at work";
}

void processor(Text& out) {
  const x86::ClockReport& clock = x86::clock_report();
  out.format("          measured by %s", clock.source);
  if (clock.check != nullptr)
    out.format(", which %s %s", clock.agrees ? "agrees with" : "differs from", clock.check);
  out.format("\nbrand     %s\n", x86::processor_name().text);
  const u32 count = x86::online_cores(), workers = platform::core_count();
  out.format("cores     %u, %u of them work on the program\n", count, workers);
  constexpr u32 kInRow = 3;
  for (u32 i = 0; i < count; ++i) {
    const x86::Core& core = x86::core_at(i);
    out.format("%s%2u APIC %-3u %-11s", i % kInRow == 0 ? "          " : "  ", i, core.apic_id, state_of(core));
    if (i % kInRow == kInRow - 1 || i + 1 == count) out.append("\n");
  }
}

// ---- /save

Result<Text> keep(std::string_view name, std::string_view text) {
  fs::FileStore store(machine_volumes());
  if (!store)
    return Error::format("there is no FAT disk to write to that has a folder BAREFLOW");
  if (fs::same_name(name, kCrashFileName))
    return Error::format("%.*s is the machine's own file: give it another name", printed_length(name), name.data());
  const std::span<const u8> bytes(reinterpret_cast<const u8*>(text.data()), text.size());
  if (auto done = store.replace(name, bytes); !done) return done.error();
  Text place;
  place.append(fs::FileStore::kDirectory);
  place.append("/");
  place.append(name);
  place.append(" on ");
  place.append(store.place());
  return place;
}

// ---- /reboot, /poweroff

shell::Answer reboot_word(shell::Call&) {
  x86::flush_disks();
  x86::restart();
}

shell::Answer power_off_word(shell::Call&) {
  x86::flush_disks();
  platform::exit(0);
}

}  // namespace

void provide_machine_words() {
  shell::provide_common({.memory = memory, .processor = processor, .keep = keep});
  shell::set_model_shelf(&model_shelf());
  shell::provide(shell::Word::Disks, disks_word);
  shell::provide(shell::Word::Reboot, reboot_word);
  shell::provide(shell::Word::PowerOff, power_off_word);
}

}  // namespace bf::boot
