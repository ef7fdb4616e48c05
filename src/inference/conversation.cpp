#include "inference/conversation.h"

#include "inference/input.h"
#include "inference/line_editor.h"

namespace inference {

namespace {

constexpr Text kPrompt = "> ";
constexpr Text kHelp =
    "Type the beginning of a story, and it is told on.\n"
    "  /stats  tokens so far, and what the engine does\n"
    "  /help   this text\n"
    "  /quit   the end (also Ctrl-D)\n"
    "Ctrl-C or Escape stops a story.\n";
constexpr Text kChatHelp =
    "What you type is answered.\n"
    "  /stats  tokens so far, and what the engine does\n"
    "  /new    forgets the conversation\n"
    "  /help   this text\n"
    "  /quit   the end (also Ctrl-D)\n"
    "Ctrl-C or Escape stops an answer.\n";

void show(Text text) {
  bf_write(BF_STREAM_TEXT, text.data, text.size);
}

class KeyInterruptor : public Interruptor {
 public:
  explicit KeyInterruptor(Input& input) : input_(input) {}
  bool interrupted() override { return input_.stop_requested(); }

 private:
  Input& input_;
};

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

}  // namespace

void converse(Generator& generator) {
  Input input;
  LineEditor editor(input);
  KeyInterruptor interruptor(input);
  if (!editor.prepare()) return;
  show("(type /help for help)\n");
  Text line;
  while (editor.read_line(kPrompt, line)) {
    if (line.empty()) continue;
    if (line == Text("/quit")) return;
    if (line == Text("/help"))
      show(generator.chats() ? kChatHelp : kHelp);
    else if (generator.chats() && line == Text("/new"))
      generator.forget();
    else if (line == Text("/stats"))
      show_statistics(generator);
    else if (line[0] == '/')
      show("There is no such command; /help lists them.\n");
    else
      respond(generator, line, &interruptor);
  }
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
