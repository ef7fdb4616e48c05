#include "inference/tokenize.h"

namespace inference {

namespace {

// Gathers what would be many small writes.
class Line {
 public:
  ~Line() {
    add('\n');
    flush();
  }

  void add_id(u32 id) {
    if (!first_) add(' ');
    first_ = false;
    char digits[10];
    u64 count = 0;
    for (; count == 0 || id > 0; id /= 10) digits[count++] = static_cast<char>('0' + id % 10);
    while (count > 0) add(digits[--count]);
  }

 private:
  void add(char byte) {
    if (size_ == sizeof bytes_) flush();
    bytes_[size_++] = byte;
  }
  void flush() {
    bf_write(BF_STREAM_TEXT, bytes_, size_);
    size_ = 0;
  }

  char bytes_[4096];
  u64 size_ = 0;
  bool first_ = true;
};

}  // namespace

bool tokenize(Bytes model, Text text, Encode how, Error& error) {
  Gguf file;
  Tokenizer tokenizer;
  if (!file.parse(model, error) || !tokenizer.load(file, Tokenizer::kAnySize, error)) return false;
  List<u32> tokens;
  if (!tokenizer.encode(text, how, tokens)) {
    error << "tokenize: not enough memory for " << text.size << " bytes: give a shorter text";
    return false;
  }
  Line line;
  for (u64 i = 0; i < tokens.size(); ++i) line.add_id(tokens[i]);
  return true;
}

}  // namespace inference
