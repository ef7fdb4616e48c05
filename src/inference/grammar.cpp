// Reading a grammar: see grammar.h for the notation.
#include "inference/grammar.h"

#include "inference/binary_heap.h"
#include "inference/name_table.h"
#include "inference/unicode.h"

namespace inference {

namespace {

constexpr u64 kLongestText = 1 << 20;
constexpr u64 kMostNodes = 1 << 20;
constexpr u64 kMostRepetitions = 2000;  // as in llama.cpp
constexpr u32 kDeepestGroup = 100;
constexpr u32 kUnbounded = UINT32_MAX;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

i32 hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = static_cast<char>(c | 0x20);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

}  // namespace

bool Grammar::takes(const Node& node, u32 first, u32 last) const {
  if (node.kind == Node::Code) return node.value >= first && node.value <= last;
  const auto [start, count] = classes_[node.value];
  u32 low = 0, high = count;  // the first range that ends at `first` or later
  while (low < high) {
    const u32 middle = low + (high - low) / 2;
    if (ranges_[start + middle].last < first)
      low = middle + 1;
    else
      high = middle;
  }
  return low < count && ranges_[start + low].first <= last;
}

class GrammarParser {
 public:
  GrammarParser(Grammar& grammar, Text text, Error& error)
      : grammar_(grammar), text_(text), error_(error) {}

  bool parse();

 private:
  using Node = Grammar::Node;

  struct Rule {
    bool named;
    bool defined;
    bool nullable;
    bool settled;  // leads from its left edge into no recursion
    u32 at;        // in the text: where it is first named
  };

  // What a rule is being made of.
  struct Body {
    List<Node> nodes;
    u64 symbol = kNoSymbol;  // where the last symbol begins, which a repetition repeats
    static constexpr u64 kNoSymbol = UINT64_MAX;
  };

  bool parse_rule();
  bool parse_alternatives(u32 rule, bool grouped);
  bool parse_sequence(Body& body, bool grouped);
  bool parse_symbol(Body& body, bool& found);
  bool parse_literal(Body& body);
  bool parse_class(Body& body);
  bool parse_name(u32& rule);
  u32 find_rule(Text name) const;
  bool is_named(u32 rule, Text name) const;
  bool parse_group(Body& body);
  bool parse_character(u32& code);
  bool parse_repetition(u32& least, u32& most);
  bool parse_count(u32& count);
  bool repeat(Body& body, u32 least, u32 most);

  u32 add_rule(bool named, u32 at);
  bool define(u32 rule, const List<Node>& body);
  bool define_optional(u32 rule, View<Node> symbol, u32 next);
  bool add_class(List<CodeRange>& ranges, bool negated);
  bool add(Body& body, Node::Kind kind, u32 value);
  bool check_definitions();
  void find_nullable();
  bool check_recursion();
  bool leads_to(u32 from, u32 to);
  template <class Use>
  void each_left(u32 rule, Use use) const;
  template <class Change>
  void until_settled(Change change);

  char peek(u64 ahead = 0) const { return at_ + ahead < text_.size ? text_[at_ + ahead] : '\0'; }
  bool ended() const { return at_ == text_.size; }
  void skip_space(bool lines);
  // Says what is wrong at a place of the text; false.
  bool fail(u64 at, Text what);
  bool no_memory();

  Grammar& grammar_;
  Text text_;
  Error& error_;
  u64 at_ = 0;
  u32 depth_ = 0;
  List<Rule> rules_;
  NameTable names_;
};

bool Grammar::parse(Text text, Error& error) {
  return GrammarParser(*this, text, error).parse();
}

bool GrammarParser::fail(u64 at, Text what) {
  u64 line = 1, column = 1;
  for (u64 i = 0; i < at; ++i) {
    const bool ends = text_[i] == '\n';
    line += ends ? 1 : 0;
    column = ends ? 1 : column + ((text_[i] & 0xc0) != 0x80 ? 1 : 0);
  }
  if (error_.empty()) error_ << "grammar: line " << line << ", column " << column << ": " << what;
  return false;
}

bool GrammarParser::no_memory() {
  if (error_.empty()) error_ << "grammar: not enough memory: give a smaller one";
  return false;
}

void GrammarParser::skip_space(bool lines) {
  for (;; ++at_) {
    const char c = peek();
    if (c == '#')
      while (!ended() && peek() != '\n' && peek() != '\r') ++at_;
    const char next = peek();
    if (ended() || !(next == ' ' || next == '\t' || (lines && (next == '\n' || next == '\r'))))
      return;
  }
}

bool GrammarParser::parse() {
  if (text_.size > kLongestText) return fail(0, "the grammar is longer than a megabyte");
  if (!names_.allocate(text_.size / 2 + 1)) return no_memory();
  skip_space(true);
  while (!ended())
    if (!parse_rule()) return false;
  if (!check_definitions()) return false;
  find_nullable();
  return check_recursion();
}

bool GrammarParser::parse_rule() {
  const u64 start = at_;
  u32 rule;
  if (!is_name(peek())) return fail(at_, "the name of a rule is missing (name ::= ...)");
  if (!parse_name(rule)) return false;
  if (rules_[rule].defined) return fail(start, "this rule is there twice");
  skip_space(false);
  if (peek() != ':' || peek(1) != ':' || peek(2) != '=')
    return fail(at_, "::= is missing behind the rule's name");
  at_ += 3;
  skip_space(true);
  if (!parse_alternatives(rule, false)) return false;
  if (!ended() && peek() != '\n' && peek() != '\r')
    return fail(
        at_, peek() == ')' ? Text("there is no ( for this )") : Text("this is no part of a rule"));
  skip_space(true);
  return true;
}

// Whether the name where a rule was first named is this one.
bool GrammarParser::is_named(u32 rule, Text name) const {
  const Text there = text_.from(rules_[rule].at);
  return starts_with(there, name) && (there.size == name.size || !is_name(there[name.size]));
}

u32 GrammarParser::find_rule(Text name) const {
  return names_.find(names_.hash(name), [&](u32 rule) { return is_named(rule, name); });
}

bool GrammarParser::parse_name(u32& rule) {
  const u64 start = at_;
  while (is_name(peek())) ++at_;
  const Text name(text_.data + start, at_ - start);
  rule = find_rule(name);
  if (rule != NameTable::kNone) return true;
  rule = add_rule(true, static_cast<u32>(start));
  if (rule == kUnbounded) return no_memory();
  const auto is_new = [](u32) { return false; };
  return names_.insert(names_.hash(name), rule, is_new) != NameTable::kFull || no_memory();
}

u32 GrammarParser::add_rule(bool named, u32 at) {
  const u32 rule = static_cast<u32>(rules_.size());
  const bool added = rules_.add({named, false, false, false, at}) && grammar_.rules_.add({0, 0});
  return added ? rule : kUnbounded;
}

bool GrammarParser::parse_alternatives(u32 rule, bool grouped) {
  Body body;
  for (;;) {
    if (!parse_sequence(body, grouped) || !add(body, Node::End, 0)) return false;
    if (peek() != '|') break;
    ++at_;
    skip_space(true);
  }
  return define(rule, body.nodes);
}

bool GrammarParser::define(u32 rule, const List<Node>& body) {
  const u32 first = static_cast<u32>(grammar_.alternatives_.size());
  bool fits = true, starts = true;
  for (u64 i = 0; i < body.size(); ++i) {
    const u32 node = static_cast<u32>(grammar_.nodes_.size());
    fits = fits && (!starts || grammar_.alternatives_.add(node)) && grammar_.nodes_.add(body[i]);
    starts = body[i].kind == Node::End;
  }
  rules_[rule].defined = true;
  grammar_.rules_[rule] = {first, static_cast<u32>(grammar_.alternatives_.size()) - first};
  return fits || no_memory();
}

bool GrammarParser::add(Body& body, Node::Kind kind, u32 value) {
  if (body.nodes.size() + grammar_.nodes_.size() > kMostNodes)
    return fail(at_, "the grammar grows too large here");
  return body.nodes.add({kind, value}) || no_memory();
}

bool GrammarParser::parse_sequence(Body& body, bool grouped) {
  body.symbol = Body::kNoSymbol;
  for (;;) {
    u32 least, most;
    bool found = false;
    const char c = peek();
    if (!ended() && (c == '*' || c == '+' || c == '?' || c == '{')) {
      if (body.symbol == Body::kNoSymbol) return fail(at_, "there is nothing here to repeat");
      if (!parse_repetition(least, most) || !repeat(body, least, most)) return false;
      found = true;
    } else if (!parse_symbol(body, found)) {
      return false;
    }
    if (!found) return true;
    skip_space(grouped);
  }
}

bool GrammarParser::parse_symbol(Body& body, bool& found) {
  const char c = peek();
  found = !ended() && (c == '"' || c == '[' || c == '(' || c == '.' || is_name(c));
  if (!found) return true;
  body.symbol = body.nodes.size();
  if (c == '"') return parse_literal(body);
  if (c == '[') return parse_class(body);
  if (c == '(') return parse_group(body);
  if (c == '.') {
    ++at_;
    List<CodeRange> none;
    return add_class(none, true) &&
           add(body, Node::Class, static_cast<u32>(grammar_.classes_.size() - 1));
  }
  u32 rule;
  return parse_name(rule) && add(body, Node::Rule, rule);
}

bool GrammarParser::parse_literal(Body& body) {
  const u64 start = at_++;
  while (peek() != '"') {
    u32 code;
    if (ended()) return fail(start, "this literal has no end");
    if (!parse_character(code) || !add(body, Node::Code, code)) return false;
  }
  ++at_;
  return true;
}

bool GrammarParser::parse_class(Body& body) {
  const u64 start = at_++;
  const bool negated = peek() == '^';
  at_ += negated ? 1 : 0;
  List<CodeRange> ranges;
  while (peek() != ']') {
    CodeRange range;
    const u64 place = at_;
    if (ended()) return fail(start, "this class of characters has no end");
    if (!parse_character(range.first)) return false;
    range.last = range.first;
    if (peek() == '-' && peek(1) != ']') {
      ++at_;
      if (ended()) return fail(start, "this class of characters has no end");
      if (!parse_character(range.last)) return false;
      if (range.last < range.first) return fail(place, "this range goes backwards");
    }
    if (!ranges.add(range)) return no_memory();
  }
  ++at_;
  return add_class(ranges, negated) &&
         add(body, Node::Class, static_cast<u32>(grammar_.classes_.size() - 1));
}

// As ascending ranges that do not touch, of what the class takes.
bool GrammarParser::add_class(List<CodeRange>& ranges, bool negated) {
  heap_sort(ranges.data(), ranges.size(),
            [](const CodeRange& a, const CodeRange& b) { return a.first < b.first; });
  List<CodeRange>& to = grammar_.ranges_;
  const u32 first = static_cast<u32>(to.size());
  bool fits = true;
  u32 gap = 0;  // the first character behind all ranges so far
  for (u64 i = 0; i < ranges.size(); ++i) {
    const CodeRange& range = ranges[i];
    if (negated) {
      if (range.first > gap) fits = fits && to.add({gap, range.first - 1});
    } else if (to.size() > first && range.first <= gap) {
      to[to.size() - 1].last = max(to[to.size() - 1].last, range.last);
    } else {
      fits = fits && to.add(range);
    }
    gap = max(gap, range.last + 1);
  }
  if (negated && gap <= Grammar::kLastCode) fits = fits && to.add({gap, Grammar::kLastCode});
  fits = fits && grammar_.classes_.add({first, static_cast<u32>(to.size()) - first});
  return fits || no_memory();
}

bool GrammarParser::parse_group(Body& body) {
  const u64 start = at_++;
  if (++depth_ > kDeepestGroup) return fail(start, "parentheses are too deep here");
  const u32 rule = add_rule(false, static_cast<u32>(start));
  if (rule == kUnbounded) return no_memory();
  skip_space(true);
  if (!parse_alternatives(rule, true)) return false;
  if (ended() || peek() != ')') {
    return ended() ? fail(start, "there is no ) for this (")
                   : fail(at_, "this is no part of a rule");
  }
  ++at_;
  --depth_;
  return add(body, Node::Rule, rule);
}

bool GrammarParser::parse_character(u32& code) {
  const u64 start = at_;
  if (peek() != '\\') {
    const Character c = character_at(text_, at_);
    const bool broken = c.bytes == 1 && (peek() & 0x80) != 0;
    if (c.bytes == 0 || broken) return fail(start, "this is no UTF-8");
    code = c.code;
    at_ += c.bytes;
    return true;
  }
  const char kind = peek(1);
  at_ += 2;
  const u32 digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  code = 0;
  for (u32 i = 0; i < digits; ++i, ++at_) {
    const i32 digit = ended() ? -1 : hex_digit(peek());
    if (digit < 0) return fail(start, "this escape wants more hexadecimal digits");
    code = code << 4 | static_cast<u32>(digit);
  }
  if (code > Grammar::kLastCode) return fail(start, "there is no such character");
  if (digits > 0) return true;
  constexpr Text kLetters = "nrt\\\"[]-", kMeant = "\n\r\t\\\"[]-";
  for (u64 i = 0; i < kLetters.size; ++i)
    if (at_ <= text_.size && kind == kLetters[i]) {
      code = static_cast<u8>(kMeant[i]);
      return true;
    }
  return fail(start, "there is no such escape");
}

// * + ? {2} {2,} {2,5}
bool GrammarParser::parse_repetition(u32& least, u32& most) {
  const u64 start = at_;
  const char kind = peek();
  ++at_;
  least = kind == '+' ? 1 : 0;
  most = kind == '?' ? 1 : kUnbounded;
  if (kind != '{') return true;
  skip_space(true);
  if (!parse_count(least)) return fail(at_, "a number of repetitions is missing here");
  most = least;
  skip_space(true);
  if (peek() == ',') {
    ++at_;
    skip_space(true);
    most = kUnbounded;
    if (peek() != '}' && !parse_count(most))
      return fail(at_, "a number of repetitions is missing here");
    skip_space(true);
  }
  if (peek() != '}') return fail(start, "this repetition has no }");
  ++at_;
  if (most < least) return fail(start, "this repetition's limits are the wrong way around");
  if (least > kMostRepetitions || (most != kUnbounded && most > kMostRepetitions))
    return fail(start, "these are more than 2000 repetitions");
  return true;
}

bool GrammarParser::parse_count(u32& count) {
  const u64 start = at_;
  count = 0;
  for (; peek() >= '0' && peek() <= '9'; ++at_)
    count = min<u32>(10 * count + static_cast<u32>(peek() - '0'), kMostRepetitions + 1);
  return at_ > start;
}

// x{2,4} becomes x x x1, with x1 ::= x x2 | and x2 ::= x |; x* becomes xs, with xs ::= x xs |.
bool GrammarParser::repeat(Body& body, u32 least, u32 most) {
  const u64 start = body.symbol, size = body.nodes.size() - start;
  List<Node> symbol;
  for (u64 i = 0; i < size; ++i)
    if (!symbol.add(body.nodes[start + i])) return no_memory();
  if (least == 0) body.nodes.shrink(start);
  for (u32 copy = 1; copy < least; ++copy)
    for (u64 i = 0; i < size; ++i)
      if (!add(body, symbol[i].kind, symbol[i].value)) return false;
  const View<Node> view(symbol.data(), size);
  const u32 optional = most == kUnbounded ? 1 : most - least;
  u32 next = kUnbounded;
  for (u32 i = 0; i < optional; ++i) {
    const u32 rule = add_rule(false, static_cast<u32>(at_ - 1));
    if (rule == kUnbounded) return no_memory();
    if (!define_optional(rule, view, most == kUnbounded ? rule : next)) return false;
    next = rule;
  }
  return optional == 0 || add(body, Node::Rule, next);
}

// rule ::= symbol next |
bool GrammarParser::define_optional(u32 rule, View<Node> symbol, u32 next) {
  Body body;
  for (const Node& node : symbol)
    if (!add(body, node.kind, node.value)) return false;
  if (next != kUnbounded && !add(body, Node::Rule, next)) return false;
  return add(body, Node::End, 0) && add(body, Node::End, 0) && define(rule, body.nodes);
}

// ---- What must hold of the whole ----------------------------------------------------------------

bool GrammarParser::check_definitions() {
  for (u64 i = 0; i < rules_.size(); ++i)
    if (!rules_[i].defined) return fail(rules_[i].at, "there is no rule of this name");
  grammar_.root_ = find_rule("root");
  return grammar_.root_ != NameTable::kNone || fail(0, "there is no rule called root");
}

// Changes rules one by one until nothing changes any more. Up and down in turns, because what
// depends on what is mostly in order, one way or the other.
template <class Change>
void GrammarParser::until_settled(Change change) {
  const u32 count = static_cast<u32>(rules_.size());
  bool changed = true;
  for (bool up = true; changed; up = !up) {
    changed = false;
    for (u32 i = 0; i < count; ++i) changed = change(up ? i : count - 1 - i) || changed;
  }
}

void GrammarParser::find_nullable() {
  until_settled([&](u32 rule) {
    if (rules_[rule].nullable) return false;
    for (u32 at : grammar_.alternatives(rule)) {
      while (grammar_.node(at).kind == Node::Rule && rules_[grammar_.node(at).value].nullable) ++at;
      if (grammar_.node(at).kind == Node::End) return rules_[rule].nullable = true;
    }
    return false;
  });
}

// `use(next, last)` for each rule that one may begin with; `last`: nothing comes behind it.
template <class Use>
void GrammarParser::each_left(u32 rule, Use use) const {
  for (u32 at : grammar_.alternatives(rule))
    for (; grammar_.node(at).kind == Node::Rule; ++at) {
      const u32 next = grammar_.node(at).value;
      use(next, grammar_.node(at + 1).kind == Node::End);
      if (!rules_[next].nullable) break;
    }
}

// Refused is a cycle at the left edge that somebody wrote, or that would grow the stack. What
// remains is that of repetitions of something that may be empty, ("a"*)*, which is harmless.
bool GrammarParser::check_recursion() {
  until_settled([&](u32 rule) {
    if (rules_[rule].settled) return false;
    bool settled = true;
    each_left(rule, [&](u32 next, bool) { settled = settled && rules_[next].settled; });
    rules_[rule].settled = settled;
    return settled;
  });
  for (u32 rule = 0; rule < rules_.size(); ++rule) {
    if (rules_[rule].settled) continue;
    bool recursive = false;
    each_left(rule, [&](u32 next, bool last) {
      recursive = recursive || ((!last || rules_[next].named) && leads_to(next, rule));
    });
    if (recursive)
      return fail(rules_[rule].at, "left recursion: what is here can begin with itself");
  }
  return error_.empty();
}

// Whether what `from` begins with can be `to`.
bool GrammarParser::leads_to(u32 from, u32 to) {
  Array<bool> seen;
  List<u32> pending;
  if (!seen.allocate(rules_.size()) || !pending.add(from)) return no_memory();
  while (!pending.empty()) {
    const u32 rule = pending[pending.size() - 1];
    pending.shrink(pending.size() - 1);
    if (rule == to) return true;
    if (seen[rule] || rules_[rule].settled) continue;
    seen[rule] = true;
    bool fits = true;
    each_left(rule, [&](u32 next, bool) { fits = fits && pending.add(next); });
    if (!fits) return no_memory();
  }
  return false;
}

}  // namespace inference
