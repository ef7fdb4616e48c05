// What telling took, and who may stop it.
#pragma once

#include "inference/message.h"

namespace inference {

// Of one story or answer, or of all of them.
struct Statistics {
  u64 prompt_tokens = 0;
  u64 prompt_ns = 0;
  u64 generated_tokens = 0;
  u64 generate_ns = 0;

  void add(const Statistics& other);
  // "prompt 5 tokens in 1.2 ms (...), generated ..."
  void describe(Message& message) const;
};

// Tells the console's status line, a few times a second, how far a story is; where there is none, it
// does nothing.
//
//   ProgressLine progress;             // when the first token is about to come
//   progress.show(++tokens);           // after each
//   progress.show(tokens, true);       // at the end, in any case
class ProgressLine {
 public:
  ProgressLine();
  void show(u64 tokens, bool at_once = false);

 private:
  bool listens_;
  u64 start_ns_ = 0;
  u64 shown_ns_ = 0;
};

// Asked between tokens whether to stop.
class Interruptor {
 public:
  virtual bool interrupted() = 0;

 protected:
  ~Interruptor() = default;
};

}  // namespace inference
