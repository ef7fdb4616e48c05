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

// Asked between tokens whether to stop.
class Interruptor {
 public:
  virtual bool interrupted() = 0;

 protected:
  ~Interruptor() = default;
};

}  // namespace inference
