// Keys to bytes: layouts, dead keys, modifiers.
#include <catch2/catch.hpp>
#include <initializer_list>
#include <random>
#include <set>
#include <string>

#include "arch/x86/keyboard/key_decoder.h"

using namespace bf;
using namespace bf::x86;

namespace {

constexpr u8 kShift = 0x2a, kControl = 0x1d, kAlt = 0x38, kCaps = 0x3a, kNum = 0x45;
constexpr u8 kE0 = 0xe0, kUp = 0x80;

std::string drain(KeyDecoder& keys) {
  std::string bytes;
  for (int byte = keys.next(); byte >= 0; byte = keys.next()) bytes += static_cast<char>(byte);
  return bytes;
}

std::string typed(const char* layout, std::initializer_list<int> codes) {
  KeyDecoder keys;
  REQUIRE(keys.set_layout(layout));
  std::string bytes;
  for (const int code : codes) {
    keys.take(static_cast<u8>(code));
    bytes += drain(keys);
  }
  return bytes;
}

// The rows of characters, in the order of keys.
constexpr u8 kKeys[] = {0x29, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d,
                        0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b,
                        0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x2b,
                        0x56, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x39};

// What all keys give, one after the other; a dead key is followed by a space.
std::string all_keys(const char* layout, std::initializer_list<int> held) {
  KeyDecoder keys;
  REQUIRE(keys.set_layout(layout));
  std::string bytes;
  for (const u8 code : kKeys) {
    for (const int h : held) keys.take(static_cast<u8>(h));
    keys.take(code);
    keys.take(code | kUp);
    std::string key = drain(keys);
    const u8 releases[] = {kShift | kUp, kE0, kAlt | kUp};
    for (const u8 release : releases) keys.take(release);
    if (key.empty()) {
      keys.take(0x39);  // ends a dead key
      key = drain(keys);
      if (key == " ") key = ".";
      else key = "<" + key + ">";
    }
    bytes += key;
  }
  return bytes;
}

}  // namespace

TEST_CASE("keyboard: all keys of all layouts") {
  CHECK(all_keys("us", {}) == "`1234567890-=qwertyuiop[]asdfghjkl;'\\\\zxcvbnm,./ ");
  CHECK(all_keys("us", {kShift}) == "~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"||ZXCVBNM<>? ");
  CHECK(all_keys("fr", {}) == "²&é\"'(-è_çà)=azertyuiop<^>$qsdfghjklmù*<wxcvbn,;:! ");
  CHECK(all_keys("fr", {kShift}) == ".1234567890°+AZERTYUIOP<¨>£QSDFGHJKLM%µ>WXCVBN?./§ ");
  CHECK(all_keys("fr", {kE0, kAlt}) == "..~#{[|`\\^@]}..€........¤........................");
  CHECK(all_keys("de", {}) == "<^>1234567890ß<´>qwertzuiopü+asdfghjklöä#<yxcvbnm,.- ");
  CHECK(all_keys("de", {kShift}) == "°!\"§$%&/()=?<`>QWERTZUIOPÜ*ASDFGHJKLÖÄ'>YXCVBNM;:_ ");
  CHECK(all_keys("de", {kE0, kAlt}) == "..²³...{[]}\\.@.€........~............|......µ....");
  KeyDecoder keys;
  CHECK_FALSE(keys.set_layout("xx"));
  CHECK_FALSE(keys.set_layout(""));
}

TEST_CASE("keyboard: dead keys") {
  CHECK(typed("fr", {0x1a, 0x12}) == "ê");
  CHECK(typed("fr", {kShift, 0x1a, kShift | kUp, 0x17}) == "ï");
  CHECK(typed("fr", {0x1a, 0x39}) == "^");
  CHECK(typed("fr", {0x1a, 0x1a}) == "^");
  CHECK(typed("fr", {0x1a, 0x2d}) == "^x");  // there is no such letter
  CHECK(typed("fr", {0x1a, kShift, 0x1a, kShift | kUp, 0x12}) == "^¨e");
  CHECK(typed("de", {0x0d, 0x12, kShift, 0x0d, 0x1e}) == "éÀ");
}

TEST_CASE("keyboard: Caps Lock is for letters") {
  CHECK(typed("us", {kCaps, kCaps | kUp, 0x10, 0x02, kShift, 0x10, 0x02, kShift | kUp, kCaps, 0x10}) == "Q1q!q");
  CHECK(typed("fr", {kCaps, 0x10, 0x03, 0x02, kShift, 0x03}) == "A\u00c9&2");
  CHECK(typed("de", {kCaps, 0x1a, 0x0c}) == "Üß");
  // Held down, it says so again and again.
  CHECK(typed("us", {kCaps, kCaps, kCaps, kCaps, kCaps | kUp, 0x10, kCaps, kCaps, kCaps | kUp, 0x10}) == "Qq");
}

TEST_CASE("keyboard: Control follows the layout's letters") {
  CHECK(typed("us", {kControl, 0x2e, 0x1a, 0x39 | kUp}) == "\x03\x1b");
  CHECK(typed("fr", {kControl, 0x10, 0x27, kControl | kUp, 0x10}) == "\x01\x0d" "a");
  CHECK(typed("de", {kE0, kControl, 0x2c, kE0, kControl | kUp}) == "\x19");
  CHECK(typed("us", {kControl, 0x02}) == "");
  CHECK(typed("us", {kControl, 0x39}) == std::string(1, '\0'));
  CHECK(typed("us", {kControl, 0x0e}) == "\x17");
}

TEST_CASE("keyboard: keys that are no characters") {
  CHECK(typed("us", {kE0, 0x48, kE0, 0xc8, kE0, 0x53, kE0, 0x47}) == "\x1b[A\x1b[3~\x1b[H");
  CHECK(typed("us", {kControl, kE0, 0x4d, kE0, 0xcd, kControl | kUp, kE0, 0x4d}) == "\x1b[1;5C\x1b[C");
  CHECK(typed("us", {kShift, kAlt, kE0, 0x51}) == "\x1b[6;4~");
  CHECK(typed("us", {0x3b, 0x3f, 0x58}) == "\x1b[P\x1b[15~\x1b[24~");
  CHECK(typed("us", {0x4b, kNum, kNum | kUp, 0x4b, 0x52, 0x53, 0x37, 0x4a}) == "\x1b[D40.*-");
  CHECK(typed("us", {0x1c, kE0, 0x1c, kE0, 0x35, 0x01, 0x0f, 0x0e}) == "\r\r/\x1b\t\x7f");
  CHECK(typed("us", {kAlt, 0x30, kAlt | kUp, 0x30}) == "\x1b" "bb");
  CHECK(typed("us", {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x10}) == "q");         // Pause
  CHECK(typed("us", {kE0, 0x2a, kE0, 0x53, kE0, 0xd3, kE0, 0xaa, 0x10}) == "\x1b[3~q");  // with Num Lock on
}

TEST_CASE("keyboard: any codes are taken, and no more is kept than there is room for") {
  std::mt19937 random(5);
  for (const char* layout : {"us", "fr", "de"}) {
    KeyDecoder keys;
    REQUIRE(keys.set_layout(layout));
    for (int i = 0; i < 100'000; ++i) {
      keys.take(static_cast<u8>(random()));
      if (random() % 50 == 0) CHECK(drain(keys).size() <= 32);
    }
  }
}
