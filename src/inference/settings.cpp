#include "inference/settings.h"

namespace inference {

namespace {

constexpr double kHighestTemperature = 100.0;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Walks the lines of the options blob.
class Options {
 public:
  Options(Text text, Error& error) : text_(text), error_(error) {}

  // The value in the last line of `key`.
  bool find(Text key, Text& value) const {
    bool found = false;
    for (u64 at = 0; at < text_.size;) {
      u64 end = at;
      while (end < text_.size && text_[end] != '\n') ++end;
      const Text line(text_.data + at, end - at);
      if (starts_with(line, key) && line.size > key.size && line[key.size] == '=') {
        value = line.from(key.size + 1);
        found = true;
      }
      at = end + 1;
    }
    return found;
  }

  // `value` stays as it is where the key is absent.
  bool integer(Text key, u64& value) const {
    Text text;
    if (!find(key, text)) return false;
    if (parse_integer(text, value)) return true;
    refuse(key, text, "give a whole number, 0 or more");
    return false;
  }

  void decimal(Text key, float& value, double least, double most, Text advice) const {
    Text text;
    if (!find(key, text)) return;
    double number;
    if (parse_decimal(text, number) && number >= least && number <= most)
      value = static_cast<float>(number);
    else
      refuse(key, text, advice);
  }

  void flag(Text key, bool& value) const {
    Text text;
    if (!find(key, text)) return;
    if (text == Text("0") || text == Text("1"))
      value = text[0] == '1';
    else
      refuse(key, text, "give 0 or 1");
  }

 private:
  void refuse(Text key, Text value, Text advice) const {
    if (error_.empty()) error_ << key << "=" << Quoted(value) << ": " << advice;
  }

  Text text_;
  Error& error_;
};

}  // namespace

bool parse_integer(Text text, u64& value) {
  u64 number = 0;
  for (char c : text) {
    if (!is_digit(c)) return false;
    const u64 digit = static_cast<u64>(c - '0');
    if (number > (UINT64_MAX - digit) / 10) return false;
    number = number * 10 + digit;
  }
  if (text.empty()) return false;
  value = number;
  return true;
}

bool parse_decimal(Text text, double& value) {
  constexpr i32 kMostExponent = 300;
  u64 at = 0;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) ++at;
  double number = 0.0;
  i32 exponent = 0;
  u32 digits = 0;
  bool point = false;
  for (; at < text.size && (is_digit(text[at]) || (text[at] == '.' && !point)); ++at) {
    if (text[at] == '.') {
      point = true;
      continue;
    }
    number = number * 10.0 + (text[at] - '0');
    exponent -= point ? 1 : 0;
    ++digits;
  }
  if (digits == 0 || digits > static_cast<u32>(kMostExponent)) return false;
  if (at < text.size && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    const bool down = at < text.size && text[at] == '-';
    if (at < text.size && (text[at] == '-' || text[at] == '+')) ++at;
    u64 power;
    if (!parse_integer(text.from(at), power) || power > static_cast<u64>(kMostExponent))
      return false;
    exponent += down ? -static_cast<i32>(power) : static_cast<i32>(power);
    at = text.size;
  }
  if (at != text.size) return false;
  for (; exponent > 0; --exponent) number *= 10.0;
  double divisor = 1.0;
  for (; exponent < 0; ++exponent) divisor *= 10.0;
  value = (negative ? -number : number) / divisor;
  return true;
}

bool Settings::read(Text text, Error& error) {
  const Options options(text, error);
  options.integer("tokens", tokens);
  options.integer("context", context);
  options.decimal("temp", sampler.temperature, 0.0, kHighestTemperature,
                  "give a number from 0 to 100");
  options.decimal("top-p", sampler.top_p, 0.0, 1.0, "give a number from 0 to 1");
  has_seed = options.integer("seed", sampler.seed);
  options.flag("interactive", interactive);
  options.flag("special", special);
  options.flag("bos", begin);
  return error.empty();
}

}  // namespace inference
