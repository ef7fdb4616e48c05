#include "arch/x86/fw_cfg.h"

#include <cstring>

#include "arch/x86/port_io.h"
#include "arch/x86/registers.h"

namespace bf::x86 {

namespace {

// QEMU, docs/specs/fw_cfg: a 16-bit selector, then one byte a read.
constexpr u16 kSelectorPort = 0x510, kDataPort = 0x511;
constexpr u16 kSignature = 0x0000, kDirectory = 0x0019;
constexpr u32 kMaxFiles = 1024;

void read_bytes(void* to, usize count) {
  auto* bytes = static_cast<u8*>(to);
  for (usize i = 0; i < count; ++i) bytes[i] = in8(kDataPort);
}

bool present() {
  if (!under_hypervisor()) return false;
  char signature[4];
  out16(kSelectorPort, kSignature);
  read_bytes(signature, sizeof signature);
  return std::memcmp(signature, "QEMU", sizeof signature) == 0;
}

// The directory: a big-endian count, then this, all numbers big-endian.
struct DirectoryEntry {
  u32 bytes;
  u16 selector;
  u16 reserved;
  char name[56];
};
static_assert(sizeof(DirectoryEntry) == 64);

}  // namespace

bool find_fw_cfg_file(std::string_view name, FwCfgFile& file) {
  if (!present()) return false;
  u32 count;
  out16(kSelectorPort, kDirectory);
  read_bytes(&count, sizeof count);
  count = __builtin_bswap32(count);
  for (u32 i = 0; i < count && i < kMaxFiles; ++i) {
    DirectoryEntry entry;
    read_bytes(&entry, sizeof entry);
    const usize length = strnlen(entry.name, sizeof entry.name);
    if (name != std::string_view{entry.name, length}) continue;
    file = {__builtin_bswap32(entry.bytes), __builtin_bswap16(entry.selector)};
    return true;
  }
  return false;
}

void read_fw_cfg_file(const FwCfgFile& file, std::span<u8> to) {
  out16(kSelectorPort, file.selector);
  read_bytes(to.data(), file.bytes < to.size() ? file.bytes : to.size());
}

}  // namespace bf::x86
