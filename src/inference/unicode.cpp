#include "inference/unicode.h"

#include "inference/utf8.h"

namespace inference {

namespace {

using enum CharacterClass;

struct Range {
  u32 first;
  u32 last;
  CharacterClass kind;
};

constexpr Range kRanges[] = {
#define RANGE(first, last, kind) {first, last, kind},
#include "inference/unicode_ranges.def"
#undef RANGE
};
constexpr u64 kRangeCount = sizeof kRanges / sizeof kRanges[0];

constexpr u32 kReplacement = 0xfffd;
constexpr u32 kLast = 0x10ffff;

bool is_space(u32 code) {
  if (code < 0x80) return code == ' ' || (code >= '\t' && code <= '\r');
  return code == 0x85 || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) ||
         code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

CharacterClass class_of_ascii(u32 code) {
  const u32 lower = code | 0x20;
  if (lower >= 'a' && lower <= 'z') return Letter;
  if (code >= '0' && code <= '9') return Number;
  if (is_space(code)) return Space;
  if (code <= ' ' || code == 0x7f) return Other;
  // What is left is punctuation, but for the symbols of ASCII.
  for (char symbol : Text("$+<=>^`|~"))
    if (code == static_cast<u32>(symbol)) return Other;
  return Punctuation;
}

CharacterClass class_of_range(u32 code) {
  u64 first = 0, end = kRangeCount;
  while (first < end) {
    const u64 middle = first + (end - first) / 2;
    if (kRanges[middle].last < code)
      first = middle + 1;
    else
      end = middle;
  }
  return first < kRangeCount && kRanges[first].first <= code ? kRanges[first].kind : Other;
}

// The character that `text`, not empty, starts with; of no bytes where it starts with none.
Character decode(Text text) {
  const u32 lead = static_cast<u8>(text[0]);
  if (lead < 0x80) return {lead, 1, End};
  if (lead < 0xc0 || lead >= 0xf8) return {};
  const u32 bytes = static_cast<u32>(utf8_length(text[0]));
  if (bytes > text.size) return {};
  u32 code = lead & (0x7fu >> bytes);
  for (u32 i = 1; i < bytes; ++i) {
    if (!utf8_continues(text[i])) return {};
    code = code << 6 | (static_cast<u8>(text[i]) & 0x3fu);
  }
  return code > kLast ? Character{} : Character{code, bytes, End};
}

}  // namespace

CharacterClass class_of(u32 code) {
  if (code < 0x80) return class_of_ascii(code);
  return is_space(code) ? Space : class_of_range(code);
}

Character character_at(Text text, u64 at) {
  if (at >= text.size) return {};
  Character found = decode(text.from(at));
  if (found.bytes == 0) found = {kReplacement, 1, End};  // not as promised: go on nevertheless
  found.kind = class_of(found.code);
  return found;
}

bool append_utf8(u32 code, List<char>& to) {
  if (code < 0x80) return to.add(static_cast<char>(code));
  const u32 more = code < 0x800 ? 1 : (code < 0x10000 ? 2 : 3);
  const u32 mark = 0xf80u >> more;  // as many ones as bytes
  bool added = to.add(static_cast<char>(mark | code >> 6 * more));
  for (u32 left = more; left > 0; --left)
    added = added && to.add(static_cast<char>(0x80 | (code >> 6 * (left - 1) & 0x3f)));
  return added;
}

bool repair_utf8(Text text, List<char>& to) {
  for (u64 at = 0; at < text.size;) {
    const Character found = decode(text.from(at));
    if (!append_utf8(found.bytes == 0 ? kReplacement : found.code, to)) return false;
    at += max<u32>(found.bytes, 1);
  }
  return true;
}

}  // namespace inference
