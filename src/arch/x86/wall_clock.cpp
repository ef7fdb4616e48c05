#include <cstring>

#include "arch/x86/cmos.h"
#include "arch/x86/port_io.h"
#include "arch/x86/spin_lock.h"
#include "runtime/platform.h"

namespace bf {

namespace {

u8 century_register = 0;

u8 read_register(u8 number) {
  constexpr u16 kSelect = 0x70, kData = 0x71;
  x86::out8(kSelect, number);
  return x86::in8(kData);
}

x86::CmosClock read_clock() {
  x86::CmosClock c;
  c.second = read_register(0);
  c.minute = read_register(2);
  c.hour = read_register(4);
  c.day = read_register(7);
  c.month = read_register(8);
  c.year = read_register(9);
  c.century = century_register != 0 ? read_register(century_register) : u8{0};
  c.status_b = read_register(0x0b);
  return c;
}

// Seconds since 1970, or 0. The registers may change while they are read: two readings that agree
// count, and none during an update (MC146818 data sheet, update-in-progress bit).
u64 read_seconds() {
  constexpr u8 kStatusA = 0x0a, kUpdate = 0x80;
  constexpr int kTries = 20'000;  // about a microsecond each; an update takes two thousand
  for (int i = 0; i < kTries; ++i) {
    if ((read_register(kStatusA) & kUpdate) != 0) continue;
    const x86::CmosClock first = read_clock(), second = read_clock();
    if (std::memcmp(&first, &second, sizeof first) != 0) continue;
    const DateAndTime date = x86::decode_cmos(first);
    return is_date(date) ? seconds_since_1970(date) : 0;
  }
  return 0;
}

struct Reading {
  bool done = false;
  u64 seconds = 0, at_ns = 0;
};
Reading reading;
x86::SpinLock lock;

}  // namespace

void x86::set_century_register(u8 number) {
  century_register = number;
}

// Read once; it goes on with the time stamp counter.
u64 platform::wall_clock() {
  const x86::SpinGuard guard(lock);
  if (!reading.done) reading = {true, read_seconds(), clock_ns()};
  if (reading.seconds == 0) return 0;
  return reading.seconds + (clock_ns() - reading.at_ns) / 1'000'000'000;
}

}  // namespace bf
