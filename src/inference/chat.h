// Conversations as the model was trained to read them.
//
//   ChatTemplate style;
//   if (!detect_chat_template(jinja, style)) ...     // or find_chat_template("llama3", style)
//   Chat chat(style, end_piece);
//   MarkedText turn;
//   if (!chat.open_turn("Be brief.", "Who are you?", turn)) ...   // memory is short
//   ... turn.text() is encoded, and the model answers up to chat.end() ...
//   chat.close_answer(true);
//
// What people write is marked: control tokens in it are text. A template of the file (Jinja) is
// not run but recognised, by the marks that llama.cpp looks for.
#pragma once

#include "inference/list.h"
#include "inference/message.h"

namespace inference {

struct ChatTemplate {
  Text name;
  Text system, behind_system;
  Text user, behind_user;
  Text end, behind_end;
  Text flags;

  bool has(char flag) const {
    for (const char c : flags)
      if (c == flag) return true;
    return false;
  }
};

// By its name; false if there is none.
bool find_chat_template(Text name, ChatTemplate& found);
// By what the file's template contains; false if none of ours is like it.
bool detect_chat_template(Text jinja, ChatTemplate& found);
void list_chat_templates(Message& message);

// A text, and which of its bytes somebody wrote.
class MarkedText {
 public:
  void clear();
  [[nodiscard]] bool add(Text text, bool written);
  Text text() const { return {bytes_.data(), bytes_.size()}; }
  const bool* written() const { return written_.data(); }

 private:
  List<char> bytes_;
  List<bool> written_;
};

class Chat {
 public:
  Chat() = default;
  // `end_piece` is what the file's end-of-sequence token is called.
  Chat(const ChatTemplate& style, Text end_piece) : style_(style), end_piece_(end_piece) {}

  // Adds what comes before the model's next answer. `system` counts in the first turn only.
  [[nodiscard]] bool open_turn(Text system, Text user, MarkedText& to);

  // How many bytes of the first turn's text are the system's.
  u64 system_bytes() const { return system_bytes_; }

  // The answer is over: by its end, or somebody's wish.
  void close_answer(bool ended) { state_ = ended ? Ended : Broken; }
  void forget() { state_ = First; }

  Text end() const { return style_.end.empty() ? end_piece_ : style_.end; }

 private:
  enum State { First, Ended, Broken };

  [[nodiscard]] bool add(Text text, MarkedText& to) const;
  Text trimmed(Text text) const;

  ChatTemplate style_;
  Text end_piece_;
  State state_ = First;
  u64 system_bytes_ = 0;
};

}  // namespace inference
