// Telling a story: a prompt through the model, then token after token to the text stream.
//
//   Generator generator;
//   if (!generator.load(memory, settings, error)) ...
//   if (!generator.tell(prompt, interruptor, error)) ...
//   generator.totals()
#pragma once

#include "inference/chat.h"
#include "inference/context_window.h"
#include "inference/gguf.h"
#include "inference/grammar_filter.h"
#include "inference/model.h"
#include "inference/sampler.h"
#include "inference/settings.h"
#include "inference/statistics.h"
#include "inference/text_stream.h"
#include "inference/tokenizer.h"
#include "inference/transformer.h"

namespace inference {

class Generator {
 public:
  // Reads the model, whose weights are rearranged in place; one line about it goes to the log.
  [[nodiscard]] bool load(MutableBytes file, const Settings& settings, Error& error);

  // Whether texts are turns of a conversation.
  bool chats() const { return settings_->chat; }

  // Prints the text and what follows it, or the answer to it, and ends the line. `interruptor` may
  // be null. False if the text cannot be taken.
  [[nodiscard]] bool respond(Text text, Interruptor* interruptor, Error& error);

  // Continues a prompt of token ids (token_ids.h) in the same way.
  [[nodiscard]] bool continue_tokens(Text ids, Error& error);

  // The next turn begins a new conversation.
  void forget();

  // What is said is written there, too, from now on; it must outlive this.
  void keep_transcript(Transcript& transcript) { transcript_ = &transcript; }

  // "architecture ..., context ...", in lines.
  void describe(Message& lines) const;
  u64 cache_bytes() const { return transformer_.cache_bytes(); }
  u64 working_bytes() const { return transformer_.memory_bytes() - transformer_.cache_bytes(); }

  const Statistics& totals() const { return totals_; }

 private:
  bool load_sampler(const Settings& settings, Error& error);
  bool load_grammar(Text text, Error& error);
  bool load_chat(Error& error);
  void describe_model() const;
  void describe_formats(Message& lines) const;
  void say(Text text);
  bool take_prompt(Text prompt, Error& error);
  bool take_tokens(const List<u32>& tokens, Error& error);
  bool take_turn(Text message, Error& error);
  bool encode_turn(Text message, List<u32>& tokens);
  bool make_room(u64 tokens, Error& error);
  bool fill_window(const List<u32>& tokens, Error& error);
  bool shifts() const;
  bool choose(const float* logits, u32& token, Error& error);
  bool write_story(bool at_start, Interruptor* interruptor, Error& error);
  bool go_on(bool at_start, Interruptor* interruptor, Statistics& story, Error& error);
  bool write_on(const float* logits, TextStream& stream, Interruptor* interruptor,
                Statistics& story, Error& error);

  const Settings* settings_ = nullptr;
  Gguf file_;
  Model model_;
  Tokenizer tokenizer_;
  Transformer transformer_;
  ContextWindow window_{transformer_};
  u64 keep_ = 0;  // of the window's tokens, how many a shift keeps in any case
  Sampler sampler_;
  Grammar grammar_;
  GrammarFilter filter_{grammar_};
  bool has_grammar_ = false;
  Chat chat_;
  u32 chat_end_ = Tokenizer::kNone;  // the token that ends an answer, if it is one
  List<char> stops_;                 // stop strings, each with a zero byte behind it
  Statistics totals_;
  Transcript* transcript_ = nullptr;
};

}  // namespace inference
