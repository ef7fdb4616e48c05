// Fuzzes grammars: a text is refused with one line, or it is a grammar, and then any text can be
// held against it.
//
//   grammar_fuzz ROUNDS    deterministic mutations of built-in seeds
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>

#include "../support/loaded_model.h"
#include "inference/grammar_matcher.h"
#include "mutate.h"

using namespace inference;

namespace {

void demand(bool holds) {
  if (!holds) std::abort();
}

// Steps that the grammar takes, chosen by a small generator; the first byte of 16 that goes on.
void walk(const Grammar& grammar, bf::fuzz::Mutator& random) {
  GrammarMatcher matcher(grammar);
  GrammarMatcher::Place place, next;
  if (!matcher.start(place)) return;
  for (int i = 0; i < 60 && !matcher.failed(); ++i) {
    bool found = false;
    for (int tries = 0; tries < 16 && !found; ++tries) {
      const u64 any = random.next();
      const u8 byte = static_cast<u8>(any & 1 ? "ab01-\"{[, \n"[any / 2 % 11] : any >> 8);
      found = matcher.step(place, byte, next);
    }
    if (!found) return;
    demand(next.count > 0);
    matcher.keep(next);
    place = next;
    if (place.count > 2000) return;  // slow, and nothing new
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  Grammar grammar;
  Error error;
  const bool parsed = grammar.parse({reinterpret_cast<const char*>(bytes), size}, error);
  demand(parsed == error.empty());
  if (!parsed) {
    const std::string line = test::as_string(error.text());
    demand(line.starts_with("grammar: line ") && line.find('\n') == std::string::npos);
    return 0;
  }
  bf::fuzz::Mutator random(size);
  for (int i = 0; i < 4; ++i) walk(grammar, random);
  return 0;
}

#ifndef BF_LIBFUZZER
int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
  const std::string seeds[] = {
      "root ::= \"a\" | [0-9]+ (\",\" root)?\n",
      "root ::= object # all\nobject ::= \"{\" (string \":\" value)* \"}\"\nvalue ::= object | "
      "string\n"
      "string ::= \"\\\"\" [^\"\\\\\\x00-\\x1f]{0,8} \"\\\"\"\n",
      "root ::= (a | b)* .\na ::= \"a\"? b{2,3}\nb ::= \"b\" | \"\u00e9\\U0001f999\" | (\"\"*)+\n",
      "root ::= ([^a-z]{1,} \"-\")+ [\\]\\x41\u4e16-\u4e20]\n\n",
      "root ::= \"(\" root \")\" root |\n"};
  bf::fuzz::Mutator mutator(3);
  for (const std::string& seed : seeds) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(seed.data());
    LLVMFuzzerTestOneInput(bytes, seed.size());
    for (int i = 0; i < rounds; ++i) {
      const auto mutated = mutator.mutate({bytes, bytes + seed.size()});
      LLVMFuzzerTestOneInput(mutated.data(), mutated.size());
    }
  }
  std::printf("%d grammars\n", rounds * static_cast<int>(std::size(seeds)));
}
#endif
