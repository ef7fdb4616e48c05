// Grammars: what they accept, what is wrong with them, and what they leave of a vocabulary.
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <regex>

#include "../support/gguf_builder.h"
#include "../support/loaded_model.h"
#include "inference/grammar_filter.h"

using namespace inference;
using test::as_string;
using test::as_text;

namespace {

struct LoadedGrammar {
  explicit LoadedGrammar(const std::string& source) {
    const bool parsed = grammar.parse(as_text(source), error);
    INFO(source);
    INFO(as_string(error.text()));
    REQUIRE(parsed);
  }
  Error error;
  Grammar grammar;
};

// "no": there is a byte that cannot be there; "begun": it could go on; "whole": it may end.
std::string verdict(const Grammar& grammar, const std::string& text) {
  GrammarMatcher matcher(grammar);
  GrammarMatcher::Place place, next;
  REQUIRE(matcher.start(place));
  for (const char byte : text) {
    if (!matcher.step(place, static_cast<u8>(byte), next)) return "no";
    matcher.keep(next);
    place = next;
  }
  return matcher.can_end(place) ? "whole" : "begun";
}

std::string refusal(const std::string& source) {
  Grammar grammar;
  Error error;
  return grammar.parse(as_text(source), error) ? "" : as_string(error.text());
}

struct Table {
  const char* grammar;
  std::vector<std::string> whole, begun, no;
};

const char* const kJson = R"(# values of JSON
root   ::= value
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws     ::= | " " | "\n" [ \t]{0,20}
)";

const Table kTables[] = {
    {"root ::= \"\"", {""}, {}, {"a"}},
    {"root ::= \"abc\"", {"abc"}, {"", "a", "ab"}, {"abd", "abcd", "b"}},
    {"root ::= \"a\" | \"b\" |", {"", "a", "b"}, {}, {"ab", "c"}},
    {"root ::= \"a\"*", {"", "a", "aaaaaaaaaaaa"}, {}, {"b", "ab"}},
    {"root ::= \"ab\"+ \"c\"?", {"ab", "abab", "ababc"}, {"", "aba"}, {"c", "abcc"}},
    {"root ::= [\\-a]+ \"\\-\"?", {"-", "a-a", "--"}, {""}, {"b"}},
    {"root ::= [ab]{3}", {"aba", "bbb"}, {"", "ab"}, {"abab", "c"}},
    {"root ::= [ab]{2,}", {"ab", "abba"}, {"", "a"}, {"abc"}},
    {"root ::= [ab]{1,3}", {"a", "ab", "aba"}, {""}, {"abab"}},
    {"root ::= [ab]{0,2} \"x\"", {"x", "ax", "abx"}, {"", "ab"}, {"aba"}},
    {"root ::= [ab]{0} \"x\"", {"x"}, {""}, {"ax"}},
    {"root ::= \"xy\"{2}", {"xyxy"}, {"xy"}, {"xyy"}},
    {"root ::= (\"a\" | \"b\" \"c\")* \"d\"", {"d", "abcad"}, {"ab", "a"}, {"ac", "dd"}},
    {"root ::= (\"a\"*)* \"b\"", {"b", "aaab"}, {"aa"}, {"c"}},
    {"root ::= (\"a\"? \"b\"?)+", {"", "a", "abab", "bb"}, {}, {"c"}},
    {"root ::= [^a-c\\n]",
     {"d", "\u00e9", "\U0001f999"},
     {"", "\xc3", "\xf0\x9f"},
     {"b", "\n", "de"}},
    {"root ::= .\".\"", {"x.", "\n.", "\u4e16."}, {"x", "\xe4\xb8"}, {"xy", "\x80", "\xff"}},
    {"root ::= [\u00e9-\u00ef]", {"\u00ea"}, {"\xc3"}, {"\u00f0", "\xc4", "e"}},
    {"root ::= \"\\x41\\u00e9\\U0001F999\\n\\r\\t\\\\\\\"\\[\\]\"",
     {"A\u00e9\U0001f999\n\r\t\\\"[]"},
     {"A\xc3"},
     {"a"}},
    {"root ::= [a\\]b-]", {"a", "]", "-", "b"}, {}, {"c", "\\"}},
    {"root ::= a # the rest\na ::= b |\n  \"x\"\n\n# more\nb ::= (\n\"y\" # here\n | \"z\")",
     {"x", "y", "z"},
     {},
     {"w"}},
    {"root ::= \"a\" root \"b\" | \"\"", {"", "ab", "aaabbb"}, {"a", "aab"}, {"b", "abb", "aba"}},
    {"root ::= (expression \"=\" term \"\\n\")+\n"
     "expression ::= term ([-+*/] term)*\n"
     "term ::= [a-z] [a-z0-9_]* | [0-9]+ | \"(\" expression \")\"\n",
     {"a=1\n", "a+b*3=(x)\n", "(a+(b-1))=2\nx=y\n"},
     {"", "a", "a=", "a=1", "((", "(a+(b"},
     {"=", "a+=", "a b", "a=1\n\n", "a)"}},
    {"root ::= (\"- \" [^\\n]+ \"\\n\")+",
     {"- x\n", "- one\n- two\n"},
     {"- ", "- x"},
     {"-x", "- \n"}},
    {"root ::= (\"1. \" move \" \" move \"\\n\")+\n"
     "move ::= (pawn | nonpawn | castle) [+#]?\n"
     "nonpawn ::= [NBKQR] [a-h]? [1-8]? \"x\"? [a-h] [1-8]\n"
     "pawn ::= ([a-h] \"x\")? [a-h] [1-8] (\"=\" [NBKQR])?\n"
     "castle ::= \"O-O\" \"-O\"?\n",
     {"1. e4 e5\n", "1. Nbd7 exd8=Q#\n1. O-O O-O-O+\n"},
     {"1. N", "1. Nb", "1. Nbx", "1. O-O O-O"},
     {"e4", "1. e9", "1. O-O-O-O"}},
    {kJson,
     {"{}", "[]", "1", "-1.5e+3", "true", "\"\"", "\"\\u00e9\\n\u4e16\"",
      "{\"a\":[1,{}], \"b\":null}"},
     {"{", "[1,", "\"\\", "{\"a\":", "tru", "\"\xe4\xb8", ""},
     {"}", "{a", "[,", "\"\n", "nul1", "{\"a\"1", "\"\\x", "\"\x7f"}},
};

std::string story_vocabulary() {
  test::GgufBuilder file;
  test::add_vocabulary(file, {"\u2581a", "ab", "abc", "1", "12", "\u2581", "\u00e9", "{\"", "\":",
                              "}", "[", "],", "]", ",", "true", "e", "\u4e16", "a=", "=1\n"});
  return file.build();
}

struct Vocabulary {
  explicit Vocabulary(std::string file) : bytes(std::move(file)) {
    REQUIRE(gguf.parse(test::as_bytes(bytes), error));
    REQUIRE(tokenizer.load(gguf, Tokenizer::kAnySize, error));
  }
  std::string text(u32 token) const {
    std::string text;
    for (char c : as_string(tokenizer.piece(token))) text += c;
    for (size_t at; (at = text.find("\u2581")) != std::string::npos;) text.replace(at, 3, " ");
    if (tokenizer.type(token) == TokenType::Byte)
      text = std::string(1, static_cast<char>(tokenizer.byte(token)));
    return tokenizer.type(token) == TokenType::Control ||
                   tokenizer.type(token) == TokenType::Unknown
               ? ""
               : text;
  }
  std::string bytes;
  Error error;
  Gguf gguf;
  Tokenizer tokenizer;
};

}  // namespace

TEST_CASE("grammars accept what they describe") {
  for (const Table& table : kTables) {
    const LoadedGrammar loaded(table.grammar);
    INFO(table.grammar);
    for (const auto& [expected, texts] :
         {std::pair{"whole", table.whole}, std::pair{"begun", table.begun},
          std::pair{"no", table.no}})
      for (const std::string& text : texts) {
        INFO(text);
        CHECK(verdict(loaded.grammar, text) == expected);
      }
  }
}

TEST_CASE("characters must be whole and as short as they can be") {
  const LoadedGrammar any("root ::= .");
  CHECK(verdict(any.grammar, "\xc1\x81") == "no");
  CHECK(verdict(any.grammar, "\xe0\x80\x81") == "no");
  CHECK(verdict(any.grammar, "\xe0\x9f") == "no");
  CHECK(verdict(any.grammar, "\xe0\xa0") == "begun");
  CHECK(verdict(any.grammar, "\xed\xa0") == "no");  // a surrogate
  CHECK(verdict(any.grammar, "\xed\x9f\xbf") == "whole");
  CHECK(verdict(any.grammar, "\xf4\x90") == "no");
  CHECK(verdict(any.grammar, "\xf4\x8f\xbf\xbf") == "whole");
  CHECK(verdict(any.grammar, "\xf5") == "no");
  CHECK(verdict(any.grammar, "\xc3\xc3") == "no");
}

TEST_CASE("what is wrong with a grammar is said with its place") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "line 1, column 1: there is no rule called root"},
      {"rot ::= \"a\"", "line 1, column 1: there is no rule called root"},
      {"root ::= a\n", "line 1, column 10: there is no rule of this name"},
      {"root ::= \"a\"\n  root ::= \"b\"", "line 2, column 3: this rule is there twice"},
      {"root = \"a\"", "line 1, column 6: ::= is missing"},
      {"root ::= \"a", "line 1, column 10: this literal has no end"},
      {"root ::= [a", "line 1, column 10: this class of characters has no end"},
      {"root ::= [a-", "line 1, column 10: this class of characters has no end"},
      {"root ::= [z-a]", "line 1, column 11: this range goes backwards"},
      {"root ::= (\"a\"", "line 1, column 10: there is no ) for this ("},
      {"root ::= \"a\")", "line 1, column 13: there is no ( for this )"},
      {"root ::= \"\u00e9\" *\n| \"b\"", "line 2, column 1: the name of a rule is missing"},
      {"root ::= *", "line 1, column 10: there is nothing here to repeat"},
      {"root ::= \"a\" | +", "line 1, column 16: there is nothing here to repeat"},
      {"root ::= \"a\"{3,2}", "line 1, column 13: this repetition's limits"},
      {"root ::= \"a\"{,2}", "line 1, column 14: a number of repetitions is missing"},
      {"root ::= \"a\"{9999}", "line 1, column 13: these are more than 2000"},
      {"root ::= \"a\"{2", "line 1, column 13: this repetition has no }"},
      {"root ::= \"\\q\"", "line 1, column 11: there is no such escape"},
      {"root ::= \"\\x4\"", "line 1, column 11: this escape wants more"},
      {"root ::= \"\\U00110000\"", "line 1, column 11: there is no such character"},
      {"root ::= \"\xff\"", "line 1, column 11: this is no UTF-8"},
      {"root ::= root \"a\" | \"b\"", "line 1, column 1: left recursion"},
      {"root ::= a\na ::= b \"x\" | \"y\"\nb ::= \"z\"? a", "left recursion"},
      {"root ::= root | \"a\"", "line 1, column 1: left recursion"},
      {"root ::= (root \"a\")* \"b\"", "left recursion"},
      {"root ::= \"a\" $", "line 1, column 14: this is no part of a rule"},
  };
  for (const auto& [source, message] : cases) {
    INFO(source);
    CHECK_THAT(refusal(source), Catch::Contains(message));
    CHECK(refusal(source).starts_with("grammar: line "));
  }
  CHECK_THAT(refusal("root ::= " + std::string(500, '(')), Catch::Contains("too deep"));
  CHECK_THAT(
      refusal("root ::= ((\"abcdefgh\"{2000}){2000} \"abcdefgh\"{2000}){2000} \"a\"{2000}{2000}"),
      Catch::Contains("too large"));
}

TEST_CASE("what is left of a vocabulary is what the grammar goes on with") {
  const Vocabulary v(story_vocabulary());
  for (const Table& table : kTables) {
    const LoadedGrammar loaded(table.grammar);
    GrammarFilter filter(loaded.grammar);
    REQUIRE(filter.prepare(v.tokenizer));
    std::vector<std::string> starts = table.begun;
    starts.insert(starts.end(), table.whole.begin(), table.whole.end());
    for (const std::string& start : starts) {
      INFO(table.grammar);
      INFO(start);
      REQUIRE(filter.start());
      for (const char byte : start) REQUIRE(filter.accept(3 + static_cast<u8>(byte)));
      std::vector<float> logits(v.tokenizer.size(), 1.0f);
      filter.rule_out(logits.data());
      for (u32 token = 0; token < logits.size(); ++token) {
        const std::string text = v.text(token);
        const bool expected = token == 1 || token == 2  // <s> ends texts, too
                                  ? verdict(loaded.grammar, start) == "whole"
                                  : !text.empty() && verdict(loaded.grammar, start + text) != "no";
        CHECK((logits[token] == 1.0f) == expected);
        CHECK(filter.allows(token) == expected);
      }
    }
  }
}

TEST_CASE("random logits under a grammar give texts of it") {
  const Vocabulary v(story_vocabulary());
  std::mt19937 random(8);
  std::normal_distribution<float> normal(0, 3);
  int whole = 0;
  for (const Table& table : kTables) {
    const LoadedGrammar loaded(table.grammar);
    GrammarFilter filter(loaded.grammar);
    Sampler sampler;
    REQUIRE(filter.prepare(v.tokenizer));
    REQUIRE(sampler.prepare(v.tokenizer.size(), 512, {.temperature = 1.0f, .seed = 3}));
    for (int round = 0; round < 20; ++round) {
      std::string text;
      REQUIRE(filter.start());
      for (int i = 0; i < 60; ++i) {
        std::vector<float> logits(v.tokenizer.size());
        for (float& l : logits) l = normal(random);
        logits[2] += 3;
        const u32 token = sampler.choose(logits.data(), &filter);
        if (v.tokenizer.ends_sequence(token)) {
          ++whole;
          CHECK(verdict(loaded.grammar, text) == "whole");
          break;
        }
        text += v.text(token);
        REQUIRE(filter.accept(token));
      }
      CHECK(verdict(loaded.grammar, text) != "no");
    }
  }
  CHECK(whole > 200);
}

TEST_CASE("deep and long texts cost no more than they must") {
  const LoadedGrammar nested("root ::= \"(\" root \")\" | \"\"");
  CHECK(verdict(nested.grammar, std::string(20'000, '(') + std::string(20'000, ')')) == "whole");
  const LoadedGrammar list("root ::= [a-z]+ (\" \" [a-z]+)*");
  std::string text = "a";
  for (int i = 0; i < 100'000; ++i) text += " word";
  CHECK(verdict(list.grammar, text) == "whole");
}

TEST_CASE("too many readings of a text are an end, not a crash") {
  const LoadedGrammar loaded(
      "root ::= \"(\" root \"x\" | \"(\" root \"y\" | \"(\" root \"z\" | \"\"");
  GrammarMatcher matcher(loaded.grammar);
  GrammarMatcher::Place place, next;
  REQUIRE(matcher.start(place));
  int steps = 0;
  for (; steps < 40 && matcher.step(place, '(', next); ++steps) {
    matcher.keep(next);
    place = next;
  }
  CHECK(steps < 40);
  CHECK(matcher.failed());
}

TEST_CASE("repetitions of repetitions that may be empty are too many readings") {
  const LoadedGrammar loaded("root ::= x{500}\nx ::= y{500}\ny ::= \"a\"?");
  GrammarMatcher matcher(loaded.grammar);
  GrammarMatcher::Place place, next;
  bool good = matcher.start(place);
  for (int steps = 0; steps < 40 && good; ++steps) {
    good = matcher.step(place, 'a', next);
    matcher.keep(next);
    place = next;
  }
  CHECK(matcher.failed());
}
