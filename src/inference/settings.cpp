#include "inference/settings.h"

namespace inference {

namespace {

constexpr double kHighestTemperature = 100.0;
constexpr double kGreatestBias = 1e6;
constexpr Text kChance = "give a number from 0 to 1";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Walks the lines of the options blob.
class Options {
 public:
  Options(Text text, Error& error) : text_(text), error_(error) {}

  // Calls `use(value)` for each line of `key`.
  template <class Use>
  void each(Text key, Use use) const {
    for (u64 at = 0; at < text_.size;) {
      u64 end = at;
      while (end < text_.size && text_[end] != '\n') ++end;
      const Text line(text_.data + at, end - at);
      if (starts_with(line, key) && line.size > key.size && line[key.size] == '=')
        use(Text(line.from(key.size + 1)));
      at = end + 1;
    }
  }

  // The value in the last line of `key`.
  bool find(Text key, Text& value) const {
    bool found = false;
    each(key, [&](Text text) {
      value = text;
      found = true;
    });
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

  void integer(Text key, u64& value, u64 least, u64 most, Text advice) const {
    Text text;
    if (!find(key, text)) return;
    if (!parse_integer(text, value) || value < least || value > most) refuse(key, text, advice);
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

  // A text of several lines: \n, \r and \\ stand for line ends and a backslash.
  void text(Text key, List<char>& value) const {
    Text escaped;
    if (find(key, escaped)) append(key, escaped, value);
  }

  // All lines of `key`, with a zero byte between.
  void texts(Text key, List<char>& value) const {
    each(key, [&](Text escaped) {
      if (value.empty() || value.add('\0')) append(key, escaped, value);
    });
  }

  void append(Text key, Text escaped, List<char>& value) const {
    bool fits = true;
    for (u64 at = 0; at < escaped.size; ++at) {
      const char next = at + 1 < escaped.size ? escaped[at + 1] : '\0';
      const bool pair = escaped[at] == '\\' && (next == 'n' || next == 'r' || next == '\\');
      const char meant = next == 'n' ? '\n' : (next == 'r' ? '\r' : '\\');
      fits = fits && value.add(pair ? meant : escaped[at]);
      at += pair ? 1 : 0;
    }
    if (!fits && error_.empty()) error_ << key << ": not enough memory for so long a text";
  }

  void flag(Text key, bool& value) const {
    Text text;
    if (!find(key, text)) return;
    if (text == Text("0") || text == Text("1"))
      value = text[0] == '1';
    else
      refuse(key, text, "give 0 or 1");
  }

  void refuse(Text key, Text value, Text advice) const {
    if (error_.empty()) error_ << key << "=" << Quoted(value) << ": " << advice;
  }

 private:
  Text text_;
  Error& error_;
};

// "15043+1.5", "2-inf"
bool parse_bias(Text text, TokenBias& bias) {
  u64 sign = 0;
  while (sign < text.size && is_digit(text[sign])) ++sign;
  u64 token;
  if (sign == text.size || !parse_integer(Text(text.first(sign)), token) || token > UINT32_MAX)
    return false;
  const Text amount = text.from(sign);
  double value = -__builtin_inf();
  const bool known = amount == Text("-inf") || (parse_decimal(amount, value) &&
                                                value >= -kGreatestBias && value <= kGreatestBias);
  bias = {static_cast<u32>(token), static_cast<float>(value)};
  return known && (amount[0] == '+' || amount[0] == '-');
}

bool read_biases(const Options& options, List<TokenBias>& biases) {
  bool fits = true;
  options.each("logit-bias", [&](Text text) {
    TokenBias bias;
    if (parse_bias(text, bias))
      fits = biases.add(bias) && fits;
    else
      options.refuse("logit-bias", text,
                     "give a token's number, a sign and a bias: 15043+1, 2-inf");
  });
  return fits;
}

void read_sampler(const Options& options, SamplerSettings& sampler) {
  options.decimal("temp", sampler.temperature, 0.0, kHighestTemperature,
                  "give a number from 0 to 100");
  options.integer("top-k", sampler.top_k);
  options.decimal("top-p", sampler.top_p, 0.0, 1.0, kChance);
  options.decimal("min-p", sampler.min_p, 0.0, 1.0, kChance);
  options.decimal("typical", sampler.typical_p, 0.0, 1.0, kChance);
  options.integer("min-keep", sampler.min_keep);
  Text last;
  if (options.find("repeat-last-n", last) && last == Text("-1"))
    sampler.repeat_last_n = SamplerSettings::kWholeContext;
  else
    options.integer("repeat-last-n", sampler.repeat_last_n);
  options.decimal("repeat-penalty", sampler.repeat_penalty, 0.01, 100.0,
                  "give a number from 0.01 to 100");
  options.decimal("frequency-penalty", sampler.frequency_penalty, -100.0, 100.0,
                  "give a number from -100 to 100");
  options.decimal("presence-penalty", sampler.presence_penalty, -100.0, 100.0,
                  "give a number from -100 to 100");
  Text mirostat = "0";
  options.find("mirostat", mirostat);
  sampler.mirostat = mirostat == Text("2");
  if (!sampler.mirostat && !(mirostat == Text("0")))
    options.refuse("mirostat", mirostat, "give 0 or 2");
  options.decimal("mirostat-lr", sampler.mirostat_rate, 0.0, 1.0, kChance);
  options.decimal("mirostat-ent", sampler.mirostat_entropy, 0.0, 100.0,
                  "give a number from 0 to 100");
}

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
  has_tokens = options.integer("tokens", tokens);
  constexpr u64 kMostContext = 1 << 24;
  options.integer("context", transformer.context, 0, kMostContext, "give a number of positions from 2, or 0 for the model's");
  if (transformer.context == 1) options.refuse("context", "1", "give a number of positions from 2, or 0 for the model's");
  Text kv = "f16";
  options.find("kv", kv);
  transformer.kv = kv == Text("q8_0") ? KvFormat::Q8_0 : KvFormat::F16;
  if (transformer.kv == KvFormat::F16 && !(kv == Text("f16")))
    options.refuse("kv", kv, "give f16 or q8_0");
  options.integer("batch", transformer.batch, 1, TransformerOptions::kMostBatch,
                  "give a number from 1 to 1024");
  read_sampler(options, sampler);
  if (!read_biases(options, biases)) error << "logit-bias: not enough memory for so many";
  sampler.biases = {biases.data(), biases.size()};
  has_seed = options.integer("seed", sampler.seed);
  options.text("grammar", grammar);
  options.flag("chat", chat);
  options.flag("context-shift", context_shift);
  options.text("chat-template", chat_template);
  options.text("system", system);
  options.texts("reverse-prompt", stops);
  if (!system.empty() && !chat && error.empty())
    error << "system: it belongs to a conversation: give --chat, too";
  options.flag("interactive", interactive);
  options.flag("bench", bench);
  options.flag("special", special);
  options.flag("bos", begin);
  options.flag("logits", logits);
  return error.empty();
}

}  // namespace inference
