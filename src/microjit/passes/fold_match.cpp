// Matching the terms of fold_rules.def, and building what they turn into.
#include "microjit/ir/op_facts.h"
#include "microjit/passes/fold.h"
#include "microjit/passes/fold_terms.h"

namespace bf::passes {

namespace {

using terms::Literal;
using terms::Node;
using terms::Term;

// ---- Conditions: on the constants C and D in each lane ------------------------------------------

using Condition = bool(u64 c, u64 d, u32 bits);

u64 ones(u32 bits) {
  return bits >= 64 ? ~u64{0} : (u64{1} << bits) - 1;
}
bool power_of_two(u64 c, u64, u32) {
  return c != 0 && (c & (c - 1)) == 0;
}
bool disjoint(u64 c, u64 d, u32) {
  return (c & d) == 0;
}
bool keeps_shifted_up(u64 c, u64 d, u32 bits) {
  return c < bits && (ones(bits) << c & ones(bits) & ~d) == 0;
}
bool keeps_shifted_down(u64 c, u64 d, u32 bits) {
  return c < bits && (ones(bits) >> c & ~d) == 0;
}
bool fills_width(u64 c, u64 d, u32 bits) {
  return c < bits && d < bits && c + d == bits;
}
bool multiple_of_width(u64 c, u64, u32 bits) {
  return c % bits == 0;
}
bool in_width(u64 c, u64, u32 bits) {
  return c < bits;
}
bool sum_in_width(u64 c, u64 d, u32 bits) {
  return c < bits && d < bits && c + d < bits;
}
bool sum_fills_width(u64 c, u64 d, u32 bits) {
  return c < bits && d < bits && c + d >= bits;
}
constexpr Condition* always = nullptr;
bool same_lanes(u64, u64, u32) {
  return true;
}  // checked where conditions are

struct Rule {
  Term pattern, result;
  Condition* condition;
};

// In a namespace where only the language's names are seen.
namespace rules {
using namespace terms;
constexpr Rule kRules[] = {
#define BF_RULE(pattern, result, condition) {pattern, result, condition},
#include "microjit/passes/fold_rules.def"
#undef BF_RULE
};
}  // namespace rules
using rules::kRules;
constexpr u32 kRuleCount = sizeof kRules / sizeof *kRules;

constexpr Op root(const Rule& r) {
  return static_cast<Op>(r.pattern.items[0].what);
}

// Rules by operation: those of `op` are order[first[op]] ... order[first[op + 1] - 1].
struct Index {
  u8 first[ir::kOpCount + 1] = {};
  u8 order[kRuleCount] = {};
};
static_assert(kRuleCount < 256);
constexpr Index kIndex = [] {
  Index index;
  u8 at = 0;
  for (u32 op = 0; op < ir::kOpCount; ++op) {
    index.first[op] = at;
    for (u32 r = 0; r < kRuleCount; ++r)
      if (root(kRules[r]) == static_cast<Op>(op)) index.order[at++] = static_cast<u8>(r);
  }
  index.first[ir::kOpCount] = at;
  return index;
}();

// What a pattern asks of the operands at first sight; most rules fail here.
struct Sight {
  bool constant[2] = {};  // must be constants
  u8 op[2] = {};          // must be made by this operation: its number + 1; 0: anything
};
constexpr Sight sight_of(const Rule& rule) {
  Sight s;
  const auto& items = rule.pattern.items;
  u8 at = 1;
  for (u8 n = 0; n < items[0].arity && n < 2; ++n) {
    const Node node = items[at].node;
    s.constant[n] = node == Node::Constant || node == Node::Literal;
    if (node == Node::Operation || node == Node::Once)
      s.op[n] = static_cast<u8>(items[at].what + 1);
    u8 left = 1;
    while (left-- > 0) left = static_cast<u8>(left + items[at++].arity);
  }
  return s;
}
struct Sights {
  Sight of[kRuleCount];
};
constexpr Sights kSights = [] {
  Sights s;
  for (u32 r = 0; r < kRuleCount; ++r) s.of[r] = sight_of(kRules[r]);
  return s;
}();

// What the operands of an instruction are: constants, or made by an operation.
struct Seen {
  bool constant[2] = {};
  u8 op[2] = {};
};
bool looks_like(const Sight& s, const Seen& seen, bool either_order) {
  const auto fits = [&](u32 want, u32 have) {
    return (!s.constant[want] || seen.constant[have]) &&
           (s.op[want] == 0 || s.op[want] == seen.op[have]);
  };
  return (fits(0, 0) && fits(1, 1)) || (either_order && fits(0, 1) && fits(1, 0));
}

// ---- Matching -----------------------------------------------------------------------------------

u64 literal_bits(Literal literal, Type type) {
  const u32 bits = type.element_bits();
  const bool wide = type.kind == Kind::F64;
  switch (literal) {
    case Literal::Zero:
      return 0;
    case Literal::One:
      return 1;
    case Literal::MinusOne:
      return ones(bits);
    case Literal::Least:
      return u64{1} << (bits - 1);
    case Literal::Greatest:
      return ones(bits - 1);
    case Literal::FloatOne:
      return wide ? 0x3ff0000000000000 : 0x3f800000;
    case Literal::FloatMinusOne:
      return wide ? 0xbff0000000000000 : 0xbf800000;
    case Literal::FloatZero:
      return 0;
    case Literal::FloatMinusZero:
      return u64{1} << (bits - 1);
  }
  return 0;
}

class Matcher {
 public:
  Matcher(FoldSite& site, const Term& pattern) : s_(site), p_(pattern) {}

  // The pattern's root against an instruction.
  bool matches(const Inst& i) { return operands(i, 0) != 0; }
  const ValueId* bound() const { return bound_; }

 private:
  // Each gives the position behind the subterm, or 0.
  u8 operands(const Inst& i, u8 at) {
    const u8 arity = p_.items[at].arity;
    if (arity != i.operand_count) return 0;
    if (arity == 1) return value(s_.operand(i, 0), at + 1);
    const ValueId a = s_.operand(i, 0), b = s_.operand(i, 1);
    ValueId saved[terms::kMostVariables];
    for (u32 n = 0; n < terms::kMostVariables; ++n) saved[n] = bound_[n];
    if (const u8 next = value(a, at + 1))
      if (const u8 end = value(b, next)) return end;
    if (!ir::commutes(i.op)) return 0;
    for (u32 n = 0; n < terms::kMostVariables; ++n) bound_[n] = saved[n];
    const u8 next = value(b, at + 1);
    return next ? value(a, next) : 0;
  }

  u8 value(ValueId v, u8 at) {
    const Term::Item& item = p_.items[at];
    switch (item.node) {
      case Node::Operation:
      case Node::Once: {
        const Inst* i = s_.made_by(v, static_cast<Op>(item.what));
        if (!i || (item.node == Node::Once && !s_.used_once(v))) return 0;
        return operands(*i, at);
      }
      case Node::Constant:
        if (!s_.g.is_constant(v)) return 0;
        [[fallthrough]];
      case Node::Any: {
        ValueId& bound = bound_[item.what];
        if (bound == kNoValue) bound = v;
        return same_constant(s_.g, bound, v) ? at + 1 : 0;
      }
      case Node::Literal: {
        u64 bits;
        if (!is_splat(s_.g, v, bits)) return 0;
        return bits == literal_bits(static_cast<Literal>(item.what), s_.g.type(v)) ? at + 1 : 0;
      }
    }
    return 0;
  }

  FoldSite& s_;
  const Term& p_;
  ValueId bound_[terms::kMostVariables] = {kNoValue, kNoValue, kNoValue, kNoValue};
};

bool holds(const Graph& g, const Rule& rule, const ValueId* bound) {
  if (!rule.condition) return true;
  const ValueId c = bound[2], d = bound[3];
  const Type t = g.type(c);
  u64 splat;
  if (rule.condition == same_lanes) return is_splat(g, c, splat);
  // There are no shifts of bytes in vector units.
  if (rule.condition == power_of_two && t.is_vector() && t.element_bits() == 8) return false;
  for (u32 lane = 0; lane < t.lanes; ++lane)
    if (!rule.condition(constant_lane(g, c, lane), d == kNoValue ? 0 : constant_lane(g, d, lane),
                        t.element_bits()))
      return false;
  return true;
}

// ---- Building -----------------------------------------------------------------------------------

class TermBuilder {
 public:
  TermBuilder(FoldSite& site, const Term& term, const ValueId* bound)
      : s_(site), t_(term), bound_(bound) {}

  Folded build(InstId inst) {
    const Term::Item& item = t_.items[0];
    const Type type = s_.g.insts[inst].type;
    if (item.node != Node::Operation) {
      u8 at = 0;
      return Folded::to(value(at, type));
    }
    u8 at = 1;
    ValueId ids[3];
    operands(at, item.arity, ids, type);
    bool constant = true;
    for (u8 n = 0; n < item.arity; ++n) constant = constant && s_.g.is_constant(ids[n]);
    if (constant) return Folded::to(s_.make(static_cast<Op>(item.what), type, {ids, item.arity}));
    s_.g.rewrite(inst, static_cast<Op>(item.what), {ids, item.arity});
    return Folded::in_place();
  }

 private:
  // Literals take the type of the operand beside them.
  void operands(u8& at, u8 arity, ValueId* ids, Type fallback) {
    Type type = fallback;
    for (int round = 0; round < 2; ++round) {
      u8 here = at;
      for (u8 n = 0; n < arity; ++n) {
        const bool literal = t_.items[here].node == Node::Literal;
        if (literal == (round == 1))
          ids[n] = value(here, type);
        else
          skip(here);
        if (round == 0 && !literal) type = s_.g.type(ids[n]);
      }
      if (round == 1) at = here;
    }
  }
  void skip(u8& at) const {
    u8 left = 1;
    while (left-- > 0) left = static_cast<u8>(left + t_.items[at++].arity);
  }

  ValueId value(u8& at, Type type) {
    const Term::Item& item = t_.items[at++];
    switch (item.node) {
      case Node::Any:
      case Node::Constant:
        return bound_[item.what];
      case Node::Literal:
        return s_.g.splat_constant(type, literal_bits(static_cast<Literal>(item.what), type));
      default: {
        ValueId ids[3];
        operands(at, item.arity, ids, type);
        return s_.make(static_cast<Op>(item.what), s_.g.type(ids[0]), {ids, item.arity});
      }
    }
  }

  FoldSite& s_;
  const Term& t_;
  const ValueId* bound_;
};

}  // namespace

Folded apply_rules(FoldSite& site, InstId inst) {
  const Inst& i = site.g.insts[inst];
  const u32 op = static_cast<u32>(i.op);
  if (kIndex.first[op] == kIndex.first[op + 1]) return {};
  Seen seen;
  for (u32 n = 0; n < i.operand_count && n < 2; ++n) {
    const ValueId v = site.operand(i, n);
    seen.constant[n] = site.g.is_constant(v);
    if (const Inst* d = site.g.definition(v))
      seen.op[n] = static_cast<u8>(static_cast<u32>(d->op) + 1);
  }
  const bool either_order = ir::commutes(i.op);
  for (u32 n = kIndex.first[op]; n < kIndex.first[op + 1]; ++n) {
    if (!looks_like(kSights.of[kIndex.order[n]], seen, either_order)) continue;
    const Rule& rule = kRules[kIndex.order[n]];
    Matcher matcher(site, rule.pattern);
    if (matcher.matches(i) && holds(site.g, rule, matcher.bound()))
      return TermBuilder(site, rule.result, matcher.bound()).build(inst);
  }
  return {};
}

}  // namespace bf::passes
