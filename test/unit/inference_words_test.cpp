// Words of byte-level tokenizers, and classes of characters. Whole texts against an oracle are in
// byte_pairs_test.py.
#include <catch2/catch.hpp>

#include "../support/gguf_builder.h"
#include "../support/loaded_model.h"
#include "inference/detokenizer.h"

using namespace test;
using inference::CharacterClass;
using inference::WordRules;

namespace {

using Words = std::vector<std::string>;

Words words(const std::string& text, WordRules rules) {
  Words found;
  inference::split_words(as_text(text), rules, [&](inference::Text word) {
    found.push_back(as_string(word));
    return true;
  });
  return found;
}

std::string repaired(const std::string& text) {
  inference::List<char> whole;
  REQUIRE(inference::repair_utf8(as_text(text), whole));
  return {whole.data(), whole.size()};
}

}  // namespace

TEST_CASE("characters have the classes of Unicode") {
  CHECK(inference::class_of('a') == CharacterClass::Letter);
  CHECK(inference::class_of('_') == CharacterClass::Punctuation);
  CHECK(inference::class_of('`') == CharacterClass::Other);
  CHECK(inference::class_of('\v') == CharacterClass::Space);
  CHECK(inference::class_of(0x1c) == CharacterClass::Other);
  CHECK(inference::class_of(0x85) == CharacterClass::Space);
  CHECK(inference::class_of(0xaa) == CharacterClass::Letter);
  CHECK(inference::class_of(0xbd) == CharacterClass::Number);
  CHECK(inference::class_of(0x4e16) == CharacterClass::Letter);
  CHECK(inference::class_of(0x1f999) == CharacterClass::Other);
  CHECK(inference::class_of(0x10ffff) == CharacterClass::Other);
}

TEST_CASE("texts are made whole") {
  CHECK(repaired("a\u00e9\u4e16\U0001f999") == "a\u00e9\u4e16\U0001f999");
  CHECK(repaired("\xff\x80z\xe4\xb8") == "\ufffd\ufffdz\ufffd\ufffd");
  CHECK(repaired("\xc1\xa1\xf4\x90\x80\x80") == "a\ufffd\ufffd\ufffd\ufffd");
  CHECK(repaired("\xed\xa0\x80") == "\xed\xa0\x80");
}

TEST_CASE("each model family has its own words") {
  CHECK(words("Don't we'LL", WordRules::Gpt2) == Words{"Don", "'t", " we", "'", "LL"});
  CHECK(words("Don't we'LL", WordRules::Llama3) == Words{"Don", "'t", " we", "'LL"});
  CHECK(words("a   b", WordRules::Gpt2) == Words{"a", "  ", " b"});
  CHECK(words("a  \n\n  b \n", WordRules::Llama3) == Words{"a", "  \n\n", " ", " b", " \n"});
  CHECK(words("a  \n\n  b \n", WordRules::Gpt2) == Words{"a", "  \n\n ", " b", " \n"});
  CHECK(words("x\tb (c)!\n\n", WordRules::Llama3) == Words{"x", "\tb", " (", "c", ")!\n\n"});
  CHECK(words(" 12345", WordRules::Gpt2) == Words{" 12345"});
  CHECK(words(" 12345", WordRules::Llama3) == Words{" ", "123", "45"});
  CHECK(words(" 12", WordRules::Qwen2) == Words{" ", "1", "2"});
  CHECK(words("a  12", WordRules::Smollm) == Words{"a", "  ", "1", "2"});
  CHECK(words("a=b 12345.", WordRules::Default) == Words{"a", "=", "b", " ", "123", "45", "."});
  CHECK(words("", WordRules::Default) == Words{});
}

TEST_CASE("byte pairs are encoded and come back") {
  GgufBuilder file;
  add_byte_pairs(file, "gpt-2", {{"a", "b"}, {"\u0120", "ab"}, {"b", "a"}});
  const std::string bytes = file.build();
  inference::Gguf gguf;
  inference::Error error;
  inference::Tokenizer tokenizer;
  REQUIRE(gguf.parse(as_bytes(bytes), error));
  REQUIRE(tokenizer.load(gguf, inference::Tokenizer::kAnySize, error));
  const auto encode = [&](const std::string& text) {
    inference::List<inference::u32> tokens;
    REQUIRE(tokenizer.encode(as_text(text), {.begin = true, .special = true}, tokens));
    return std::vector<uint32_t>(tokens.data(), tokens.data() + tokens.size());
  };
  CHECK(encode("") == std::vector<uint32_t>{});
  CHECK(encode("bab ab<|end|>a") == std::vector<uint32_t>{'b', 256, 257, 259, 'a'});
  CHECK(encode("<x>\u00e9") == std::vector<uint32_t>{260, 0xc3, 0xa9});
  CHECK(tokenizer.ends_sequence(259));
  CHECK_FALSE(tokenizer.ends_sequence(260));

  inference::Detokenizer detokenizer(tokenizer, true);
  std::string back;
  for (uint32_t token : encode(" ab\n\u4e16<x>\xff")) back += as_string(detokenizer.put(token));
  CHECK(back == " ab\n\u4e16<x>\ufffd");
}
