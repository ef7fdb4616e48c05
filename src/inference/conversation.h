// Where prompts and messages come from: a terminal, or lines of input.
#pragma once

#include "inference/generator.h"
#include "inference/line_editor.h"

namespace inference {

// Between two tokens: whether Ctrl-C or Escape was typed.
class KeyInterruptor : public Interruptor {
 public:
  explicit KeyInterruptor(Input& input) : input_(input) {}
  bool interrupted() override { return input_.stop_requested(); }

 private:
  Input& input_;
};

// What stays while models come and go: keys, the history of lines, what has been said.
class Console {
 public:
  [[nodiscard]] bool prepare() {
    prepared_ = prepared_ || transcript_.prepare();
    return prepared_;
  }
  Input& input() { return input_; }
  Interruptor& interruptor() { return interruptor_; }
  LineEditor& editor() { return editor_; }
  Transcript& transcript() { return transcript_; }

 private:
  bool prepared_ = false;
  Input input_;
  KeyInterruptor interruptor_{input_};
  LineEditor editor_{input_};
  Transcript transcript_;
};

enum class Ending { Quit, OtherModel };

// A prompt line with editing, history and words (words.def), until /quit or Ctrl-D, or until another
// model is wanted. Ctrl-C or Escape stops a story or an answer.
Ending converse(Generator& generator, Console& console, u64 weights_bytes);

// Each line of input is a prompt or a message, empty ones aside, until the end of the input. A line that cannot
// be a prompt is reported and passed over; the result tells whether there was none.
[[nodiscard]] bool tell_lines(Generator& generator);

}  // namespace inference
