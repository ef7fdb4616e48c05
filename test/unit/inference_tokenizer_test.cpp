// Encoding and decoding: small vocabularies made here, and llama.cpp's own cases.
#include <catch2/catch.hpp>
#include <sstream>

#include "../support/gguf_builder.h"
#include "../support/loaded_model.h"
#include "inference/detokenizer.h"

using namespace test;

namespace {

struct LoadedTokenizer {
  explicit LoadedTokenizer(std::string file) : bytes(std::move(file)) {
    REQUIRE(gguf.parse(as_bytes(bytes), error));
    inference::GgufArray pieces;
    REQUIRE(gguf.find_array("tokenizer.ggml.tokens", pieces));
    const bool loaded = tokenizer.load(gguf, pieces.count, error);
    INFO(as_string(error.text()));
    REQUIRE(loaded);
  }

  std::vector<uint32_t> encode(const std::string& text, bool begin = false,
                               bool special = false) const {
    inference::List<inference::u32> tokens;
    REQUIRE(tokenizer.encode(as_text(text), {.begin = begin, .special = special}, tokens));
    return {tokens.data(), tokens.data() + tokens.size()};
  }

  std::string decode(const std::vector<uint32_t>& tokens) const {
    inference::Detokenizer detokenizer(tokenizer, true);
    std::string text;
    for (uint32_t token : tokens) text += as_string(detokenizer.put(token));
    return text + as_string(detokenizer.finish());
  }

  std::string bytes;
  inference::Gguf gguf;
  inference::Error error;
  inference::Tokenizer tokenizer;
};

std::string vocabulary(const std::vector<std::string>& pieces) {
  GgufBuilder file;
  add_vocabulary(file, pieces);
  return file.build();
}

constexpr uint32_t kFirstByte = 3, kFirst = 259;

}  // namespace

TEST_CASE("merges go by score, then from the left") {
  // ids from kFirst: "ab" beats "bc" beats "aa".
  const LoadedTokenizer t(vocabulary({"ab", "bc", "aa", "a", "b", "c", "\u2581"}));
  const uint32_t ab = kFirst, bc = kFirst + 1, aa = kFirst + 2, a = kFirst + 3, c = kFirst + 5,
                 space = kFirst + 6;
  CHECK(t.encode("abc") == std::vector<uint32_t>{space, ab, c});
  CHECK(t.encode("aaa") == std::vector<uint32_t>{space, aa, a});
  CHECK(t.encode("bc") == std::vector<uint32_t>{space, bc});
  CHECK(t.encode("") == std::vector<uint32_t>{});
  CHECK(t.encode("", true) == std::vector<uint32_t>{1});
  CHECK(t.encode("a", true) == std::vector<uint32_t>{1, space, a});
}

TEST_CASE("what is no piece falls back to bytes, and comes back from them") {
  const LoadedTokenizer t(vocabulary({"a", "\u2581"}));
  CHECK(t.encode("\u00e9") ==
        std::vector<uint32_t>{kFirst + 1, kFirstByte + 0xc3, kFirstByte + 0xa9});
  for (const std::string text : {"a", " a", "  ", "\u00e9a\u4e16\n", "\xff\xfe", "a\xc3", ""}) {
    INFO(text);
    CHECK(t.decode(t.encode(text, true)) == text);
  }
}

TEST_CASE("user-defined tokens are cut out, control tokens are not") {
  GgufBuilder file;
  add_vocabulary(file, {"\u2581", "a", "<x>", "<xy>", "<"});
  auto& types = file.entries.back().value;
  for (const uint32_t id : {kFirst + 2, kFirst + 3}) types[12 + 4 * id] = 4;
  const LoadedTokenizer t(file.build());
  const uint32_t space = kFirst, a = kFirst + 1, x = kFirst + 2, xy = kFirst + 3;
  CHECK(t.encode("a<x>a") == std::vector<uint32_t>{space, a, x, space, a});
  CHECK(t.encode("<x><x>") == std::vector<uint32_t>{x, x});
  CHECK(t.encode("<xy>") == std::vector<uint32_t>{xy});
  CHECK(t.encode("<s>").size() > 1);
  CHECK(t.encode("<s>a<unk></s>", false, true) == std::vector<uint32_t>{1, space, a, 0, 2});
  CHECK(t.encode("a<s<x>", false, true).back() == x);
}

TEST_CASE("of special tokens that overlap the longest counts, then the lowest, then the leftmost") {
  GgufBuilder file;
  add_vocabulary(file, {"\u2581", "a", "b", "aa", "bab", "ab", "ba", "aab"});
  auto& types = file.entries.back().value;
  for (uint32_t id = kFirst + 3; id < kFirst + 8; ++id) types[12 + 4 * id] = 4;
  const LoadedTokenizer t(file.build());
  const uint32_t aa = kFirst + 3, bab = kFirst + 4, ab = kFirst + 5, ba = kFirst + 6,
                 aab = kFirst + 7, space = kFirst, a = kFirst + 1, b = kFirst + 2;
  CHECK(t.encode("aaa") == std::vector<uint32_t>{aa, space, a});
  CHECK(t.encode("aba") == std::vector<uint32_t>{ab, space, a});
  CHECK(t.encode("aaba") == std::vector<uint32_t>{aab, space, a});
  CHECK(t.encode("aabab") == std::vector<uint32_t>{aa, bab});  // of three bytes both; the lower id
  CHECK(t.encode("bbaa") == std::vector<uint32_t>{space, b, b, aa});
  CHECK(t.encode("bba") == std::vector<uint32_t>{space, b, ba});
}

TEST_CASE("a piece that holds spaces is found across words") {
  const LoadedTokenizer apart(
      vocabulary({"\u2581a", "\u2581b", "a", "b", "\u2581", "\u2581\u2581"}));
  CHECK(apart.encode("a b") == std::vector<uint32_t>{kFirst, kFirst + 1});
  CHECK(apart.encode("a  b") == std::vector<uint32_t>{kFirst, kFirst + 4, kFirst + 1});
  CHECK(apart.encode("a  ") == std::vector<uint32_t>{kFirst, kFirst + 5});
  const LoadedTokenizer across(
      vocabulary({"\u2581a\u2581b", "a\u2581", "b", "a", "\u2581", "\u2581a", "\u2581b"}));
  // "a_" comes before "_a" and "_b", and then nothing makes the whole.
  CHECK(across.encode("a b") == std::vector<uint32_t>{kFirst + 4, kFirst + 1, kFirst + 2});
  const LoadedTokenizer whole(
      vocabulary({"\u2581a", "\u2581b", "\u2581a\u2581b", "a", "b", "\u2581"}));
  CHECK(whole.encode("a b") == std::vector<uint32_t>{kFirst + 2});
}

TEST_CASE("the space prefix and the beginning can be switched off") {
  GgufBuilder file;
  add_vocabulary(file, {"\u2581", "a"});
  file.flag("tokenizer.ggml.add_space_prefix", false).flag("tokenizer.ggml.add_bos_token", false);
  const LoadedTokenizer t(file.build());
  CHECK(t.encode("a", true) == std::vector<uint32_t>{kFirst + 1});
  CHECK(t.decode({kFirst, kFirst + 1}) == " a");
}

TEST_CASE("texts end with the end of the sequence where the file wants it") {
  GgufBuilder file;
  add_vocabulary(file, {"\u2581", "a"});
  for (const bool wanted : {false, true}) {
    const LoadedTokenizer t(file.flag("tokenizer.ggml.add_eos_token", wanted).build());
    inference::List<inference::u32> tokens;
    REQUIRE(t.tokenizer.encode("a", {.begin = true, .end = true}, tokens));
    CHECK(tokens.size() == (wanted ? 4 : 3));
    CHECK(tokens[tokens.size() - 1] == (wanted ? 2 : kFirst + 1));
    CHECK(t.encode("a", true).size() == 3);
  }
}

TEST_CASE("in Phi-3's files special tokens take the spaces behind them") {
  GgufBuilder file;
  add_vocabulary(file, {"\u2581", "a", "<|user|>", "\n", "<|end|>"});
  auto& types = file.entries.back().value;
  for (const uint32_t id : {kFirst + 2, kFirst + 4}) types[12 + 4 * id] = 3;
  const uint32_t space = kFirst, a = kFirst + 1, user = kFirst + 2, line = kFirst + 3;
  for (const char* name : {"Phi-3 Mini", "phi3", "Llama"}) {
    const LoadedTokenizer t(file.text("general.name", name).build());
    const bool strips = *name != 'L';
    INFO(name);
    CHECK(t.encode("<|user|> \n\ta", false, true) ==
          (strips ? std::vector<uint32_t>{user, space, a}
                  : std::vector<uint32_t>{user, space, space, line, kFirstByte + 9, a}));
    CHECK(t.encode("<s>\n<|user|>\n<|user|>", false, true) ==
          (strips ? std::vector<uint32_t>{1, space, line, user, user}
                  : std::vector<uint32_t>{1, space, line, user, space, line, user}));
  }
}

TEST_CASE("spaces behind one of Phi-3's tokens are gone before shorter tokens are looked for") {
  GgufBuilder file;
  add_vocabulary(file, {"\u2581", "a", "<|user|>", "  "});
  auto& types = file.entries.back().value;
  types[12 + 4 * (kFirst + 2)] = 3;
  types[12 + 4 * (kFirst + 3)] = 4;
  const uint32_t space = kFirst, a = kFirst + 1, user = kFirst + 2, two = kFirst + 3;
  const LoadedTokenizer t(file.text("general.name", "phi3").build());
  CHECK(t.encode("    ") == std::vector<uint32_t>{two});
  CHECK(t.encode("a    a", false, true) == std::vector<uint32_t>{space, a, two, space, a});
  CHECK(t.encode("<|user|>  ", false, true) == std::vector<uint32_t>{user});
  CHECK(t.encode("<|user|>  a  ", false, true) == std::vector<uint32_t>{user, space, a, two});
}

TEST_CASE("what ends turns by its name is a control token, whatever its type says") {
  GgufBuilder file;
  add_vocabulary(file, {"\u2581", "a", "<|im_end|>"});
  const LoadedTokenizer t(file.build());
  CHECK(t.tokenizer.type(kFirst + 2) == inference::TokenType::Control);
  CHECK(t.encode("<|im_end|>", false, true) == std::vector<uint32_t>{kFirst + 2});
  CHECK(t.encode("<|im_end|>").size() > 1);
  CHECK(t.decode({kFirst + 2, kFirst + 1}) == "a");
}

TEST_CASE("what fills gaps in code has roles that the file gives, or names do") {
  GgufBuilder file;
  add_vocabulary(file, {"\u2581", "a", "<|fim_prefix|>", "<reponame>", "<PAD>", "<|file_sep|>"});
  const uint32_t a = kFirst + 1, prefix = kFirst + 2, repository = kFirst + 3, padding = kFirst + 4,
                 separator = kFirst + 5;
  const auto is_control = [](const LoadedTokenizer& t, uint32_t token) {
    return t.tokenizer.type(token) == inference::TokenType::Control;
  };
  const LoadedTokenizer names(file.build());
  for (const uint32_t token : {prefix, repository, padding, separator}) {
    INFO(token);
    CHECK(is_control(names, token));
    CHECK(names.tokenizer.ends_sequence(token) == (token != prefix));
  }
  file.number("tokenizer.ggml.prefix_token_id", a);
  file.number("tokenizer.ggml.fim_pad_token_id", a);
  file.number("tokenizer.ggml.fim_rep_token_id", 1u << 20);  // no such piece
  const LoadedTokenizer keys(file.build());
  for (const uint32_t token : {a, prefix, padding}) CHECK_FALSE(is_control(keys, token));
  CHECK(keys.tokenizer.ends_sequence(a));
  CHECK_FALSE(keys.tokenizer.ends_sequence(padding));
  CHECK(is_control(keys, repository));
}

TEST_CASE("<|end|> ends messages only, where turns have other ends") {
  for (const bool both : {false, true}) {
    GgufBuilder file;
    add_vocabulary(file, {"\u2581", "<|end|>", "<|call|>", both ? "<|return|>" : "a", "<|channel|>"});
    file.number("tokenizer.ggml.eos_token_id", kFirst + 1);
    const LoadedTokenizer t(file.build());
    CHECK(t.tokenizer.ends_sequence(kFirst + 1) == !both);
    CHECK(t.tokenizer.type(kFirst + 1) ==
          (both ? inference::TokenType::UserDefined : inference::TokenType::Control));
    CHECK(t.tokenizer.ends_sequence(kFirst + 2));
    CHECK(t.tokenizer.type(kFirst + 4) == inference::TokenType::UserDefined);
    CHECK(t.encode("<|channel|>") == std::vector<uint32_t>{kFirst + 4});
  }
}

TEST_CASE("</s> is text where responses of tools are an end") {
  for (const bool both : {false, true}) {
    GgufBuilder file;
    add_vocabulary(file, {"\u2581", "</s>", both ? "<|tool_response>" : "a"});
    file.number("tokenizer.ggml.eos_token_id", kFirst + 1);
    const LoadedTokenizer t(file.build());
    CHECK(t.tokenizer.ends_sequence(kFirst + 1) == !both);
    CHECK(t.tokenizer.type(kFirst + 1) ==
          (both ? inference::TokenType::Normal : inference::TokenType::Control));
  }
}

TEST_CASE("a file whose rules for words have no name has the default ones") {
  GgufBuilder nameless, usual;
  add_byte_pairs(nameless, "", {{"1", "2"}});
  add_byte_pairs(usual, "default", {{"1", "2"}});
  const LoadedTokenizer t(nameless.build());
  CHECK(t.encode("1234 12") == LoadedTokenizer(usual.build()).encode("1234 12"));
}

TEST_CASE("the beginning ends a text only where the file says what it is") {
  GgufBuilder pairs;
  add_byte_pairs(pairs, "gpt-2", {});
  pairs.number("tokenizer.ggml.eos_token_id", 3);
  CHECK_FALSE(LoadedTokenizer(pairs.build()).tokenizer.ends_sequence(11));
  GgufBuilder sentences;
  add_vocabulary(sentences, {"\u2581", "a", "</s>"});
  CHECK(LoadedTokenizer(sentences.build()).tokenizer.ends_sequence(1));
  sentences.number("tokenizer.ggml.bos_token_id", kFirst + 1);  // a piece like others
  CHECK_FALSE(LoadedTokenizer(sentences.build()).tokenizer.ends_sequence(kFirst + 1));
}

TEST_CASE("an unfinished character is held back") {
  const LoadedTokenizer t(vocabulary({"a"}));
  inference::Detokenizer detokenizer(t.tokenizer, true);
  CHECK(as_string(detokenizer.put(kFirstByte + 0xe4)) == "");
  CHECK(as_string(detokenizer.put(kFirstByte + 0xb8)) == "");
  CHECK(as_string(detokenizer.put(kFirstByte + 0x96)) == "\u4e16");
  CHECK(as_string(detokenizer.put(1)) == "");  // control
  CHECK(as_string(detokenizer.put(kFirst)) == "a");
  CHECK(as_string(detokenizer.put(kFirstByte + 0xc3)) == "");
  CHECK(as_string(detokenizer.put(kFirst)) ==
        "\xc3"
        "a");  // not UTF-8 after all
  CHECK(as_string(detokenizer.put(kFirstByte + 0xf0)) == "");
  CHECK(as_string(detokenizer.finish()) == "\xf0");
  CHECK(as_string(detokenizer.finish()) == "");
}

TEST_CASE("wherever tokens divide a text, what is printed is whole characters") {
  const std::string texts[] = {
      "\u00e9a\u4e16\u754c \U0001f999\U0001f1e9\U0001f1ea",
      "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
      "\u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31",
      "\u043f\u0440\u0438 e\u0301 \ud55c\uad6d \u3053 \U0001f468\u200d\U0001f469"};
  GgufBuilder pairs;
  add_byte_pairs(pairs, "gpt-2", {});
  GgufBuilder bytes;
  add_vocabulary(bytes, {});
  for (const std::string& file : {bytes.build(), pairs.build()}) {
    const LoadedTokenizer t(file);
    for (const std::string& text : texts) {
      inference::Detokenizer detokenizer(t.tokenizer, false);
      std::string all;
      for (const char byte : text) {
        const uint32_t id = t.tokenizer.byte_level()
                                ? t.tokenizer.find(as_text(byte_letter(static_cast<uint8_t>(byte))))
                                : kFirstByte + static_cast<uint8_t>(byte);
        const std::string part = as_string(detokenizer.put(id));
        all += part;
        // The next byte of the text, where there is one, begins a character.
        if (!part.empty() && all.size() < text.size()) CHECK((text[all.size()] & 0xc0) != 0x80);
        CHECK(text.starts_with(all));
      }
      CHECK(all == text);
      CHECK(as_string(detokenizer.finish()) == "");
    }
  }
}

TEST_CASE("bytes that begin no character are not waited with") {
  const LoadedTokenizer t(vocabulary({"a"}));
  inference::Detokenizer detokenizer(t.tokenizer, true);
  for (const uint32_t byte : {0x80, 0xbf, 0xc0, 0xc1, 0xf5, 0xff})
    CHECK(as_string(detokenizer.put(kFirstByte + byte)) == std::string(1, static_cast<char>(byte)));
  CHECK(as_string(detokenizer.put(kFirstByte + 0xe4)) == "");
  CHECK(as_string(detokenizer.put(kFirstByte + 0xc3)) == "\xe4");
  CHECK(as_string(detokenizer.put(kFirstByte + 0xa9)) == "\u00e9");
}

TEST_CASE("long texts take time in proportion") {
  const LoadedTokenizer t(vocabulary({"aa", "aaaa", "aaaaaaaa", "a", "\u2581"}));
  CHECK(t.encode(std::string(1 << 20, 'a')).size() == 1 + (1 << 17));
  GgufBuilder file;
  add_vocabulary(file, {"a", "\u2581", "<x>"});
  file.entries.back().value[12 + 4 * (kFirst + 2)] = 4;
  std::string text;
  for (int i = 0; i < 1 << 18; ++i) text += "<x>a";
  CHECK(LoadedTokenizer(file.build()).encode(text).size() == 3 << 18);
}

TEST_CASE("Llama's vocabulary gives the tokens that llama.cpp gives") {
  const std::string path = shared_model("ggml-vocab-llama-spm.gguf");
  if (path.empty()) {
    WARN("skipped: no shared models here");
    return;
  }
  const LoadedTokenizer t(read_file(path));
  const std::string separator = "\n__ggml_vocab_test__\n";
  const std::string inputs = read_file(path + ".inp");
  std::istringstream outputs(read_file(path + ".out"));
  size_t cases = 0;
  for (size_t at = 0; at < inputs.size(); ++cases) {
    const size_t end = inputs.find(separator, at);
    const std::string text = inputs.substr(at, end - at);
    if (end == std::string::npos) break;
    at = end + separator.size();
    std::string line;
    REQUIRE(std::getline(outputs, line));
    std::istringstream ids(line);
    const std::vector<uint32_t> expected{std::istream_iterator<uint32_t>(ids), {}};
    INFO(text);
    CHECK(t.encode(text) == expected);
    CHECK(t.decode(t.encode(text, true)) == text);
  }
  CHECK(cases >= 40);
}
