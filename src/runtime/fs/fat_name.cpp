#include "runtime/fs/fat_name.h"

#include <algorithm>
#include <cstring>

#include "runtime/fs/block_device.h"
#include "runtime/fs/unicode.h"

namespace bf::fs {

namespace {

constexpr u8 kUnitOffsets[kUnitsPerSlot] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
constexpr u8 kLastPiece = 0x40, kPieceNumber = 0x1f;
constexpr u8 kSmallBase = 0x08, kSmallExtension = 0x10;  // of the case byte (Windows NT)

void append_short(Text& to, const u8* bytes, u32 most, bool small) {
  u32 length = most;
  while (length > 0 && bytes[length - 1] == ' ') --length;
  for (u32 i = 0; i < length; ++i) {
    char c = bytes[i] < 0x20 || bytes[i] >= 0x7f ? '_' : static_cast<char>(bytes[i]);
    if (small && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    to.append({&c, 1});
  }
}

bool allowed_in_short(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != 0 && std::strchr("!#$%&'()-@^_`{}~", c));
}

// A character of a long name in a short one, 0 where it is left out.
char to_short(char c) {
  if (c == ' ' || c == '.') return 0;
  if (c >= 'a' && c <= 'z') return static_cast<char>(c - 32);
  return allowed_in_short(c) ? c : '_';
}

u32 put_short(std::string_view text, u8* to, u32 most) {
  u32 length = 0;
  for (char c : text) {
    if (static_cast<u8>(c) >> 6 == 2)
      continue;  // of one character beyond ASCII, one byte is enough
    const char s = to_short(c);
    if (s != 0 && length < most) to[length++] = static_cast<u8>(s);
  }
  return length;
}

// Whether eleven bytes can hold the name as it is.
bool exact_short_name(std::string_view name, u8* eleven) {
  const usize dot = name.find('.');
  const std::string_view base = name.substr(0, dot);
  const std::string_view extension = dot == name.npos ? std::string_view() : name.substr(dot + 1);
  if (base.empty() || base.size() > 8 || extension.size() > 3 ||
      (dot != name.npos && extension.empty()))
    return false;
  if (!std::all_of(base.begin(), base.end(), allowed_in_short) ||
      !std::all_of(extension.begin(), extension.end(), allowed_in_short))
    return false;
  std::memset(eleven, ' ', 11);
  std::copy(base.begin(), base.end(), eleven);
  std::copy(extension.begin(), extension.end(), eleven + 8);
  return true;
}

u32 hash(std::string_view name, u32 number) {  // FNV-1a
  u32 h = 2166136261u ^ number;
  for (char c : name) h = (h ^ static_cast<u8>(c)) * 16777619u;
  return h ^ h >> 16;
}

}  // namespace

Text short_name_text(const u8* s) {
  u8 base[8];
  std::memcpy(base, s, 8);
  if (base[0] == 0x05) base[0] = kDeleted;  // a first byte that would look deleted is written as 5
  Text text;
  append_short(text, base, 8, (s[slot::kCase] & kSmallBase) != 0);
  if (s[8] == ' ' && s[9] == ' ' && s[10] == ' ') return text;
  text.append(".");
  append_short(text, s + 8, 3, (s[slot::kCase] & kSmallExtension) != 0);
  return text;
}

u8 short_name_checksum(const u8* eleven) {
  u8 sum = 0;
  for (u32 i = 0; i < 11; ++i) sum = static_cast<u8>((sum << 7 | sum >> 1) + eleven[i]);
  return sum;
}

void LongName::add(const u8* s) {
  const u32 piece = s[0] & kPieceNumber;
  if ((s[0] & kLastPiece) != 0) {
    expected_ = piece <= 20 ? piece : 0;
    slots_ = 0;
    checksum_ = s[slot::kChecksum];
    std::memset(units_, 0xff, sizeof units_);
  }
  complete_ = false;
  if (piece == 0 || piece != expected_ || s[slot::kChecksum] != checksum_) return forget();
  for (u32 i = 0; i < kUnitsPerSlot; ++i)
    units_[(piece - 1) * kUnitsPerSlot + i] = get16(s + kUnitOffsets[i]);
  ++slots_;
  complete_ = --expected_ == 0;
}

bool LongName::take(const u8* s, Text& name) {
  const bool fits = complete_ && checksum_ == short_name_checksum(s);
  forget();
  if (!fits) return false;
  u32 length = 0;
  while (length < slots_ * kUnitsPerSlot && units_[length] != 0 && units_[length] != 0xffff)
    ++length;
  if (length == 0 || std::any_of(units_, units_ + length, is_control)) return false;  // no name of FAT's
  append_utf16(name, {units_, length});
  return true;
}

const char* name_problem(std::string_view name) {
  std::vector<u16> units;
  if (name.empty() || name == "." || name == "..")
    return "it is empty or one of the names of directories";
  if (!to_utf16(name, units)) return "it is not UTF-8";
  if (units.size() > kMaxLongUnits) return "it is longer than 255 characters";
  if (name.back() == '.' || name.back() == ' ') return "it ends with a dot or a space";
  for (char c : name)
    if (is_control(static_cast<u8>(c)) || std::strchr("\"*/:<>?\\|", c))
      return "it has characters that FAT does not allow";
  return nullptr;
}

std::vector<u8> long_name_slots(std::string_view name, const u8* eleven) {
  u8 exact[11];
  if (exact_short_name(name, exact) && std::memcmp(exact, eleven, sizeof exact) == 0) return {};
  std::vector<u16> units;
  const bool good = to_utf16(name, units);
  BF_ASSERT(good && units.size() <= kMaxLongUnits);
  const u32 pieces = static_cast<u32>((units.size() + kUnitsPerSlot - 1) / kUnitsPerSlot);
  if (units.size() < usize{pieces} * kUnitsPerSlot) units.push_back(0);
  while (units.size() < usize{pieces} * kUnitsPerSlot) units.push_back(0xffff);
  std::vector<u8> slots(usize{pieces} * kSlotBytes);
  for (u32 piece = pieces; piece > 0; --piece) {
    u8* s = slots.data() + (pieces - piece) * kSlotBytes;
    s[0] = static_cast<u8>(piece | (piece == pieces ? kLastPiece : 0));
    s[slot::kAttributes] = kLongName;
    s[slot::kChecksum] = short_name_checksum(eleven);
    for (u32 i = 0; i < kUnitsPerSlot; ++i)
      put16(s + kUnitOffsets[i], units[(piece - 1) * kUnitsPerSlot + i]);
  }
  return slots;
}

bool make_short_name(std::string_view name, u32 number, u8* eleven) {
  if (number == 0) return exact_short_name(name, eleven);
  const usize dot = name.rfind('.');
  const bool extended = dot != name.npos && dot != 0;
  u8 base[8], extension[3], tail[8];
  u32 base_length =
      put_short(name.substr(0, extended ? dot : name.size()), base, number < 10 ? 6 : 2);
  const u32 extension_length = extended ? put_short(name.substr(dot + 1), extension, 3) : 0;
  u32 tail_length = 0;
  if (number >= 10 || base_length == 0) {
    const u32 h = hash(name, number);
    for (int shift = 12; shift >= 0; shift -= 4)
      tail[tail_length++] = static_cast<u8>("0123456789ABCDEF"[h >> shift & 15]);
    base_length = std::min(base_length, 2u);
  }
  tail[tail_length++] = '~';
  tail[tail_length++] = static_cast<u8>('1' + (number < 10 ? number - 1 : number % 9));
  std::memset(eleven, ' ', 11);
  std::memcpy(eleven, base, base_length);
  std::memcpy(eleven + base_length, tail, tail_length);
  std::memcpy(eleven + 8, extension, extension_length);
  return true;
}

}  // namespace bf::fs
