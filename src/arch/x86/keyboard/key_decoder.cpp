#include "arch/x86/keyboard/key_decoder.h"

#include "arch/x86/screen/font.h"

namespace bf::x86 {

namespace {

constexpr char16_t kGrave = 0x300, kAcute = 0x301, kCircumflex = 0x302, kTilde = 0x303,
                   kDiaeresis = 0x308;

struct Key {
  u8 code;
  char16_t characters[4];  // bit 0 of the index: shifted; bit 1: with AltGr
};

#define BF_KEY(code, plain, shifted, alt_gr, alt_gr_shifted) \
  {code, {plain, shifted, alt_gr, alt_gr_shifted}},
constexpr Key kUs[] = {
#include "arch/x86/keyboard/us.def"
};
constexpr Key kFr[] = {
#include "arch/x86/keyboard/fr.def"
};
constexpr Key kDe[] = {
#include "arch/x86/keyboard/de.def"
};
#undef BF_KEY

struct Layout {
  std::string_view name;
  const Key* first;
  const Key* last;
};
constexpr Layout kLayouts[] = {{"us", kUs, kUs + sizeof kUs / sizeof(Key)},
                               {"fr", kFr, kFr + sizeof kFr / sizeof(Key)},
                               {"de", kDe, kDe + sizeof kDe / sizeof(Key)}};

constexpr std::string_view kNames[] = {
#define BF_LAYOUT(name, text) #name,
#include "arch/x86/keyboard/layouts.def"
#undef BF_LAYOUT
};
constexpr bool all_there() {
  for (usize i = 0; i < sizeof kNames / sizeof kNames[0]; ++i)
    if (kNames[i] != kLayouts[i].name) return false;
  return sizeof kNames / sizeof kNames[0] == sizeof kLayouts / sizeof kLayouts[0];
}
static_assert(all_there(), "layouts.def and the tables here are the same");

struct NamedKey {
  u8 code;
  bool extended;
  char final;
  u8 number;
};
constexpr NamedKey kNamedKeys[] = {
#define BF_NAMED_KEY(code, extended, final, number) {code, extended, final, number},
#include "arch/x86/keyboard/named_keys.def"
#undef BF_NAMED_KEY
};

// Accents by themselves.
struct Accent {
  char16_t mark, alone;
};
constexpr Accent kAccents[] = {
    {kGrave, u'`'}, {kAcute, u'´'}, {kCircumflex, u'^'}, {kTilde, u'~'}, {kDiaeresis, u'¨'}};

u32 alone(u32 mark) {
  for (const Accent& a : kAccents)
    if (a.mark == mark) return a.alone;
  return 0;
}

// Of the letters on keyboards; others are themselves.
u32 upper_case(u32 c) {
  const bool ascii = c >= 'a' && c <= 'z', latin = c >= 0xe0 && c <= 0xfe && c != 0xf7;
  return ascii || latin ? c - 0x20 : c;
}

constexpr u8 kPrefix = 0xe0, kLongPrefix = 0xe1, kReleased = 0x80;
enum Code : u8 {
  kEscapeKey = 0x01,
  kBackspaceKey = 0x0e,
  kTabKey = 0x0f,
  kEnterKey = 0x1c,
  kControlKey = 0x1d,
  kLeftShiftKey = 0x2a,
  kSlashKey = 0x35,  // extended: of the number pad
  kRightShiftKey = 0x36,
  kAltKey = 0x38,  // extended: AltGr
  kCapsLockKey = 0x3a,
  kNumLockKey = 0x45,
};

}  // namespace

const char kLayoutNames[] =
#define BF_LAYOUT(name, text) " " #name
#include "arch/x86/keyboard/layouts.def"
#undef BF_LAYOUT
    ;

bool KeyDecoder::set_layout(std::string_view name) {
  for (u32 i = 0; i < sizeof kLayouts / sizeof kLayouts[0]; ++i) {
    if (kLayouts[i].name != name) continue;
    layout_ = i;
    return true;
  }
  return false;
}

void KeyDecoder::take(u8 byte) {
  if (to_skip_ > 0) {
    --to_skip_;
    return;
  }
  if (byte == kLongPrefix) {
    to_skip_ = 2;  // Pause; nothing else begins so
    return;
  }
  if (byte == kPrefix) {
    extended_ = true;
    return;
  }
  const bool extended = extended_, pressed = (byte & kReleased) == 0;
  extended_ = false;
  const u8 code = byte & (kReleased - 1);
  if (take_modifier(code, extended, pressed) || !pressed) return;
  if (take_named(code, extended) || (!extended && take_number_pad(code))) return;
  if (code == kEnterKey) return put('\r');
  if (extended) return code == kSlashKey ? put('/') : void();
  if (code == kEscapeKey) return put('\x1b');
  if (code == kTabKey) return put(left_shift_ || right_shift_ ? "\x1b[Z" : "\t");
  if (code == kBackspaceKey) return put(alt_ ? "\x1b\x7f" : left_control_ || right_control_ ? "\x17" : "\x7f");
  take_character(code);
}

bool KeyDecoder::take_modifier(u8 code, bool extended, bool pressed) {
  switch (code) {
    case kLeftShiftKey:  // extended, it comes with other keys and means nothing
      left_shift_ = extended ? left_shift_ : pressed;
      return true;
    case kRightShiftKey:
      right_shift_ = extended ? right_shift_ : pressed;
      return true;
    case kControlKey:
      (extended ? right_control_ : left_control_) = pressed;
      return true;
    case kAltKey:
      (extended ? alt_gr_ : alt_) = pressed;
      return true;
    case kCapsLockKey:
      caps_lock_ = caps_lock_ != (pressed && !caps_held_);  // a key that is held says so again and again
      caps_held_ = pressed;
      return true;
    case kNumLockKey:
      num_lock_ = num_lock_ != (pressed && !num_held_);
      num_held_ = pressed;
      return true;
    default:
      return false;
  }
}

bool KeyDecoder::take_named(u8 code, bool extended) {
  for (const NamedKey& key : kNamedKeys) {
    const bool on_pad = key.extended && !extended;
    if (key.code != code || (extended && !key.extended) || (on_pad && num_lock_)) continue;
    const u32 modifiers = 1 + (left_shift_ || right_shift_ ? 1 : 0) + (alt_ ? 2 : 0) +
                          (left_control_ || right_control_ ? 4 : 0);
    put("\x1b[");
    if (key.number != 1 || modifiers != 1) put_number(key.number);
    if (modifiers != 1) {
      put(';');
      put_number(modifiers);
    }
    put(key.final);
    return true;
  }
  return false;
}

// Digits while Num Lock is on, and the signs that are always there.
bool KeyDecoder::take_number_pad(u8 code) {
  constexpr u8 kFirst = 0x47;
  constexpr char kPad[] = "789-456+1230.";
  if (code == 0x37) return put('*'), true;
  if (code < kFirst || code >= kFirst + sizeof kPad - 1) return false;
  put(kPad[code - kFirst]);
  return true;
}

void KeyDecoder::take_character(u8 code) {
  const Layout& layout = kLayouts[layout_];
  const Key* key = layout.first;
  while (key != layout.last && key->code != code) ++key;
  if (key == layout.last) return;
  const bool shift = left_shift_ || right_shift_;
  if (left_control_ || right_control_) return put_control(key->characters[0], key->characters[1]);
  u32 character = key->characters[(alt_gr_ ? 2 : 0) + (shift ? 1 : 0)];
  // Caps Lock is the shift key of letters, and makes letters great that have no place above them.
  if (caps_lock_ && !alt_gr_) {
    const u32 great = upper_case(key->characters[0]);
    if (great == key->characters[1] && great != key->characters[0])
      character = key->characters[shift ? 0 : 1];
    else if (!shift)
      character = great;
  }
  if (character == 0) return;
  if (alt_) put('\x1b');
  put_character(character);
}

// Control takes a letter, or one of the signs around them, to the control characters.
void KeyDecoder::put_control(u32 plain, u32 shifted) {
  if (plain == ' ') return put('\0');
  if (plain == '/') return put('\x1f');
  for (const u32 c : {upper_case(plain), shifted})
    if (c >= '@' && c <= '_') return put(static_cast<char>(c & 0x1f));
}

void KeyDecoder::put_character(u32 character) {
  const u32 waiting = dead_;
  dead_ = 0;
  const u32 accent = alone(character);
  if (waiting == 0) {
    if (accent == 0) return put_utf8(character);
    dead_ = character;
    return;
  }
  if (accent != 0) {  // twice: the accent itself; another one: both
    put_utf8(alone(waiting));
    return waiting == character ? void() : put_utf8(accent);
  }
  if (const u32 both = composed(character, waiting)) return put_utf8(both);
  put_utf8(alone(waiting));
  if (character != ' ') put_utf8(character);
}

void KeyDecoder::put_utf8(u32 c) {
  if (c < 0x80) return put(static_cast<char>(c));
  if (c < 0x800) {
    put(static_cast<char>(0xc0 | c >> 6));
  } else {
    put(static_cast<char>(0xe0 | c >> 12));
    put(static_cast<char>(0x80 | (c >> 6 & 0x3f)));
  }
  put(static_cast<char>(0x80 | (c & 0x3f)));
}

void KeyDecoder::put_number(u32 number) {
  if (number >= 10) put(static_cast<char>('0' + number / 10));
  put(static_cast<char>('0' + number % 10));
}

void KeyDecoder::put(const char* bytes) {
  while (*bytes != 0) put(*bytes++);
}

void KeyDecoder::put(char byte) {
  if (count_ < kRoom) bytes_[(first_ + count_++) % kRoom] = byte;
}

int KeyDecoder::next() {
  if (count_ == 0) return -1;
  const char byte = bytes_[first_];
  first_ = (first_ + 1) % kRoom;
  --count_;
  return static_cast<u8>(byte);
}

}  // namespace bf::x86
