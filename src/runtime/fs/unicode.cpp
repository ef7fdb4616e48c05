#include "runtime/fs/unicode.h"

namespace bf::fs {

namespace {

void append_code_point(Text& to, u32 c) {
  char bytes[4];
  usize n = 0;
  if (c < 0x80) {
    bytes[n++] = static_cast<char>(c);
  } else {
    const u32 more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static constexpr u8 kLead[] = {0, 0xc0, 0xe0, 0xf0};
    bytes[n++] = static_cast<char>(kLead[more] | c >> (6 * more));
    for (u32 i = more; i-- > 0;) bytes[n++] = static_cast<char>(0x80 | (c >> (6 * i) & 0x3f));
  }
  to.append({bytes, n});
}

// Takes a code point off the front of a text; false, with nothing taken, if it is malformed.
bool next_code_point(std::string_view& text, u32& c) {
  const u8 lead = static_cast<u8>(text[0]);
  const usize length = lead < 0x80       ? 1
                       : lead >> 5 == 6  ? 2
                       : lead >> 4 == 14 ? 3
                       : lead >> 3 == 30 ? 4
                                         : 0;
  if (length == 0 || length > text.size()) return false;
  c = length == 1 ? lead : lead & (0x7f >> length);
  for (usize i = 1; i < length; ++i) {
    const u8 byte = static_cast<u8>(text[i]);
    if (byte >> 6 != 2) return false;
    c = c << 6 | (byte & 0x3f);
  }
  static constexpr u32 kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (c < kLeast[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return false;
  text.remove_prefix(length);
  return true;
}

// The small letter of a capital one, by the regular stretches of the Unicode case table.
u32 fold(u32 c) {
  if (c - 'A' < 26 || (c >= 0xc0 && c <= 0xde && c != 0xd7)) return c + 32;
  // Latin Extended-A: pairs, the capital letter first, but for a few.
  if ((c >= 0x100 && c < 0x130) || (c >= 0x132 && c < 0x138) || (c >= 0x14a && c < 0x178))
    return c | 1;
  if ((c >= 0x139 && c < 0x149) || (c >= 0x179 && c < 0x17f)) return c + (c & 1);
  if ((c >= 0x391 && c <= 0x3a9 && c != 0x3a2) || (c >= 0x410 && c <= 0x42f)) return c + 32;
  return c >= 0x400 && c <= 0x40f ? c + 80 : c;
}

}  // namespace

void append_utf16(Text& to, std::span<const u16> units) {
  for (usize i = 0; i < units.size(); ++i) {
    u32 c = units[i];
    if (c >= 0xd800 && c < 0xdc00 && i + 1 < units.size() && units[i + 1] >> 10 == 0x37) {
      c = 0x10000 + ((c & 0x3ff) << 10) + (units[++i] & 0x3ff);
    } else if (c >= 0xd800 && c < 0xe000) {
      c = 0xfffd;
    }
    append_code_point(to, c);
  }
}

bool to_utf16(std::string_view text, std::vector<u16>& units) {
  while (!text.empty()) {
    u32 c;
    if (!next_code_point(text, c)) return false;
    if (c >= 0x10000) units.push_back(static_cast<u16>(0xd7c0 + (c >> 10)));
    units.push_back(static_cast<u16>(c >= 0x10000 ? 0xdc00 + (c & 0x3ff) : c));
  }
  return true;
}

bool same_name(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    u32 x, y;
    if (!next_code_point(a, x) || !next_code_point(b, y)) return a == b;
    if (fold(x) != fold(y)) return false;
  }
  return a.empty() && b.empty();
}

}  // namespace bf::fs
