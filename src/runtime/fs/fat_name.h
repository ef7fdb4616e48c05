// Names in FAT directories: eleven bytes of the old kind, and long ones in entries before them.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/base.h"
#include "runtime/text.h"

namespace bf::fs {

inline constexpr u32 kSlotBytes = 32;     // of a directory entry
inline constexpr u32 kUnitsPerSlot = 13;  // UTF-16 units of a long name in one slot
inline constexpr u32 kMaxLongUnits = 255;
inline constexpr u8 kDeleted = 0xe5;

// Attributes.
inline constexpr u8 kReadOnly = 0x01, kVolumeLabel = 0x08, kDirectory = 0x10, kArchive = 0x20,
                    kLongName = 0x0f;

// Offsets in a slot with a short name.
namespace slot {
inline constexpr u32 kAttributes = 11, kCase = 12, kCreated = 13, kAccessDate = 18, kFirstHigh = 20,
                     kWrittenTime = 22, kWrittenDate = 24, kFirstLow = 26, kBytes = 28;
inline constexpr u32 kChecksum = 13;  // of a slot with a piece of a long name
}  // namespace slot

// "README  TXT" as "README.TXT", in small letters where the case byte says so. Bytes beyond ASCII
// are of a code page that the volume does not name: '_'.
Text short_name_text(const u8* slot);

// The checksum of eleven bytes that ties the pieces of a long name to them.
u8 short_name_checksum(const u8* eleven);

// Reads pieces of a long name as they come, last piece first.
class LongName {
 public:
  // A slot with a piece.
  void add(const u8* slot);
  // The name that belongs to this slot with a short name, if the pieces before it were whole.
  // Forgets them in any case.
  bool take(const u8* slot, Text& name);
  void forget() {
    expected_ = 0;
    complete_ = false;
  }
  // How many slots the pieces take so far.
  u32 slots() const { return slots_; }

 private:
  u16 units_[20 * kUnitsPerSlot];
  u32 slots_ = 0;
  u32 expected_ = 0;  // the piece that has to come next; 0: none
  bool complete_ = false;
  u8 checksum_ = 0;
};

// Why a name cannot be written, or null: too long, not UTF-8, characters that FAT does not have.
const char* name_problem(std::string_view name);

// The slots of a new name: `eleven` is its short name. Empty where the short name says it all.
std::vector<u8> long_name_slots(std::string_view name, const u8* eleven);

// A short name made from a long one: number 0 is the name itself where that is possible (false if
// not), 1 to 9 give "LONGNA~1.TXT", higher ones mix a hash in.
bool make_short_name(std::string_view name, u32 number, u8* eleven);

}  // namespace bf::fs
