#include "arch/x86/symbols.h"

#include <cstring>

#include "arch/x86/image.h"

namespace bf::x86 {

namespace {

constexpr usize kMaxNameBytes = 255;

u64 read_uleb128(const u8*& at, const u8* end) {
  u64 value = 0;
  for (int shift = 0; at < end && shift < 64; shift += 7) {
    const u8 byte = *at++;
    value |= static_cast<u64>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

}  // namespace

bool find_symbol(u64 wanted, char* name, usize capacity, u64& offset) {
  char current[kMaxNameBytes + 1];
  u64 address = 0;
  bool found = false;
  const u8* at = kernel_symbols_start;
  const u8* end = kernel_symbols_end;
  while (at < end) {
    address += read_uleb128(at, end);
    if (address > wanted || end - at < 2) break;
    const usize kept = at[0], added = at[1];
    at += 2;
    if (kept + added > kMaxNameBytes || static_cast<usize>(end - at) < added) break;
    std::memcpy(current + kept, at, added);
    current[kept + added] = 0;
    at += added;
    offset = wanted - address;
    found = true;
  }
  if (found) std::snprintf(name, capacity, "%s", current);
  return found;
}

}  // namespace bf::x86
