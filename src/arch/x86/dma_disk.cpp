#include "arch/x86/dma_disk.h"

#include <algorithm>

#include "arch/x86/memory.h"
#include "runtime/platform.h"
#include "runtime/progress.h"

namespace bf::x86 {

namespace {

constexpr u64 kBounceBytes = 256 << 10;
constexpr u64 kOneToOneEnd = u64{1} << 40;  // memory.h: above are code and stacks, mapped elsewhere

}  // namespace

bool DmaDisk::reaches(const u8* memory, u64 bytes) const {
  const u64 end = reinterpret_cast<u64>(memory) + bytes;
  return end <= std::min(reach_.memory_end, kOneToOneEnd);
}

Result<void> DmaDisk::read_sectors(u64 first, std::span<u8> to) {
  return move(Way::Read, first, to.data(), to.size());
}

Result<void> DmaDisk::write_sectors(u64 first, std::span<const u8> from) {
  return move(Way::Write, first, const_cast<u8*>(from.data()), from.size());
}

Result<void> DmaDisk::move(Way way, u64 first, u8* memory, u64 bytes) {
  const bool direct = reaches(memory, bytes);
  if (!direct && bounce_ == nullptr) {
    auto* const pages = static_cast<u8*>(take_pages(kBounceBytes));
    if (pages == nullptr || !reaches(pages, kBounceBytes)) {
      platform::free_pages(pages, kBounceBytes);
      return Error::format("%s: no memory that it can reach", name());
    }
    bounce_ = pages;
  }
  const u64 most = direct ? reach_.most_bytes : std::min(reach_.most_bytes, kBounceBytes);
  while (bytes > 0) {
    const u64 piece = std::min(bytes, most);
    note_progress();  // a large model takes longer than a watchdog's patience
    if (!direct && way == Way::Write) std::memcpy(bounce_, memory, piece);
    auto done = transfer(way, first, reinterpret_cast<u64>(direct ? memory : bounce_),
                         static_cast<u32>(piece / sector_bytes()));
    if (!done) return done;
    if (!direct && way == Way::Read) std::memcpy(memory, bounce_, piece);
    first += piece / sector_bytes();
    memory += piece;
    bytes -= piece;
  }
  return {};
}

}  // namespace bf::x86
