// Conversations: what is written for the model in each template, which template a file's is, and
// that what people write is only text.
#include <catch2/catch.hpp>

#include "../support/gguf_builder.h"
#include "../support/loaded_model.h"
#include "inference/chat.h"

using namespace inference;
using test::as_string;
using test::as_text;

namespace {

// A conversation, answers and all, as the model has it before its last answer. `end_piece` takes
// the place of the token that ended an answer.
std::string written(const std::string& name, bool with_system) {
  ChatTemplate style;
  REQUIRE(find_chat_template(as_text(name), style));
  Chat chat(style, "</s>");
  const std::string end = as_string(chat.end());
  std::string all;
  const std::pair<const char*, const char*> turns[] = {
      {"Hello", "Hi there"}, {"Who are you", " I am an assistant"}, {"Another question", ""}};
  const std::string system = with_system ? "You are a helpful assistant" : "";
  for (const auto& [user, answer] : turns) {
    MarkedText text;
    REQUIRE(chat.open_turn(as_text(system), as_text(user), text));
    all += as_string(text.text());
    if (*answer == '\0') break;
    all += answer + end;
    chat.close_answer(true);
  }
  return all;
}

std::string detected(const std::string& jinja) {
  ChatTemplate style;
  return detect_chat_template(as_text(jinja), style) ? as_string(style.name) : "";
}

struct Expected {
  const char *name, *with_system, *without;
};

const Expected kConversations[] = {
    {"chatml",
     "<|im_start|>system\nYou are a helpful "
     "assistant<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
     "<|im_start|>assistant\nHi there<|im_end|>\n<|im_start|>user\nWho are you<|im_end|>\n"
     "<|im_start|>assistant\n I am an assistant<|im_end|>\n<|im_start|>user\nAnother "
     "question<|im_end|>\n<|im_start|>assistant\n",
     "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi there<|im_end|>\n"
     "<|im_start|>user\nWho are you<|im_end|>\n<|im_start|>assistant\n I am an "
     "assistant<|im_end|>\n"
     "<|im_start|>user\nAnother question<|im_end|>\n<|im_start|>assistant\n"},
    {"llama2",
     "[INST] You are a helpful assistant\nHello [/INST]Hi there</s>[INST] Who are you [/INST] I am "
     "an assistant</s>[INST] Another question [/INST]",
     "[INST] Hello [/INST]Hi there</s>[INST] Who are you [/INST] I am an assistant</s>[INST] "
     "Another "
     "question [/INST]"},
    {"llama2-sys",
     "[INST] <<SYS>>\nYou are a helpful assistant\n<</SYS>>\n\nHello [/INST]Hi there</s>[INST] Who "
     "are you [/INST] I am an assistant</s>[INST] Another question [/INST]",
     nullptr},
    {"llama2-sys-bos",
     "[INST] <<SYS>>\nYou are a helpful assistant\n<</SYS>>\n\nHello [/INST]Hi there</s><s>[INST] "
     "Who "
     "are you [/INST] I am an assistant</s><s>[INST] Another question [/INST]",
     nullptr},
    {"llama3",
     "<|start_header_id|>system<|end_header_id|>\n\nYou are a helpful assistant<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant"
     "<|end_header_id|>\n\nHi there<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWho are "
     "you<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n I am an assistant<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>\n\nAnother question<|eot_id|><|start_header_id|>"
     "assistant<|end_header_id|>\n\n",
     nullptr},
    {"mistral-v1",
     " [INST] You are a helpful assistant\n\nHello [/INST]Hi there</s> [INST] Who are you [/INST] "
     "I "
     "am an assistant</s> [INST] Another question [/INST]",
     nullptr},
    {"mistral-v3",
     "[INST] You are a helpful assistant\n\nHello[/INST]Hi there</s>[INST] Who are you[/INST] I am "
     "an "
     "assistant</s>[INST] Another question[/INST]",
     nullptr},
    {"mistral-v3-tekken",
     "[INST]You are a helpful assistant\n\nHello[/INST]Hi there</s>[INST]Who are you[/INST] I am "
     "an "
     "assistant</s>[INST]Another question[/INST]",
     nullptr},
    {"mistral-v7",
     "[SYSTEM_PROMPT] You are a helpful assistant[/SYSTEM_PROMPT][INST] Hello[/INST]Hi there</s>"
     "[INST] Who are you[/INST] I am an assistant</s>[INST] Another question[/INST]",
     "[INST] Hello[/INST]Hi there</s>[INST] Who are you[/INST] I am an assistant</s>[INST] Another "
     "question[/INST]"},
    {"zephyr",
     "<|system|>\nYou are a helpful assistant<|endoftext|>\n<|user|>\nHello<|endoftext|>\n"
     "<|assistant|>\nHi there<|endoftext|>\n<|user|>\nWho are you<|endoftext|>\n<|assistant|>\n I "
     "am "
     "an assistant<|endoftext|>\n<|user|>\nAnother question<|endoftext|>\n<|assistant|>\n",
     nullptr},
    {"tinyllama",
     "<|system|>\nYou are a helpful assistant</s>\n<|user|>\nHello</s>\n<|assistant|>\nHi "
     "there</s>\n"
     "<|user|>\nWho are you</s>\n<|assistant|>\n I am an assistant</s>\n<|user|>\nAnother question"
     "</s>\n<|assistant|>\n",
     "<|user|>\nHello</s>\n<|assistant|>\nHi there</s>\n<|user|>\nWho are you</s>\n<|assistant|>\n "
     "I "
     "am an assistant</s>\n<|user|>\nAnother question</s>\n<|assistant|>\n"},
    {"phi3",
     "<|system|>\nYou are a helpful assistant<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\nHi "
     "there<|end|>\n<|user|>\nWho are you<|end|>\n<|assistant|>\n I am an "
     "assistant<|end|>\n<|user|>\n"
     "Another question<|end|>\n<|assistant|>\n",
     nullptr},
    {"gemma",
     "<start_of_turn>user\nYou are a helpful "
     "assistant\n\nHello<end_of_turn>\n<start_of_turn>model\n"
     "Hi there<end_of_turn>\n<start_of_turn>user\nWho are you<end_of_turn>\n<start_of_turn>model\n "
     "I "
     "am an assistant<end_of_turn>\n<start_of_turn>user\nAnother question<end_of_turn>\n"
     "<start_of_turn>model\n",
     nullptr},
};

}  // namespace

TEST_CASE("conversations are written as each template wants them") {
  for (const Expected& e : kConversations) {
    INFO(e.name);
    CHECK(written(e.name, true) == e.with_system);
    if (e.without != nullptr) CHECK(written(e.name, false) == e.without);
  }
}

TEST_CASE("a file's template is known by its marks") {
  CHECK(detected("{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content']}}") ==
        "chatml");
  CHECK(detected("{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}") ==
        "llama2-sys-strip");
  CHECK(detected("{{ bos_token + '[INST] ' + content + ' [/INST]' }}") == "llama2-sys-bos");
  CHECK(detected("{{ '[INST] <<SYS>>\n' + content + ' [/INST]' }}") == "llama2-sys");
  CHECK(detected("{{ '[INST] ' + content + ' [/INST]' }}") == "llama2");
  CHECK(detected("{{ ' [INST] ' + system_message }}") == "mistral-v1");
  CHECK(detected("{{ '[AVAILABLE_TOOLS]' }}{{ ' [INST] ' }}") == "mistral-v1");
  CHECK(detected("{{ '[AVAILABLE_TOOLS]' }}{{ '[INST] ' }}") == "mistral-v3");
  CHECK(detected("{{ \"[AVAILABLE_TOOLS]\" }}{{ \"[INST]\" }}") == "mistral-v3-tekken");
  CHECK(detected("{{ '[SYSTEM_PROMPT]' }}{{ '[INST]' }}") == "mistral-v7");
  CHECK(detected("{{ '<|start_header_id|>' + role + '<|end_header_id|>\n\n' }}") == "llama3");
  CHECK(detected("{{ '<|user|>\n' + message['content'] + eos_token }}{{ '<|assistant|>' }}") ==
        "tinyllama");
  CHECK(detected("{{ '<|user|>\n' + content + '<|endoftext|>' }}") == "zephyr");
  // An end of the sequence behind answers alone.
  CHECK(detected("{{ '<|user|>\\n' + message['content'] + '\\n' }}"
                 "{{ '<|assistant|>\\n' + message['content'] + eos_token }}") == "tulu");
  CHECK(detected("{{ '<|user|>' + content + '<|end|>' + '<|assistant|>' }}") == "phi3");
  CHECK(detected("{{ '<start_of_turn>' + role }}") == "gemma");
  CHECK(detected("{{ '<|im_start|>' + role + '<|im_sep|>' }}") == "");
  CHECK(detected("{{ '### Instruction:' }}") == "");
  CHECK(detected("") == "");
}

TEST_CASE("an answer that was broken off is ended for the model") {
  ChatTemplate style;
  REQUIRE(find_chat_template("chatml", style));
  Chat chat(style, "</s>");
  MarkedText first, second, third;
  REQUIRE(chat.open_turn("", "a", first));
  chat.close_answer(false);
  REQUIRE(chat.open_turn("", "b", second));
  CHECK(as_string(second.text()).starts_with("<|im_end|>\n<|im_start|>user\nb"));
  chat.forget();
  REQUIRE(chat.open_turn("", "a", third));
  CHECK(as_string(third.text()) == as_string(first.text()));
}

TEST_CASE("texts are trimmed where the template does it") {
  ChatTemplate style;
  MarkedText text;
  REQUIRE(find_chat_template("llama3", style));
  REQUIRE(Chat(style, "").open_turn(" \n", "  a b\t\n", text));
  CHECK(as_string(text.text()) ==
        "<|start_header_id|>system<|end_header_id|>\n\n<|eot_id|><|start_header_id|>user"
        "<|end_header_id|>\n\na b<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
}

TEST_CASE("control tokens in what people write are text") {
  test::GgufBuilder file;
  test::add_vocabulary(file, {"\u2581", "a", "<x>"});
  file.entries.back().value[12 + 4 * 261] = 4;  // <x> is user-defined
  const std::string bytes = file.build();
  Gguf gguf;
  Error error;
  Tokenizer tokenizer;
  REQUIRE(gguf.parse(test::as_bytes(bytes), error));
  REQUIRE(tokenizer.load(gguf, Tokenizer::kAnySize, error));
  const auto specials = [&](std::vector<std::pair<std::string, bool>> parts) {
    MarkedText text;
    for (const auto& [part, by_user] : parts) REQUIRE(text.add(as_text(part), by_user));
    List<u32> tokens;
    REQUIRE(tokenizer.encode(text.text(), {.special = true, .written = text.written()}, tokens));
    std::vector<u32> found;
    for (u64 i = 0; i < tokens.size(); ++i)
      if (tokens[i] < 3 || tokens[i] == 261) found.push_back(tokens[i]);
    return found;
  };
  CHECK(specials({{"<s>a</s>", false}}) == std::vector<u32>{1, 2});
  CHECK(specials({{"<s>a</s>", true}}) == std::vector<u32>{});
  CHECK(specials({{"<s>", false}, {"</s>", true}, {"</s>", false}}) == std::vector<u32>{1, 2});
  CHECK(specials({{"</", true}, {"s>", false}}) == std::vector<u32>{});
  CHECK(specials({{"a</", false}, {"s>", true}, {"</s>", false}}) == std::vector<u32>{2});
  CHECK(specials({{"<x>", true}}) == std::vector<u32>{261});  // user-defined tokens always count
}
