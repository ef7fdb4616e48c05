// Telling a story: a prompt through the model, then token after token to the text stream.
//
//   Generator generator;
//   if (!generator.load(memory, settings, error)) ...
//   if (!generator.tell(prompt, interruptor, error)) ...
//   generator.totals()
#pragma once

#include "inference/gguf.h"
#include "inference/grammar_filter.h"
#include "inference/model.h"
#include "inference/sampler.h"
#include "inference/settings.h"
#include "inference/tokenizer.h"
#include "inference/transformer.h"

namespace inference {

// What one story, or all of them, took.
struct Statistics {
  u64 prompt_tokens = 0;
  u64 prompt_ns = 0;
  u64 generated_tokens = 0;
  u64 generate_ns = 0;

  void add(const Statistics& other);
  // "prompt 5 tokens, 1.2 ms (...); ..."
  void describe(Message& message) const;
};

// Asked between tokens whether to stop.
class Interruptor {
 public:
  virtual bool interrupted() = 0;

 protected:
  ~Interruptor() = default;
};

class Generator {
 public:
  // Reads the model, whose weights are rearranged in place; one line about it goes to the log.
  [[nodiscard]] bool load(MutableBytes file, const Settings& settings, Error& error);

  // Prints the prompt and what follows it, and ends the line. `interruptor` may be null. Each
  // story has a context of its own. False if the prompt cannot be taken.
  [[nodiscard]] bool tell(Text prompt, Interruptor* interruptor, Error& error);

  const Statistics& totals() const { return totals_; }

 private:
  bool load_sampler(const Settings& settings, Error& error);
  bool load_grammar(Text text, Error& error);
  bool encode(Text prompt, Error& error);
  bool choose(const float* logits, u32& token, Error& error);
  const float* read_prompt(Interruptor* interruptor, Statistics& story);
  bool go_on(const float* logits, bool at_start, Interruptor* interruptor, Statistics& story,
             Error& error);
  void print(Text text);

  Gguf file_;
  Model model_;
  Tokenizer tokenizer_;
  Transformer transformer_;
  Sampler sampler_;
  Grammar grammar_;
  GrammarFilter filter_{grammar_};
  bool has_grammar_ = false;
  u64 most_tokens_ = 0;
  bool special_ = true;
  List<u32> prompt_;
  Statistics totals_;
};

}  // namespace inference
