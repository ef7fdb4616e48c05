#include "inference/context_window.h"

#include "inference/message.h"

namespace inference {

void ContextWindow::shrink(u64 count) {
  tokens_.shrink(count);
  read_ = min(read_, count);
}

const float* ContextWindow::read(Interruptor* interruptor) {
  u64 count = 0;  // of the last batch
  while (read_ < size()) {
    if (count > 0 && interruptor != nullptr && interruptor->interrupted()) return nullptr;
    count = min(size() - read_, transformer_.batch());
    transformer_.read(tokens_.data() + read_, count, read_);
    read_ += count;
    tokens_read_ += count;
  }
  return count > 0 ? transformer_.logits(count - 1) : nullptr;
}

void ContextWindow::shift(u64 keep) {
  const u64 forgotten = max<u64>((size() - keep) / 2, 1);
  for (u64 i = keep; i + forgotten < size(); ++i) tokens_[i] = tokens_[i + forgotten];
  shrink(size() - forgotten);
  read_ = min(read_, keep);
  Message line;
  line << "context: full, so " << forgotten << " tokens are forgotten and " << size() - keep
       << " read again\n";
  line.write(BF_STREAM_LOG);
}

}  // namespace inference
