#include "runtime/fs/block_device.h"

#include <algorithm>
#include <cstring>

#include "runtime/platform.h"

namespace bf::fs {

namespace {

// What goes through a buffer goes in pieces of this size, or of one sector.
constexpr u64 kBounceBytes = 128 * 1024;

bool power_of_two(u64 n) {
  return n != 0 && (n & (n - 1)) == 0;
}

unsigned long long number(u64 n) {
  return n;
}

}  // namespace

Pages::Pages(usize bytes)
    : data_(static_cast<u8*>(platform::allocate_pages(bytes))), bytes_(data_ ? bytes : 0) {}

Pages::~Pages() {
  if (data_) platform::free_pages(data_, bytes_);
}

BlockDevice::BlockDevice(const Facts& facts) : facts_(facts) {
  BF_ASSERT(power_of_two(facts.sector_bytes) && facts.sector_bytes >= 512 &&
            facts.sector_bytes <= 4096);
  BF_ASSERT(power_of_two(facts.buffer_alignment) && facts.buffer_alignment <= 4096);
  BF_ASSERT(facts.sector_count <= ~u64{0} / facts.sector_bytes);
}

Result<void> BlockDevice::check(u64 offset, u64 length, const char* what) const {
  if (offset <= bytes() && length <= bytes() - offset) return {};
  return Error::format("%s: %s of %llu bytes at %llu, but it ends at %llu", name(), what,
                       number(length), number(offset), number(bytes()));
}

// Whether a transfer can go straight from or to that memory.
bool BlockDevice::direct(u64 offset, const void* memory, u64 length) const {
  return offset % sector_bytes() == 0 && length >= sector_bytes() &&
         reinterpret_cast<u64>(memory) % buffer_alignment() == 0;
}

// How much of `length` bytes at `offset` the next piece through a buffer holds: up to the end of
// the sector if it begins inside of one, whole sectors, or what is less than one.
u64 BlockDevice::part(u64 offset, u64 length) const {
  const u64 inside = offset % sector_bytes();
  if (inside != 0) return std::min<u64>(length, sector_bytes() - inside);
  if (length < sector_bytes()) return length;
  return std::min<u64>(length / sector_bytes() * sector_bytes(), kBounceBytes);
}

Result<void> BlockDevice::read(u64 offset, std::span<u8> to) {
  if (auto ok = check(offset, to.size(), "read"); !ok) return ok;
  while (!to.empty()) {
    u64 piece = to.size() / sector_bytes() * sector_bytes();
    if (direct(offset, to.data(), to.size())) {
      if (auto ok = read_sectors(offset / sector_bytes(), to.first(piece)); !ok) return ok;
    } else {
      piece = part(offset, to.size());
      const u64 inside = offset % sector_bytes();
      Pages bounce(align_up<u64>(inside + piece, sector_bytes()));
      if (!bounce.data()) return Error::format("%s: no memory for a read", name());
      if (auto ok = read_sectors(offset / sector_bytes(), bounce.span()); !ok) return ok;
      std::memcpy(to.data(), bounce.data() + inside, piece);
    }
    offset += piece;
    to = to.subspan(piece);
  }
  return {};
}

Result<void> BlockDevice::write(u64 offset, std::span<const u8> from) {
  if (!writable()) return Error::format("%s cannot be written to", name());
  if (auto ok = check(offset, from.size(), "write"); !ok) return ok;
  while (!from.empty()) {
    u64 piece = from.size() / sector_bytes() * sector_bytes();
    if (direct(offset, from.data(), from.size())) {
      if (auto ok = write_sectors(offset / sector_bytes(), from.first(piece)); !ok) return ok;
    } else {
      piece = part(offset, from.size());
      const u64 inside = offset % sector_bytes();
      Pages bounce(align_up<u64>(inside + piece, sector_bytes()));
      if (!bounce.data()) return Error::format("%s: no memory for a write", name());
      if (bounce.size() != piece) {
        if (auto ok = read_sectors(offset / sector_bytes(), bounce.span()); !ok) return ok;
      }
      std::memcpy(bounce.data() + inside, from.data(), piece);
      if (auto ok = write_sectors(offset / sector_bytes(), bounce.span()); !ok) return ok;
    }
    offset += piece;
    from = from.subspan(piece);
  }
  return {};
}

Result<void> BlockDevice::flush() {
  return flush_cache();
}

Slice::Slice(BlockDevice& whole, u64 first, u64 count)
    : BlockDevice({.name = whole.name(),
                   .sector_bytes = whole.sector_bytes(),
                   .sector_count = count,
                   .writable = whole.writable(),
                   .buffer_alignment = whole.buffer_alignment()}),
      whole_(whole),
      first_(first) {
  BF_ASSERT(first <= whole.sector_count() && count <= whole.sector_count() - first);
}

Result<void> Slice::read_sectors(u64 first, std::span<u8> to) {
  return whole_.read_sectors(first_ + first, to);
}

Result<void> Slice::write_sectors(u64 first, std::span<const u8> from) {
  return whole_.write_sectors(first_ + first, from);
}

Result<void> Slice::flush_cache() {
  return whole_.flush_cache();
}

}  // namespace bf::fs
