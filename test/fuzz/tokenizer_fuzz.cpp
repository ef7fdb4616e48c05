// Fuzzes texts: whatever the bytes are, every tokenizer gives ids of its vocabulary, and what comes
// back from them is the text.
//
//   tokenizer_fuzz ROUNDS    deterministic mutations of built-in seeds
#include <cstdio>
#include <deque>

#include "../support/gguf_builder.h"
#include "../support/loaded_model.h"
#include "inference/detokenizer.h"
#include "mutate.h"

namespace {

using namespace inference;

void demand(bool condition) {
  if (!condition) __builtin_trap();
}

struct Vocabulary {
  explicit Vocabulary(const test::GgufBuilder& builder) : bytes(builder.build()) {
    Error error;
    demand(gguf.parse(test::as_bytes(bytes), error));
    demand(tokenizer.load(gguf, Tokenizer::kAnySize, error));
  }

  std::string bytes;
  Gguf gguf;
  Tokenizer tokenizer;
};

const std::deque<Vocabulary>& vocabularies() {
  static const auto& all = *[] {
    auto* made = new std::deque<Vocabulary>;
    test::GgufBuilder sentence;
    test::add_vocabulary(sentence, test::tiny_pieces());
    made->emplace_back(sentence);
    test::GgufBuilder across;  // merges that reach from one word to the next
    test::add_vocabulary(across, {"\u2581", "a\u2581", "b", "a", "\u2581a\u2581b", "\u2581b"});
    made->emplace_back(across);
    for (const char* rules : {"default", "gpt-2", "llama-bpe", "qwen2", "smollm", "falcon", "tekken", "deepseek-coder"}) {
      test::GgufBuilder pairs;
      test::add_byte_pairs(pairs, rules,
                           {{"a", "b"}, {"\u0120", "ab"}, {"1", "2"}, {"\u0120", "\u0120"}});
      pairs.number("tokenizer.ggml.bos_token_id", 256 + 4);  // <|end|>, not a letter
      made->emplace_back(pairs);
    }
    return made;
  }();
  return all;
}

// What text and tokens must agree in. SentencePiece cannot tell U+2581 from a space; byte pairs are
// made of whole characters.
std::string comparable(const Tokenizer& tokenizer, const std::string& text) {
  if (tokenizer.byte_level()) {
    List<char> whole;
    demand(repair_utf8(test::as_text(text), whole));
    return {whole.data(), whole.size()};
  }
  const std::string escaped = "\u2581";
  std::string spaced = text;
  for (size_t at = 0; (at = spaced.find(escaped, at)) != std::string::npos; ++at)
    spaced.replace(at, escaped.size(), " ");
  return spaced;
}

std::string encode_and_decode(const Tokenizer& tokenizer, Text text, bool special) {
  List<u32> tokens;
  demand(tokenizer.encode(text, {.begin = true, .special = special}, tokens));
  Detokenizer detokenizer(tokenizer, true);
  std::string back;
  for (u64 i = 0; i < tokens.size(); ++i) {
    demand(tokens[i] < tokenizer.size());
    back += test::as_string(detokenizer.put(tokens[i]));
  }
  return back + test::as_string(detokenizer.finish());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const Text text(reinterpret_cast<const char*>(bytes), size);
  for (const Vocabulary& vocabulary : vocabularies()) {
    const Tokenizer& tokenizer = vocabulary.tokenizer;
    encode_and_decode(tokenizer, text, true);
    // A special token's neighbours are repaired each by themselves.
    if (tokenizer.byte_level() && test::as_string(text).find("<x>") != std::string::npos) continue;
    demand(comparable(tokenizer, encode_and_decode(tokenizer, text, false)) ==
           comparable(tokenizer, test::as_string(text)));
  }
  return 0;
}

#ifndef BF_LIBFUZZER
int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
  const std::string seeds[] = {
      "ab ab  b\n", "<s>a</s><unk>b<x>ab<|end|>", "I'll, we'VE 'd 12345 1 12  3\r\n \t\n!? $+|",
      "\u2581a\u2581 \u3000\u00a0\u2028 \U0001f999\u00e9\u4e16", "\xff\xc3 \xe2\x96 \xf0\x9f\x80"};
  bf::fuzz::Mutator mutator(1);
  for (const std::string& seed : seeds) {
    for (int i = 0; i < rounds; ++i) {
      const auto* bytes = reinterpret_cast<const uint8_t*>(seed.data());
      const auto mutated = mutator.mutate({bytes, bytes + seed.size()});
      LLVMFuzzerTestOneInput(mutated.data(), mutated.size());
    }
  }
  std::printf("%d texts\n", rounds * static_cast<int>(std::size(seeds)));
}
#endif
