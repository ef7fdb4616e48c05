#include "runtime/fs/fat_directory.h"

#include <algorithm>
#include <cstring>

#include "runtime/fs/block_device.h"
#include "runtime/fs/unicode.h"

namespace bf::fs {

namespace {

bool is_free(const u8* s) {
  return s[0] == 0 || s[0] == kDeleted;
}
bool is_dots(const u8* s) {
  return s[0] == '.' && (s[1] == ' ' || (s[1] == '.' && s[2] == ' '));
}

u16 fat_date(const DateTime& t) {
  const u32 year = std::clamp(t.year, 1980u, 2107u) - 1980;
  return static_cast<u16>(year << 9 | t.month << 5 | t.day);
}
u16 fat_time(const DateTime& t) {
  return static_cast<u16>(t.hour << 11 | t.minute << 5 | t.second / 2);
}

}  // namespace

bool FatDirectory::next(u32& at, Item& item) {
  LongName pieces;
  for (; at < slots(); ++at) {
    const u8* s = slot_at(at);
    if (s[0] == 0) return false;
    if (s[0] == kDeleted) {
      pieces.forget();
      continue;
    }
    const u8 attributes = s[slot::kAttributes];
    if ((attributes & 0x3f) == kLongName) {
      pieces.add(s);
      continue;
    }
    if ((attributes & kVolumeLabel) != 0 || is_dots(s)) {
      pieces.forget();
      continue;
    }
    item = Item{};
    item.long_name = pieces.take(s, item.name);
    if (!item.long_name) item.name = short_name_text(s);
    item.slot = at;
    item.first_slot = item.long_name ? at - pieces.slots() : at;
    item.attributes = attributes;
    item.first = get16(s + slot::kFirstLow);
    if (bits_ == 32) item.first |= static_cast<u32>(get16(s + slot::kFirstHigh)) << 16;
    item.bytes = get32(s + slot::kBytes);
    ++at;
    return true;
  }
  return false;
}

std::optional<FatDirectory::Item> FatDirectory::find(std::string_view name) {
  Item item;
  for (u32 at = 0; next(at, item);)
    if (same_name(item.name.view(), name) ||
        same_name(short_name_text(slot_at(item.slot)).view(), name))
      return item;
  return {};
}

bool FatDirectory::is_empty() {
  Item item;
  u32 at = 0;
  return !next(at, item);
}

bool FatDirectory::find_label(u8* eleven) {
  for (u32 i = 0; i < slots() && slot_at(i)[0] != 0; ++i) {
    const u8* s = slot_at(i);
    if (s[0] == kDeleted || (s[slot::kAttributes] & 0x3f) == kLongName) continue;
    if ((s[slot::kAttributes] & kVolumeLabel) == 0) continue;
    std::memcpy(eleven, s, 11);
    return true;
  }
  return false;
}

bool FatDirectory::has_short_name(const u8* eleven) {
  for (u32 i = 0; i < slots() && slot_at(i)[0] != 0; ++i)
    if (!is_free(slot_at(i)) && (slot_at(i)[slot::kAttributes] & 0x3f) != kLongName &&
        std::memcmp(slot_at(i), eleven, 11) == 0)
      return true;
  return false;
}

void FatDirectory::choose_short_name(std::string_view name, u8* eleven) {
  // A directory has fewer entries than there are hashes: one of them is free.
  for (u32 number = 0;; ++number)
    if (make_short_name(name, number, eleven) && !has_short_name(eleven)) return;
}

// `count` free slots in a row: the first such row inside of a sector, or else the first of all.
// Slots from the first zero on are free, all of them.
std::optional<u32> FatDirectory::find_room(u32 count, u32 sector_bytes) {
  const u32 per_sector = sector_bytes / kSlotBytes;
  std::optional<u32> any;
  bool ended = false;
  for (u32 i = 0, free = 0; i < slots(); ++i) {
    ended = ended || slot_at(i)[0] == 0;
    free = ended || slot_at(i)[0] == kDeleted ? free + 1 : 0;
    if (free < count) continue;
    const u32 first = i + 1 - count;
    if (first / per_sector == i / per_sector) return first;
    if (!any) any = first;
  }
  return any;
}

void FatDirectory::set_first(u8* s, u32 cluster) {
  put16(s + slot::kFirstLow, cluster);
  if (bits_ == 32) put16(s + slot::kFirstHigh, cluster >> 16);
}

void FatDirectory::write_slot(u8* s, const u8* eleven, const Facts& facts, bool fresh) {
  if (fresh) {
    std::memset(s, 0, kSlotBytes);
    std::memcpy(s, eleven, 11);
    s[slot::kAttributes] = facts.attributes;
    put16(s + slot::kCreated + 1, fat_time(facts.time));
    put16(s + slot::kCreated + 3, fat_date(facts.time));
  }
  put16(s + slot::kAccessDate, fat_date(facts.time));
  put16(s + slot::kWrittenTime, fat_time(facts.time));
  put16(s + slot::kWrittenDate, fat_date(facts.time));
  set_first(s, facts.first);
  put32(s + slot::kBytes, facts.bytes);
}

bool FatDirectory::put(std::string_view name, const Facts& facts, u32 sector_bytes) {
  if (auto there = find(name)) {
    write_slot(slot_at(there->slot), nullptr, facts, false);
    return true;
  }
  u8 eleven[11];
  choose_short_name(name, eleven);
  const std::vector<u8> pieces = long_name_slots(name, eleven);
  const u32 count = static_cast<u32>(pieces.size() / kSlotBytes) + 1;
  const auto room = find_room(count, sector_bytes);
  if (!room) return false;
  // What follows the first zero may be anything; where the end moves, it has to stay the end.
  u32 end = 0;
  while (end < slots() && slot_at(end)[0] != 0) ++end;
  for (u32 i = end; i < *room; ++i) slot_at(i)[0] = kDeleted;
  if (*room + count > end && *room + count < slots()) slot_at(*room + count)[0] = 0;
  std::copy(pieces.begin(), pieces.end(), slot_at(*room));
  write_slot(slot_at(*room + count - 1), eleven, facts, true);
  return true;
}

void FatDirectory::remove(const Item& item) {
  for (u32 i = item.first_slot; i <= item.slot; ++i) slot_at(i)[0] = kDeleted;
}

void FatDirectory::put_dots(u32 self, u32 parent, const DateTime& time) {
  u8 name[11];
  for (u32 i = 0; i < 2; ++i) {
    std::memset(name, ' ', sizeof name);
    std::memset(name, '.', i + 1);
    if (slot_at(i)[0] == 0)
      write_slot(slot_at(i), name, {.attributes = kDirectory, .first = 0, .bytes = 0, .time = time},
                 true);
    if (is_dots(slot_at(i))) set_first(slot_at(i), i == 0 ? self : parent);
  }
}

}  // namespace bf::fs
