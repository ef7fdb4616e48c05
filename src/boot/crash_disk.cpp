#include "boot/crash_disk.h"

#include <algorithm>
#include <optional>

#include "arch/x86/core.h"
#include "arch/x86/disks.h"
#include "arch/x86/exceptions.h"
#include "arch/x86/image.h"
#include "arch/x86/memory.h"
#include "arch/x86/print.h"
#include "arch/x86/registers.h"
#include "boot/machine_volumes.h"
#include "runtime/calendar.h"
#include "runtime/crash_record.h"
#include "runtime/options.h"
#include "runtime/platform.h"

namespace bf::boot {

namespace {

using x86::print;


// What a fault finds ready.
struct Keeper {
  std::optional<fs::File> file;
  x86::DmaDisk* disk = nullptr;
  std::span<u8> memory;
  std::string_view place;  // "ahci0, partition 1"
  u64 armed_ns = 0, armed_wall_clock = 0;
};
Keeper* keeper = nullptr;

u64 wall_clock_now(const Keeper& k) {
  if (k.armed_wall_clock == 0) return 0;
  return k.armed_wall_clock + (platform::clock_ns() - k.armed_ns) / 1'000'000'000;
}

CrashRegisters registers_of(const x86::ExceptionFrame& f) {
  CrashRegisters r;
  r.rax = f.rax, r.rbx = f.rbx, r.rcx = f.rcx, r.rdx = f.rdx, r.rsi = f.rsi, r.rdi = f.rdi;
  r.rbp = f.rbp, r.rsp = f.rsp, r.r8 = f.r8, r.r9 = f.r9, r.r10 = f.r10, r.r11 = f.r11;
  r.r12 = f.r12, r.r13 = f.r13, r.r14 = f.r14, r.r15 = f.r15;
  r.rip = f.rip, r.rflags = f.rflags, r.cs = f.cs, r.ss = f.ss;
  r.cr0 = x86::read_cr0(), r.cr2 = x86::read_cr2(), r.cr3 = x86::read_cr3(), r.cr4 = x86::read_cr4();
  return r;
}

CrashCause cause_of(x86::FaultReport::Cause cause) {
  using Cause = x86::FaultReport::Cause;
  return cause == Cause::Panic      ? CrashCause::Panic
         : cause == Cause::Watchdog ? CrashCause::Watchdog
                                    : CrashCause::Exception;
}

std::string_view options_text() {
  const auto bytes = platform::blob("options");
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// After a fault. The disk may have been in the middle of something.
void write_record(const x86::FaultReport& report) {
  Keeper& k = *keeper;
  CrashFacts facts;
  facts.cause = cause_of(report.cause);
  facts.vector = static_cast<u32>(report.where.vector);
  facts.error_code = report.where.error_code;
  facts.core = x86::this_core().index;
  facts.uptime_ns = platform::clock_ns();
  facts.wall_clock = wall_clock_now(k);
  facts.build = build_id({kernel_text_start, kernel_text_end});
  facts.registers = registers_of(report.where);
  facts.report = report.text;
  facts.options = options_text();
  write_crash_record(facts, k.memory);
  k.disk->settle();
  const auto done = k.file->overwrite(0, k.memory);
  if (done) print("crash record: BAREFLOW/crash on %.*s\n", printed_length(k.place), k.place.data());
  else print("crash record: none: %s\n", done.error().message());
}

void tell(const CrashFacts& facts) {
  const auto summary = crash_summary(facts.report), place = crash_place(facts.report);
  print("[crash] the last run ended with a fault: %.*s\n", printed_length(summary), summary.data());
  const DateAndTime d = date_of(facts.wall_clock);
  print("[crash] ");
  if (!place.empty()) print("in %.*s, ", printed_length(place), place.data());
  print("after %lu.%lu s", facts.uptime_ns / 1'000'000'000, facts.uptime_ns / 100'000'000 % 10);
  if (facts.wall_clock != 0)
    print(", on %04u-%02u-%02u at %02u:%02u UTC", d.year, d.month, d.day, d.hour, d.minute);
  print("; `./bareflow crash` has more\n");
}

// Says what there is to say of what the file holds, and writes down that it has been said.
Result<void> look_back(const fs::File& file, std::span<u8> memory) {
  if (auto done = file.read(0, memory); !done) return done;
  if (!is_crash_record(memory)) return {};
  const auto first = memory.first(std::max<usize>(kCrashHeaderBytes, 4096));
  if (auto record = read_crash_record(memory)) {
    if (record->told) return {};
    tell(*record);
    mark_crash_record_told(memory);
  } else {
    print("[crash] the last run ended with a fault, but %s\n", record.error().message());
    std::fill(first.begin(), first.end(), u8{0});
  }
  return file.overwrite(0, first);
}

// The disk of a volume, "ahci0" of "ahci0, partition 1".
x86::DmaDisk* disk_at(std::string_view place) {
  const std::string_view name = place.substr(0, place.find(','));
  for (x86::DmaDisk* disk : x86::find_disks())
    if (disk->name() == name) return disk;
  return nullptr;
}

// What the record goes through: a driver that has to bring it to where its device reaches does so
// from now on, because it has been read into the same memory.
Result<void> start(Keeper& k) {
  fs::FileStore store(machine_volumes());
  if (!store) return {};
  auto file = store.reserve(kCrashFileName, kCrashRecordBytes);
  if (!file) return file.error();
  auto* const memory = static_cast<u8*>(x86::take_pages(kCrashRecordBytes));
  if (memory == nullptr) return Error::format("there is no memory for it");
  k.memory = {memory, kCrashRecordBytes};
  k.place = store.place();
  k.disk = disk_at(k.place);
  if (auto done = look_back(*file, k.memory); !done) return done;
  k.file = std::move(*file);
  k.armed_ns = platform::clock_ns();
  k.armed_wall_clock = platform::wall_clock();
  return {};
}

}  // namespace

void keep_crash_records() {
  if (options::find("crash").value_or("1") == "0") return;
  // What else is on the machine's disks is nothing that a boot should wait for.
  const auto disks = x86::find_disks();
  const auto is_writable = [](const x86::DmaDisk* disk) { return disk->writable(); };
  if (std::none_of(disks.begin(), disks.end(), is_writable)) return;
  auto* const k = new Keeper;
  const auto done = start(*k);
  if (!done) print("[crash] no record of a fault can be kept: %s\n", done.error().message());
  if (!done || !k->file || k->disk == nullptr) {
    delete k;
    return;
  }
  keeper = k;
  x86::set_report_hook(write_record);
  print("[crash] a fault would be recorded in BAREFLOW/crash on %.*s\n", printed_length(k->place),
        k->place.data());
}

}  // namespace bf::boot
