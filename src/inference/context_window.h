// The tokens that the model has before it.
//
//   ContextWindow window(transformer);
//   window.clear();
//   if (!window.add(token)) ...                       // memory is short
//   const float* logits = window.read(interruptor);   // behind the last token
//   if (window.size() > window.capacity()) window.shift(keep);
//
// Only what has not been read yet is read. A shift forgets half of what is behind the first `keep`
// tokens, as llama.cpp does; what stays behind them moves, so it is read again (llama.cpp turns its
// keys instead, and goes on with values that still know the forgotten).
#pragma once

#include "inference/list.h"
#include "inference/statistics.h"
#include "inference/transformer.h"

namespace inference {

class ContextWindow {
 public:
  explicit ContextWindow(Transformer& transformer) : transformer_(transformer) {}

  void clear() { shrink(0); }
  // Forgets what is behind the first `count`.
  void shrink(u64 count);
  // There may be more tokens than fit, until they are read.
  [[nodiscard]] bool add(u32 token) { return tokens_.add(token); }

  u64 size() const { return tokens_.size(); }
  u64 capacity() const { return transformer_.context(); }
  // How many tokens have been read so far, in all.
  u64 tokens_read() const { return tokens_read_; }

  // Null where it was interrupted, or there is nothing new. The tokens must fit.
  const float* read(Interruptor* interruptor);

  // There must be more than `keep` tokens. How many are forgotten goes to the log.
  void shift(u64 keep);

 private:
  Transformer& transformer_;
  List<u32> tokens_;
  u64 read_ = 0;  // of these, in the transformer's cache
  u64 tokens_read_ = 0;
};

}  // namespace inference
