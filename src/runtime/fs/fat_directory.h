// A FAT directory in memory: the bytes of its clusters, read, listed and changed there.
//
//   FatDirectory directory(std::move(bytes), 32);
//   while (directory.next(item)) ...
//   directory.put("notes.txt", {.attributes = kArchive, .first = 7, .bytes = 512, .time = now},
//   512);
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "runtime/fs/fat_name.h"

namespace bf::fs {

struct DateTime {
  u32 year = 1980, month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

class FatDirectory {
 public:
  struct Item {
    Text name;
    bool long_name = false;
    u32 slot = 0;        // of the short name
    u32 first_slot = 0;  // of the long name's pieces, or the same
    u8 attributes = 0;
    u32 first = 0;  // cluster
    u32 bytes = 0;

    bool is_directory() const { return (attributes & kDirectory) != 0; }
  };

  // What an entry says of a file.
  struct Facts {
    u8 attributes = kArchive;
    u32 first = 0;
    u32 bytes = 0;
    DateTime time;
  };

  // `bits` of the volume's table: numbers of clusters have an upper half in FAT32 only.
  FatDirectory(std::vector<u8> bytes, u32 bits) : bytes_(std::move(bytes)), bits_(bits) {}

  std::vector<u8>& bytes() { return bytes_; }
  u32 slots() const { return static_cast<u32>(bytes_.size() / kSlotBytes); }
  u8* slot_at(u32 i) { return bytes_.data() + usize{i} * kSlotBytes; }

  // The next file or directory from slot `at` on, which moves behind it; false at the end. Deleted
  // ones, volume labels, "." and ".." are passed over.
  bool next(u32& at, Item& item);
  std::optional<Item> find(std::string_view name);
  bool is_empty();
  // The volume's label, if this is a root directory that has one.
  bool find_label(u8* eleven);

  // Gives the name these facts: in place where it is there already, with everything else as it was;
  // else in free slots, if possible of one sector of `sector_bytes`. False if there is no room:
  // append zeros to bytes(), and try again.
  [[nodiscard]] bool put(std::string_view name, const Facts& facts, u32 sector_bytes);
  void remove(const Item& item);
  void set_first(u8* slot, u32 cluster);
  // The first two slots of a directory that is not the root.
  void put_dots(u32 self, u32 parent, const DateTime& time);

 private:
  void choose_short_name(std::string_view name, u8* eleven);
  bool has_short_name(const u8* eleven);
  std::optional<u32> find_room(u32 count, u32 sector_bytes);
  void write_slot(u8* s, const u8* eleven, const Facts& facts, bool fresh);

  std::vector<u8> bytes_;
  u32 bits_;
};

}  // namespace bf::fs
