#include "arch/x86/gdb/breakpoints.h"

#include "arch/x86/gdb/memory.h"

namespace bf::x86::gdb {

namespace {

constexpr u8 kInt3 = 0xcc;
constexpr u64 kDr7Idle = 0x400, kDr6Idle = 0xffff0ff0;

// Bits of DR7 for a condition and a length (17.2.4).
u64 condition_of(Breakpoint kind) {
  return kind == Breakpoint::Hardware ? 0 : kind == Breakpoint::Write ? 1 : 3;
}
u64 length_of(u64 bytes) {
  return bytes == 8 ? 2 : bytes - 1;
}

void write_address(u32 index, u64 address) {
  switch (index) {
    case 0: asm volatile("mov %0, %%dr0" : : "r"(address)); break;
    case 1: asm volatile("mov %0, %%dr1" : : "r"(address)); break;
    case 2: asm volatile("mov %0, %%dr2" : : "r"(address)); break;
    default: asm volatile("mov %0, %%dr3" : : "r"(address)); break;
  }
}

}  // namespace

bool Breakpoints::insert_software(u64 address) {
  u8 byte;
  if (read_memory(address, {&byte, 1}) != 1) return false;
  if (has_software(address)) return true;
  for (Software& s : software_) {
    if (s.is_used) continue;
    s = {.address = address, .is_used = true};
    return true;
  }
  return false;
}

bool Breakpoints::insert_hardware(Breakpoint kind, u64 address, u64 bytes) {
  if (kind == Breakpoint::Hardware) bytes = 1;  // where the instruction begins
  const bool fits = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
  if (!fits || address % bytes != 0) return false;
  for (Hardware& h : hardware_) {
    if (h.is_used) continue;
    h = {address, bytes, kind, true};
    return true;
  }
  return false;
}

bool Breakpoints::insert(Breakpoint kind, u64 address, u64 bytes) {
  return kind == Breakpoint::Software ? insert_software(address) : insert_hardware(kind, address, bytes);
}

bool Breakpoints::remove(Breakpoint kind, u64 address, u64 bytes) {
  for (Software& s : software_) {
    if (kind != Breakpoint::Software || !s.is_used || s.address != address) continue;
    s.is_used = false;
    return true;
  }
  for (Hardware& h : hardware_) {
    const bool is_it = h.is_used && h.kind == kind && h.address == address &&
                       (kind == Breakpoint::Hardware || h.bytes == bytes);
    if (!is_it) continue;
    h.is_used = false;
    return true;
  }
  return false;
}

void Breakpoints::remove_all() {
  for (Software& s : software_) s.is_used = false;
  for (Hardware& h : hardware_) h.is_used = false;
}

void Breakpoints::plant() {
  for (Software& s : software_)
    if (s.is_used)
      s.is_planted = read_memory(s.address, {&s.original, 1}) == 1 && write_memory(s.address, {&kInt3, 1});
}

// What has been overwritten meanwhile was other code.
void Breakpoints::lift() {
  for (Software& s : software_) {
    u8 now = 0;
    if (s.is_planted && read_memory(s.address, {&now, 1}) == 1 && now == kInt3)
      (void)write_memory(s.address, {&s.original, 1});
    s.is_planted = false;
  }
}

bool Breakpoints::has_software(u64 address) const {
  for (const Software& s : software_)
    if (s.is_used && s.address == address) return true;
  return false;
}

void Breakpoints::load() const {
  u64 control = kDr7Idle;
  for (u32 i = 0; i < kMostHardware; ++i) {
    const Hardware& h = hardware_[i];
    if (!h.is_used) continue;
    write_address(i, h.address);
    control |= u64{2} << (2 * i) | (condition_of(h.kind) | length_of(h.bytes) << 2) << (16 + 4 * i);
  }
  asm volatile("mov %0, %%dr7" : : "r"(control));
}

void Breakpoints::unload() {
  asm volatile("mov %0, %%dr7" : : "r"(kDr7Idle));
}

bool Breakpoints::find_hit(u64 dr6, Breakpoint& kind, u64& address) const {
  for (u32 i = 0; i < kMostHardware; ++i) {
    if ((dr6 >> i & 1) == 0 || !hardware_[i].is_used) continue;
    kind = hardware_[i].kind;
    address = hardware_[i].address;
    return true;
  }
  return false;
}

u64 take_debug_status() {
  u64 status;
  asm volatile("mov %%dr6, %0; mov %1, %%dr6" : "=&r"(status) : "r"(kDr6Idle));
  return status;
}

}  // namespace bf::x86::gdb
