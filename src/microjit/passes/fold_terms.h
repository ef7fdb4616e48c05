// The little language of fold_rules.def: terms over the operations of ops.def, built at compile
// time by functions of their names.
//
//   add(x, zero)                  a pattern: any x plus a constant zero, in either order
//   add(add(x, C), D)             C and D stand for any constants, scalars or vectors
//   once(sub(x, y))               matches only where nobody else uses the difference
//   shl(x, cttz(C))               a result: operations on constants are computed right away
//
// A variable that comes twice in a pattern must match the same value twice.
#pragma once

#include "microjit/ir/module.h"

namespace bf::passes::terms {

using ir::Op;

enum class Node : u8 { Operation, Once, Any, Constant, Literal };

// What a literal is, is up to the type it is compared with or made for: in every lane.
enum class Literal : u8 {
  Zero,
  One,
  MinusOne,
  Least,
  Greatest,
  FloatOne,
  FloatMinusOne,
  FloatZero,
  FloatMinusZero
};

inline constexpr u32 kMostNodes = 10;
inline constexpr u32 kMostVariables = 4;

// In prefix order.
struct Term {
  struct Item {
    Node node = Node::Any;
    u8 what = 0;   // operation, variable or literal
    u8 arity = 0;  // of operations
  };
  Item items[kMostNodes];
  u8 count = 0;
};

constexpr Term leaf(Node node, u8 what) {
  Term t;
  t.items[0] = {node, what, 0};
  t.count = 1;
  return t;
}

template <class... Operands>
constexpr Term operation(Op op, const Operands&... operands) {
  Term t;
  t.items[t.count++] = {Node::Operation, static_cast<u8>(op), sizeof...(operands)};
  const auto append = [&](const Term& o) {
    for (u8 n = 0; n < o.count; ++n) t.items[t.count++] = o.items[n];
  };
  (append(operands), ...);
  return t;
}

#define BF_OP(name, signature, effects, rounding, cost) \
  template <class... Operands>                          \
  constexpr Term name(const Operands&... operands) {    \
    return operation(Op::name, operands...);            \
  }
#include "microjit/ir/ops.def"
#undef BF_OP

constexpr Term once(Term t) {
  t.items[0].node = Node::Once;
  return t;
}

// The names that rules use.
inline constexpr Term x = leaf(Node::Any, 0), y = leaf(Node::Any, 1);
inline constexpr Term C = leaf(Node::Constant, 2), D = leaf(Node::Constant, 3);
inline constexpr Term zero = leaf(Node::Literal, static_cast<u8>(Literal::Zero));
inline constexpr Term one = leaf(Node::Literal, static_cast<u8>(Literal::One));
inline constexpr Term minus_one = leaf(Node::Literal, static_cast<u8>(Literal::MinusOne));
inline constexpr Term least = leaf(Node::Literal, static_cast<u8>(Literal::Least));
inline constexpr Term greatest = leaf(Node::Literal, static_cast<u8>(Literal::Greatest));
inline constexpr Term f_one = leaf(Node::Literal, static_cast<u8>(Literal::FloatOne));
inline constexpr Term f_minus_one = leaf(Node::Literal, static_cast<u8>(Literal::FloatMinusOne));
inline constexpr Term f_zero = leaf(Node::Literal, static_cast<u8>(Literal::FloatZero));
inline constexpr Term f_minus_zero = leaf(Node::Literal, static_cast<u8>(Literal::FloatMinusZero));
// Results of comparisons: in the result's type.
inline constexpr Term no = zero, yes = minus_one;

}  // namespace bf::passes::terms
