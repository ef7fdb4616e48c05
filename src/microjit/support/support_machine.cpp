// Instructions of x86 that programs ask for by name and the IR has no operation for.
#include "runtime/base.h"

namespace {

using namespace bf;

// CRC-32C, the polynomial 0x1edc6f41 with its bits reversed, a bit at a time.
u32 crc32(u32 crc, u64 value, u32 bytes) {
  constexpr u32 kPolynomial = 0x82f63b78;
  for (u32 i = 0; i < bytes; ++i) {
    crc ^= static_cast<u32>(value >> (8 * i) & 0xff);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
  }
  return crc;
}

u64 deposit(u64 value, u64 mask) {
  u64 result = 0;
  for (; mask != 0; mask &= mask - 1, value >>= 1)
    if (value & 1) result |= mask & -mask;
  return result;
}

u64 extract(u64 value, u64 mask) {
  u64 result = 0;
  for (u32 i = 0; mask != 0; mask &= mask - 1, ++i)
    if (value & mask & -mask) result |= u64{1} << i;
  return result;
}

u64 low_bits(u64 value, u64 count, u32 width) {
  return count >= width ? value : value & ((u64{1} << count) - 1);
}

u64 field(u64 value, u64 control, u32 width) {
  const u64 start = control & 0xff, count = control >> 8 & 0xff;
  return start >= width ? 0 : low_bits(value >> start, count, 64);
}

}  // namespace

extern "C" {

u64 bf_cycles() { return __builtin_ia32_rdtsc(); }
u32 bf_crc32_8(u32 crc, u32 value) { return crc32(crc, value, 1); }
u32 bf_crc32_16(u32 crc, u32 value) { return crc32(crc, value, 2); }
u32 bf_crc32_32(u32 crc, u32 value) { return crc32(crc, value, 4); }
u64 bf_crc32_64(u64 crc, u64 value) { return crc32(static_cast<u32>(crc), value, 8); }
u32 bf_pdep_32(u32 value, u32 mask) { return static_cast<u32>(deposit(value, mask)); }
u64 bf_pdep_64(u64 value, u64 mask) { return deposit(value, mask); }
u32 bf_pext_32(u32 value, u32 mask) { return static_cast<u32>(extract(value, mask)); }
u64 bf_pext_64(u64 value, u64 mask) { return extract(value, mask); }
u32 bf_bzhi_32(u32 value, u32 n) { return static_cast<u32>(low_bits(value, n & 0xff, 32)); }
u64 bf_bzhi_64(u64 value, u64 n) { return low_bits(value, n & 0xff, 64); }
u32 bf_bextr_32(u32 value, u32 control) { return static_cast<u32>(field(value, control, 32)); }
u64 bf_bextr_64(u64 value, u64 control) { return field(value, control, 64); }

}  // extern "C"
