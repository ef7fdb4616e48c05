#include "arch/x86/gdb/memory.h"

#include <algorithm>
#include <cstring>

#include "arch/x86/page_table.h"
#include "arch/x86/registers.h"
#include "runtime/platform.h"

namespace bf::x86::gdb {

namespace {

u64 left_in_page(u64 address) {
  return platform::kPageBytes - address % platform::kPageBytes;
}

// Registers of devices want to be read and written as words.
bool suits_device(u64 address, u64 bytes) {
  return address % 4 == 0 && bytes % 4 == 0;
}

void copy_words(volatile u32* to, const volatile u32* from, u64 bytes) {
  for (u64 i = 0; i < bytes / 4; ++i) to[i] = from[i];
}

// Pages that are read-only are not, as long as this lives (Intel SDM volume 3, 2.5: CR0.WP).
class WriteAnywhere {
 public:
  WriteAnywhere() : before_(read_cr0()) { write_cr0(before_ & ~kWriteProtect); }
  ~WriteAnywhere() { write_cr0(before_); }
  WriteAnywhere(const WriteAnywhere&) = delete;

 private:
  static constexpr u64 kWriteProtect = 1 << 16;
  const u64 before_;
};

bool can_write(u64 address, u64 bytes) {
  for (u64 done = 0; done < bytes;) {
    const u64 piece = std::min(bytes - done, left_in_page(address + done));
    const PageFacts page = look_up_page(address + done);
    if (!page.is_mapped || (page.is_device && !suits_device(address + done, piece))) return false;
    done += piece;
  }
  return true;
}

}  // namespace

usize read_memory(u64 address, std::span<u8> bytes) {
  usize done = 0;
  while (done < bytes.size()) {
    const u64 at = address + done, piece = std::min<u64>(bytes.size() - done, left_in_page(at));
    const PageFacts page = look_up_page(at);
    if (!page.is_mapped || (page.is_device && !suits_device(at, piece))) break;
    u8* const to = bytes.data() + done;
    if (page.is_device)
      copy_words(reinterpret_cast<u32*>(to), reinterpret_cast<const volatile u32*>(at), piece);
    else
      std::memcpy(to, reinterpret_cast<const void*>(at), piece);
    done += piece;
  }
  return done;
}

bool write_memory(u64 address, std::span<const u8> bytes) {
  if (!can_write(address, bytes.size())) return false;
  const WriteAnywhere write_anywhere;
  for (usize done = 0; done < bytes.size();) {
    const u64 at = address + done, piece = std::min<u64>(bytes.size() - done, left_in_page(at));
    const u8* const from = bytes.data() + done;
    if (look_up_page(at).is_device)
      copy_words(reinterpret_cast<volatile u32*>(at), reinterpret_cast<const u32*>(from), piece);
    else
      std::memcpy(reinterpret_cast<void*>(at), from, piece);
    done += piece;
  }
  return true;
}

}  // namespace bf::x86::gdb
