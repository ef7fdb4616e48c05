#include "inference/bench.h"

#include "inference/gguf.h"
#include "inference/input.h"
#include "inference/list.h"
#include "inference/model.h"
#include "inference/random.h"
#include "inference/transformer.h"

namespace inference {

namespace {

class Bench {
 public:
  bool load(MutableBytes bytes, const Settings& settings, Error& error) {
    return file_.parse(bytes, error) && model_.load(file_, bytes, error) &&
           transformer_.prepare(model_, settings.transformer, error);
  }

  bool run(Text line, Error& error) {
    const bool prompt = starts_with(line, "prompt ");
    const Text name = prompt ? Text("prompt ") : Text("generate ");
    u64 count;
    if (!starts_with(line, name) || !parse_integer(line.from(name.size), count) || count == 0)
      error << "bench: " << Quoted(line) << ": give 'prompt N' or 'generate N'";
    else if (count > transformer_.context())
      error << "bench: " << count << " tokens do not fit into the context of "
            << transformer_.context();
    else if (!choose_tokens(count))
      error << "bench: not enough memory for " << count << " tokens";
    if (!error.empty()) return false;
    say(prompt ? read_together() : read_one_by_one());
    return true;
  }

  static void say(Text what) {
    Message line;
    line << what << "\n";
    line.write(BF_STREAM_TEXT);
  }

 private:
  static void say(u64 number) {
    Message digits;
    digits << number;
    say(digits.text());
  }

  bool choose_tokens(u64 count) {
    tokens_.clear();
    for (u64 i = 0; i < count; ++i)
      if (!tokens_.add(static_cast<u32>(random_.next() % model_.shape.vocabulary))) return false;
    return true;
  }

  u64 read_together() {
    const u64 start = bf_clock_ns();
    transformer_.forward(tokens_.data(), tokens_.size(), 0);
    return bf_clock_ns() - start;
  }

  u64 read_one_by_one() {
    const u64 start = bf_clock_ns();
    for (u64 i = 0; i < tokens_.size(); ++i) transformer_.forward(tokens_.data() + i, 1, i);
    return bf_clock_ns() - start;
  }

  Gguf file_;
  Model model_;
  Transformer transformer_;
  List<u32> tokens_;
  Random random_{1};
};

// The next line that is not empty; false at the end of the input.
bool next_line(Input& input, List<char>& line) {
  line.clear();
  for (;;) {
    const i32 byte = input.next();
    if (byte == '\n' && line.size() > 0) return true;
    if (byte == key::kEnd) return line.size() > 0;
    if (byte != '\n' && !line.add(static_cast<char>(byte))) return false;
  }
}

}  // namespace

bool bench(MutableBytes model, const Settings& settings, Error& error) {
  Bench bench;
  if (!bench.load(model, settings, error)) return false;
  Bench::say("ready");
  Input input;
  List<char> line;
  while (next_line(input, line))
    if (!bench.run({line.data(), line.size()}, error)) return false;
  return true;
}

}  // namespace inference
