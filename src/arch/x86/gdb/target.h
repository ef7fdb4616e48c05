// What the commands of a debugger are carried out on: a machine whose cores stand still. A test has one
// of its own (test/support/gdb_target.h).
#pragma once

#include <span>

#include "runtime/base.h"

namespace bf::x86::gdb {

enum class Feature : u8 { Core, Sse, Segments, Avx };

// Numbers of registers: kRax, kRip, kXmm0 ...
enum Register : u32 {
#define BF_GDB_REGISTER(feature, name, bits, type) k_##name,
#include "arch/x86/gdb/registers.def"
#undef BF_GDB_REGISTER
  kRegisterCount
};

struct RegisterFacts {
  const char* name;
  u32 bytes;
  const char* type;
  Feature feature;
};
inline constexpr RegisterFacts kRegisters[] = {
#define BF_GDB_REGISTER(feature, name, bits, type) {#name, bits / 8, type, Feature::feature},
#include "arch/x86/gdb/registers.def"
#undef BF_GDB_REGISTER
};
inline constexpr u32 kMostRegisterBytes = 16;

// The numbers are those of the packets Z and z.
enum class Breakpoint : u8 { Software = 0, Hardware = 1, Write = 2, Read = 3, Access = 4 };

class Target {
 public:
  // Threads are cores, numbered from 1 on; at most 64.
  virtual u32 thread_count() = 0;
  // What a person is told of a thread.
  virtual const char* thread_text(u32 thread) = 0;
  virtual bool has_avx() = 0;

  // `bytes` has kRegisters[number].bytes. False if it cannot be known, or changed.
  virtual bool read_register(u32 thread, u32 number, std::span<u8> bytes) = 0;
  virtual bool write_register(u32 thread, u32 number, std::span<const u8> bytes) = 0;

  // How many bytes could be read, from the first on; whether all could be written.
  virtual usize read_memory(u64 address, std::span<u8> bytes) = 0;
  virtual bool write_memory(u64 address, std::span<const u8> bytes) = 0;

  // For all threads. False if there is no room for one more, or it cannot be there.
  virtual bool insert(Breakpoint kind, u64 address, u64 bytes) = 0;
  virtual bool remove(Breakpoint kind, u64 address, u64 bytes) = 0;
  virtual void remove_all() = 0;

 protected:
  ~Target() = default;
};

}  // namespace bf::x86::gdb
