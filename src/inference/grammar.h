// A grammar of texts, in llama.cpp's notation (GBNF).
//
//   Grammar grammar;
//   if (!grammar.parse("root ::= [0-9]+ (\", \" root)?", error)) ...
//
// A rule is `name ::= alternatives`, up to the end of the line; the text is what `root` gives.
// Alternatives are parted by `|`. They are made of "literals", classes [a-z0-9_] and [^\n], any
// character (.), names of rules, groups (...), and repetitions x* x+ x? x{2} x{2,} x{2,5}. In
// parentheses and behind ::= and | a line may end. # starts a comment. Escapes are \n \r \t \\ \"
// \[ \] \x41 \u0041 \U00000041. What is wrong is told with line and column.
//
// A grammar must not be left-recursive: a rule that begins with itself is refused.
#pragma once

#include "inference/list.h"
#include "inference/message.h"
#include "inference/types.h"

namespace inference {

struct CodeRange {
  u32 first;
  u32 last;
};

class Grammar {
 public:
  static constexpr u32 kLastCode = 0x10ffff;

  // One place in a rule. Alternatives are rows of nodes, each with an End.
  struct Node {
    enum Kind : u32 { End, Code, Class, Rule };
    Kind kind;
    u32 value;  // of a Code the character, else the number of the class or rule
  };

  [[nodiscard]] bool parse(Text text, Error& error);

  u32 root() const { return root_; }
  const Node& node(u32 index) const { return nodes_[index]; }
  // The first nodes of a rule's alternatives.
  View<u32> alternatives(u32 rule) const {
    const auto& [first, count] = rules_[rule];
    return {alternatives_.data() + first, count};
  }

  // Whether a node that is a Code or a Class takes one of the characters from `first` to `last`.
  bool takes(const Node& node, u32 first, u32 last) const;

 private:
  friend class GrammarParser;
  struct Stretch {
    u32 first;
    u32 count;
  };

  List<Node> nodes_;
  List<u32> alternatives_;
  List<Stretch> rules_;     // in alternatives_
  List<Stretch> classes_;   // in ranges_
  List<CodeRange> ranges_;  // of one class: ascending, apart
  u32 root_ = 0;
};

}  // namespace inference
