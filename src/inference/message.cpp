#include "inference/message.h"

namespace inference {

namespace {

constexpr u64 kQuotedBytes = 64;
constexpr u32 kDigits = 20;

}  // namespace

bool operator==(Text a, Text b) {
  if (a.size != b.size) return false;
  for (u64 i = 0; i < a.size; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

bool starts_with(Text text, Text prefix) {
  return text.size >= prefix.size && Text(text.first(prefix.size)) == prefix;
}

void Message::add(char byte) {
  if (size_ < sizeof bytes_) bytes_[size_++] = byte;
}

Message& Message::operator<<(Text text) {
  for (char byte : text) add(byte);
  return *this;
}

Message& Message::operator<<(Quoted name) {
  add('\'');
  const u64 shown = min(name.text.size, kQuotedBytes);
  for (u64 i = 0; i < shown; ++i) {
    const char byte = name.text[i];
    add(byte >= ' ' && byte <= '~' ? byte : '?');
  }
  if (shown < name.text.size) *this << "...";
  add('\'');
  return *this;
}

Message& Message::operator<<(u64 number) {
  char digits[kDigits];
  u32 first = kDigits;
  do {
    digits[--first] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return *this << Text(digits + first, kDigits - first);
}

Message& Message::operator<<(i32 number) {
  if (number < 0) add('-');
  const i64 wide = number;
  return *this << static_cast<u64>(wide < 0 ? -wide : wide);
}

Message& Message::operator<<(Decimal number) {
  u64 scale = 1;
  for (u32 i = 0; i < number.decimals; ++i) scale *= 10;
  const double magnitude = number.value < 0 ? -number.value : number.value;
  if (number.value < 0) add('-');
  if (!(magnitude * static_cast<double>(scale) < 1e18)) return *this << "many";
  const u64 rounded = static_cast<u64>(magnitude * static_cast<double>(scale) + 0.5);
  *this << rounded / scale;
  if (number.decimals == 0) return *this;
  add('.');
  for (u64 digit = scale / 10; digit != 0; digit /= 10)
    add(static_cast<char>('0' + rounded / digit % 10));
  return *this;
}

}  // namespace inference
