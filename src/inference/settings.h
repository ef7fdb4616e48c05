// The program's options (docs/options.md), read from the "options" blob and checked.
//
//   Settings settings;
//   if (!settings.read(blob, error)) ...    // "temp=abc: a number from 0 to 100 is needed"
#pragma once

#include "inference/list.h"
#include "inference/message.h"
#include "inference/sampler.h"
#include "inference/transformer.h"

namespace inference {

struct Settings {
  u64 tokens = UINT64_MAX;  // to generate, at most
  bool has_tokens = false;
  bool interactive = false;
  bool has_seed = false;
  bool special = true;        // control tokens are looked for in texts
  bool begin = false;         // ids of a text are told with the beginning of the sequence
  bool logits = false;        // of every position of the prompt are wanted, and no story
  bool bench = false;         // nothing but speed is wanted
  bool chat = false;          // texts are turns of a conversation
  bool context_shift = true;  // a full context forgets half of itself
  List<char> chat_template;   // by name; the file's where it is empty
  List<char> system;          // what the model is told before a conversation
  List<char> stops;           // texts that end what is generated, with a zero byte between
  List<char> grammar;         // none where it is empty
  TransformerOptions transformer;
  SamplerSettings sampler;
  List<TokenBias> biases;  // what the sampler's are a view of

  [[nodiscard]] bool read(Text options, Error& error);
};

// Decimal digits only, no more than fits.
bool parse_integer(Text text, u64& value);

// Digits with at most one point, a sign and an exponent: "0.8", ".5", "1e-3".
bool parse_decimal(Text text, double& value);

}  // namespace inference
