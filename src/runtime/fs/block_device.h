// A disk, a disc or a part of one, as a row of sectors: the border between drivers and file
// systems.
//
// A driver derives from it, says in the constructor what it is, and moves whole sectors; everything
// else (ranges, alignment, bytes that do not begin where a sector does) is done here, once.
//
//   class AhciDisk final : public fs::BlockDevice {
//    public:
//     AhciDisk(...) : BlockDevice({.name = "ahci0", .sector_bytes = 512, .sector_count = n,
//                                  .writable = true, .buffer_alignment = 2}) {}
//    private:
//     Result<void> read_sectors(u64 first, std::span<u8> to) override;
//     Result<void> write_sectors(u64 first, std::span<const u8> from) override;
//     Result<void> flush_cache() override;
//   };
//
// A device is used by one core at a time. What a driver promises to those who write:
//   - a sector is written whole or not at all, whatever happens to the power;
//   - of a write of several sectors that is cut short, any part may have been written;
//   - what was written before a flush() that succeeded is there whatever happens after it.
// Transfers may be as long as the caller likes: the driver splits them where it must. Long reads
// are where a model's loading time goes, so they come to the driver in one piece, into the buffer
// of whoever asked, if that is aligned as the driver wants it.
#pragma once

#include <bit>
#include <cstring>
#include <span>

#include "runtime/base.h"

namespace bf::fs {

class BlockDevice {
 public:
  struct Facts {
    const char* name = "";   // for messages; must outlive the device
    u32 sector_bytes = 512;  // a power of two from 512 to 4096
    u64 sector_count = 0;
    bool writable = false;
    u32 buffer_alignment =
        1;  // of memory that transfers go to and come from: a power of two up to 4096
  };

  BlockDevice(const BlockDevice&) = delete;
  BlockDevice& operator=(const BlockDevice&) = delete;

  const char* name() const { return facts_.name; }
  u32 sector_bytes() const { return facts_.sector_bytes; }
  u64 sector_count() const { return facts_.sector_count; }
  u64 bytes() const { return facts_.sector_count * facts_.sector_bytes; }
  bool writable() const { return facts_.writable; }
  u32 buffer_alignment() const { return facts_.buffer_alignment; }

  // Any bytes, from any place of memory. What is aligned goes straight to and from the caller's
  // memory; the rest goes through a buffer, and of a sector that is written in part the rest is
  // read first. One sector or less that lies in one sector is written by one write of that sector.
  Result<void> read(u64 offset, std::span<u8> to);
  Result<void> write(u64 offset, std::span<const u8> from);
  // Everything written so far is on the medium when this returns.
  Result<void> flush();

 protected:
  explicit BlockDevice(const Facts& facts);
  ~BlockDevice() = default;

  // Whole sectors, in range, memory aligned as asked for.
  virtual Result<void> read_sectors(u64 first, std::span<u8> to) = 0;
  virtual Result<void> write_sectors(u64 first, std::span<const u8> from) = 0;
  virtual Result<void> flush_cache() = 0;

 private:
  friend class Slice;
  Result<void> check(u64 offset, u64 length, const char* what) const;
  bool direct(u64 offset, const void* memory, u64 length) const;
  u64 part(u64 offset, u64 length) const;

  Facts facts_;
};

// A part of a device, such as a partition, as a device. The whole must outlive it.
class Slice final : public BlockDevice {
 public:
  // `first` and `count` in sectors; must lie inside the device.
  Slice(BlockDevice& whole, u64 first, u64 count);
  u64 first_sector() const { return first_; }

 private:
  Result<void> read_sectors(u64 first, std::span<u8> to) override;
  Result<void> write_sectors(u64 first, std::span<const u8> from) override;
  Result<void> flush_cache() override;

  BlockDevice& whole_;
  const u64 first_;
};

// Memory that drivers can use for transfers: whole pages, zeroed.
class Pages {
 public:
  explicit Pages(usize bytes);
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  // Null if there was not enough memory.
  u8* data() { return data_; }
  usize size() const { return bytes_; }
  std::span<u8> span() { return {data_, bytes_}; }

 private:
  u8* data_;
  usize bytes_;
};

// Numbers at any address, little end first, as all formats here have them (ISO 9660 both ways).
static_assert(std::endian::native == std::endian::little);
template <class T>
T get_number(const u8* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline u16 get16(const u8* p) {
  return get_number<u16>(p);
}
inline u32 get32(const u8* p) {
  return get_number<u32>(p);
}
inline u64 get64(const u8* p) {
  return get_number<u64>(p);
}
inline void put16(u8* p, u32 v) {
  std::memcpy(p, &v, 2);
}
inline void put32(u8* p, u32 v) {
  std::memcpy(p, &v, 4);
}

}  // namespace bf::fs
