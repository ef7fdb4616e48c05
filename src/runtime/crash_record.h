// What is kept of a fault on a disk, so that the next run, or a person with the disk, can tell what
// happened: docs/crash.md has the layout.
//
//   const usize bytes = write_crash_record(facts, memory);        // in a machine that has just failed
//
//   auto record = read_crash_record(memory);                      // at the next boot
//   if (record && !record->told) print(record->summary);
//   mark_crash_record_told(memory);                               // its first sector is to be written
//
// Writing allocates nothing, waits for nothing, and cuts what does not fit. What is read may be any
// bytes.
#pragma once

#include <span>
#include <string_view>

#include "runtime/base.h"

namespace bf {

inline constexpr usize kCrashRecordBytes = 16 * 1024;
inline constexpr usize kCrashHeaderBytes = 512;  // a sector, which disks write whole or not at all

enum class CrashCause : u32 { Exception = 1, Panic = 2, Watchdog = 3 };

// In the order of the record.
#define BF_CRASH_REGISTERS(X) \
  X(rax) X(rbx) X(rcx) X(rdx) X(rsi) X(rdi) X(rbp) X(rsp) X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) \
  X(r14) X(r15) X(rip) X(rflags) X(cs) X(ss) X(cr0) X(cr2) X(cr3) X(cr4)

struct CrashRegisters {
#define BF_CRASH_REGISTER(name) u64 name = 0;
  BF_CRASH_REGISTERS(BF_CRASH_REGISTER)
#undef BF_CRASH_REGISTER
};

struct CrashFacts {
  CrashCause cause = CrashCause::Exception;
  u32 vector = 0;
  u64 error_code = 0;
  u32 core = 0;
  bool told = false;   // somebody has been told of it
  u64 uptime_ns = 0;
  u64 wall_clock = 0;  // seconds since 1970; 0: unknown
  u64 build = 0;       // build_id() of the kernel
  CrashRegisters registers;
  std::string_view report;   // as it was printed: cause, registers, backtrace, last lines of the log
  std::string_view options;  // of the run
};

// The bytes of the record, at the start of `memory`, which has kCrashRecordBytes; the rest is zero.
usize write_crash_record(const CrashFacts& facts, std::span<u8> memory);

// The texts are in `memory`. An error says what is wrong; is_crash_record tells whether there has ever
// been one.
Result<CrashFacts> read_crash_record(std::span<const u8> memory);
bool is_crash_record(std::span<const u8> memory);

// Changes nothing but the first kCrashHeaderBytes, of a record that can be read.
void mark_crash_record_told(std::span<u8> memory);

// The first line of a report that says something, without "fault: "; and what it says of the place,
// which may be nothing.
std::string_view crash_summary(std::string_view report);
std::string_view crash_place(std::string_view report);

// Of a kernel's code (FNV-1a over words of 8 bytes, the last one filled up with zeros): the same build
// has the same.
u64 build_id(std::span<const u8> code);

}  // namespace bf
