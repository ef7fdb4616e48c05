#include "inference/chat.h"

namespace inference {

namespace {

constexpr char kEndPiece = '\x01';  // in a template: the end-of-sequence piece

// One text, because a table of texts takes far more room in an image. Fields end with zero bytes.
constexpr char kTemplates[] =
#define CHAT_TEMPLATE(name, system, behind_system, user, behind_user, end, behind_end, flags) \
  name "\0" system "\0" behind_system "\0" user "\0" behind_user "\0" end "\0" behind_end     \
       "\0" flags "\0"
#include "inference/chat_templates.def"
#undef CHAT_TEMPLATE
    ;

Text next_field(const char*& at) {
  const char* const first = at;
  while (*at != '\0') ++at;
  return {first, static_cast<u64>(at++ - first)};
}

// Until `use` says that it is enough.
template <class Use>
bool any_template(Use use) {
  for (const char* at = kTemplates; *at != '\0';) {
    ChatTemplate style;
    Text* const fields[] = {&style.name,        &style.system, &style.behind_system, &style.user,
                            &style.behind_user, &style.end,    &style.behind_end,    &style.flags};
    for (Text* field : fields) *field = next_field(at);
    if (use(style)) return true;
  }
  return false;
}

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

struct Jinja {
  Text text;

  bool has(Text mark) const {
    for (u64 at = 0; at + mark.size <= text.size; ++at)
      if (starts_with(text.from(at), mark)) return true;
    return false;
  }
};

Text name_of(const Jinja& jinja) {
  const auto has = [&](Text mark) { return jinja.has(mark); };
  if (has("<|im_start|>"))
    return has("<|im_sep|>") || has("<end_of_utterance>") ? Text() : Text("chatml");
  if (has("[INST]")) {
    if (has("[SYSTEM_PROMPT]")) return "mistral-v7";
    if (has("' [INST] ' + system_message") || has("[AVAILABLE_TOOLS]")) {
      if (has(" [INST]")) return "mistral-v1";
      return has("\"[INST]\"") ? Text("mistral-v3-tekken") : Text("mistral-v3");
    }
    if (has("content.strip()")) return "llama2-sys-strip";
    if (has("bos_token + '[INST]")) return "llama2-sys-bos";
    return has("<<SYS>>") ? Text("llama2-sys") : Text("llama2");
  }
  if (has("<|assistant|>") && has("<|end|>")) return "phi3";
  if (has("<|user|>") && has("<|endoftext|>")) return "zephyr";
  if (has("'<|user|>\\n' + message['content'] + '\\n'")) return "tulu";
  if (has("<|user|>") && has("eos_token")) return "tinyllama";
  if (has("<start_of_turn>")) return "gemma";
  if (has("<|start_header_id|>") && has("<|end_header_id|>")) return "llama3";
  return "";
}

}  // namespace

bool find_chat_template(Text name, ChatTemplate& found) {
  return any_template([&](const ChatTemplate& style) {
    found = style;
    return style.name == name;
  });
}

bool detect_chat_template(Text jinja, ChatTemplate& found) {
  return find_chat_template(name_of({jinja}), found);
}

void list_chat_templates(Message& message) {
  Text separator;
  any_template([&](const ChatTemplate& style) {
    message << separator << style.name;
    separator = ", ";
    return false;
  });
}

void MarkedText::clear() {
  bytes_.clear();
  written_.clear();
}

bool MarkedText::add(Text text, bool written) {
  bool fits = true;
  for (const char byte : text) fits = fits && bytes_.add(byte) && written_.add(written);
  return fits;
}

bool Chat::add(Text text, MarkedText& to) const {
  bool fits = true;
  for (const char& byte : text)
    fits = fits && to.add(byte == kEndPiece ? end_piece_ : Text(&byte, 1), false);
  return fits;
}

Text Chat::trimmed(Text text) const {
  if (!style_.has('t')) return text;
  u64 first = 0, last = text.size;
  while (first < last && is_space(text[first])) ++first;
  while (first < last && is_space(text[last - 1])) --last;
  return Text(text.data + first, last - first);
}

bool Chat::open_turn(Text system, Text user, MarkedText& to) {
  const bool inside = style_.has('i');
  if (state_ == Broken && !add(end(), to)) return false;
  if (state_ != First && !add(style_.behind_end, to)) return false;
  const bool has_system = state_ == First && !system.empty();
  if ((inside || !has_system) && !add(style_.user, to)) return false;
  if (has_system) {
    if (!add(style_.system, to) || !to.add(trimmed(system), true) || !add(style_.behind_system, to))
      return false;
    system_bytes_ = to.text().size;
    if (!inside && !add(style_.user, to)) return false;
  } else if (state_ == First) {
    system_bytes_ = 0;
  }
  return to.add(trimmed(user), true) && add(style_.behind_user, to);
}

}  // namespace inference
