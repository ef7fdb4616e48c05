#include "inference/conversation.h"


namespace inference {

namespace {

constexpr Text kPrompt = "> ";
constexpr u64 kHelpColumn = 24;  // as the machine's words have it (runtime/shell/shell.h)

void show(Text text) {
  bf_write(BF_STREAM_TEXT, text.data, text.size);
}

void show_statistics(const Generator& generator) {
  Message line;
  generator.totals().describe(line);
  line << "\n";
  show(line.text());
  u64 size = 0;
  const Text name = "stats";
  const void* engine = bf_blob(name.data, name.size, &size);
  if (engine != nullptr) show({static_cast<const char*>(engine), size});
}

void log_error(const Error& error) {
  Message line;
  line << "error: " << error.text() << "\n";
  line.write(BF_STREAM_LOG);
}

bool respond(Generator& generator, Text text, Interruptor* interruptor) {
  Error error;
  const bool told = generator.respond(text, interruptor, error);
  if (!told) log_error(error);
  return told;
}

// A line of any length that memory has room for.
class Line {
 public:
  bool add(char byte) {
    if (size_ == bytes_.size() && !grow()) return false;
    bytes_[size_++] = byte;
    return true;
  }
  void clear() { size_ = 0; }
  Text text() const { return {bytes_.data(), size_}; }

 private:
  bool grow() {
    Array<char> larger;
    if (!larger.allocate(max<u64>(2 * size_, 256))) return false;
    copy_bytes(larger.data(), bytes_.data(), size_);
    bytes_.swap(larger);
    return true;
  }

  Array<char> bytes_;
  u64 size_ = 0;
};

// Reads up to the next '\n' (or "\r\n"). False at the end of the input, and then the line is empty.
bool read_line(Input& input, Line& line, bool& fits) {
  line.clear();
  for (;;) {
    const i32 byte = input.next();
    const bool ended = byte == key::kEnd || (byte == key::kEndOfText && line.text().empty());
    if (ended) return !line.text().empty();
    if (byte == '\n') return true;
    if (byte != '\r') fits = fits && line.add(static_cast<char>(byte));
  }
}

// A prompt line and what its words do.
class Conversation {
 public:
  Conversation(Generator& generator, Console& console, u64 weights_bytes)
      : generator_(generator), console_(console), weights_bytes_(weights_bytes) {}

  Ending run();

 private:
  enum class Next { GoOn, Quit, OtherModel };
  enum class Where { Always, Chats };
  struct Word {
    Text name;
    Where where;
    Text help;
  };

  Next obey(Text line);
  void help();
  Next hand_on(Text line);
  void tell_under_table(Text line);
  i32 command(Text line);
  bool has(const Word& word) const { return word.where == Where::Always || generator_.chats(); }
  static Text first_word(Text line);

  static constexpr Word kWords[] = {
#define PROGRAM_WORD(name, where, help) {name, Where::where, help},
#include "inference/words.def"
#undef PROGRAM_WORD
  };

  Generator& generator_;
  Console& console_;
  const u64 weights_bytes_;
};

// Under the table of /top any key ends a story, and the table is made anew meanwhile.
class TableInterruptor : public Interruptor {
 public:
  explicit TableInterruptor(Input& input) : input_(input) {}
  bool interrupted() override {
    bf_command("", 0, nullptr);
    if (!input_.ready()) return false;
    input_.forget();
    return true;
  }

 private:
  Input& input_;
};

Text Conversation::first_word(Text line) {
  u64 size = 0;
  while (size < line.size && line[size] != ' ') ++size;
  return line.first(size);
}

void Conversation::help() {
  show(generator_.chats() ? Text("What you type is answered. Ctrl-C or Escape stops an answer.\n")
                          : Text("Type the beginning of a story, and it is told on. Ctrl-C or Escape stops it.\n"));
  for (const Word& word : kWords) {
    if (!has(word)) continue;
    Message line;
    line << "  " << word.name;
    while (line.text().size < kHelpColumn) line << " ";
    line << word.help << "\n";
    show(line.text());
  }
  command("/help");
}

i32 Conversation::command(Text line) {
  Message model;
  generator_.describe(model);
  const Text said = console_.transcript().text();
  const BfAbout about = {model.text().data, model.text().size, said.data, said.size, weights_bytes_,
                         generator_.cache_bytes(), generator_.working_bytes()};
  return bf_command(line.data, line.size, &about);
}

void Conversation::tell_under_table(Text line) {
  TableInterruptor interruptor(console_.input());
  Text text = line.from(first_word(line).size);
  while (!text.empty() && text[0] == ' ') text = text.from(1);
  // Of a conversation there is nothing to go on with.
  if (!text.empty() || !generator_.chats()) {
    bf_command("", 0, nullptr);
    respond(generator_, text, &interruptor);
  }
  command(line);
}

Conversation::Next Conversation::hand_on(Text line) {
  switch (command(line)) {
    case BF_COMMAND_TAKE_MODEL:
      return Next::OtherModel;
    case BF_COMMAND_TELL:
      tell_under_table(line);
      break;
    case BF_COMMAND_UNKNOWN:
      show("There is no such command; /help lists them.\n");
      break;
    default:
      break;
  }
  return Next::GoOn;
}

Conversation::Next Conversation::obey(Text line) {
  const Text name = first_word(line);
  for (const Word& word : kWords) {
    if (!(name == word.name) || !has(word)) continue;
    if (name.size == line.size) break;
    Message use;
    use << "Use: " << name << "\n";
    show(use.text());
    return Next::GoOn;
  }
  if (line == Text("/quit")) return Next::Quit;
  if (line == Text("/help"))
    help();
  else if (line == Text("/stats"))
    show_statistics(generator_);
  else if (generator_.chats() && line == Text("/new"))
    generator_.forget();
  else
    return hand_on(line);
  return Next::GoOn;
}

Ending Conversation::run() {
  show("(type /help for help)\n");
  Text line;
  while (console_.editor().read_line(kPrompt, line)) {
    while (!line.empty() && line[line.size - 1] == ' ' && line[0] == '/') line = line.first(line.size - 1);
    if (line.empty()) continue;
    if (line[0] != '/') {
      respond(generator_, line, &console_.interruptor());
      continue;
    }
    const Next next = obey(line);
    if (next != Next::GoOn) return next == Next::Quit ? Ending::Quit : Ending::OtherModel;
  }
  return Ending::Quit;
}

}  // namespace

Ending converse(Generator& generator, Console& console, u64 weights_bytes) {
  return Conversation(generator, console, weights_bytes).run();
}

bool tell_lines(Generator& generator) {
  Input input;
  Line line;
  bool fits = true;
  bool all_told = true;
  while (read_line(input, line, fits) && fits)
    if (!line.text().empty()) all_told = respond(generator, line.text(), nullptr) && all_told;
  if (!fits) {
    Error error;
    error << "prompt: not enough memory for a line of input: give shorter lines";
    log_error(error);
  }
  return all_told && fits;
}

}  // namespace inference
