// A machine for a debugger's commands to be tried on: threads with registers of bytes, memory at
// kMemoryStart, and a record of the breakpoints.
#pragma once

#include <cstring>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "arch/x86/gdb/target.h"

namespace bf::test {

class GdbTarget final : public x86::gdb::Target {
 public:
  static constexpr u64 kMemoryStart = 0x1000;
  using Point = std::tuple<x86::gdb::Breakpoint, u64, u64>;

  explicit GdbTarget(u32 threads = 2, bool avx = true) : threads_(threads), avx_(avx), memory(0x1000) {
    for (usize i = 0; i < memory.size(); ++i) memory[i] = static_cast<u8>(i * 7);
  }

  u32 thread_count() override { return threads_; }
  const char* thread_text(u32 thread) override { return thread == 1 ? "core 0" : "core 1, sleeps"; }
  bool has_avx() override { return avx_; }
  bool read_register(u32 thread, u32 number, std::span<u8> bytes) override {
    check(thread, number, bytes.size());
    if (number == unknown) return false;
    const auto it = registers.find({thread, number});
    if (it != registers.end()) std::memcpy(bytes.data(), it->second.data(), bytes.size());
    else std::memset(bytes.data(), static_cast<int>(number), bytes.size());
    return true;
  }
  bool write_register(u32 thread, u32 number, std::span<const u8> bytes) override {
    check(thread, number, bytes.size());
    if (number == unknown) return false;
    registers[{thread, number}].assign(bytes.begin(), bytes.end());
    return true;
  }
  usize read_memory(u64 address, std::span<u8> bytes) override {
    usize n = 0;
    for (; n < bytes.size() && holds(address + n); ++n) bytes[n] = memory[address + n - kMemoryStart];
    return n;
  }
  bool write_memory(u64 address, std::span<const u8> bytes) override {
    for (usize i = 0; i < bytes.size(); ++i)
      if (!holds(address + i)) return false;
    for (usize i = 0; i < bytes.size(); ++i) memory[address + i - kMemoryStart] = bytes[i];
    return true;
  }
  bool insert(x86::gdb::Breakpoint kind, u64 address, u64 bytes) override {
    return holds(address) && points.insert({kind, address, bytes}).second;
  }
  bool remove(x86::gdb::Breakpoint kind, u64 address, u64 bytes) override {
    return points.erase({kind, address, bytes}) != 0;
  }
  void remove_all() override { points.clear(); }

 private:
  bool holds(u64 address) const { return address - kMemoryStart < memory.size(); }
  void check(u32 thread, u32 number, usize bytes) const {
    if (thread < 1 || thread > threads_ || number >= x86::gdb::kRegisterCount ||
        bytes != x86::gdb::kRegisters[number].bytes || (!avx_ && number >= x86::gdb::k_ymm0h))
      __builtin_trap();
  }
  const u32 threads_;
  const bool avx_;

 public:
  std::map<std::pair<u32, u32>, std::vector<u8>> registers;
  std::vector<u8> memory;
  std::set<Point> points;
  u32 unknown = ~u32{0};  // a register that cannot be known
};

}  // namespace bf::test
