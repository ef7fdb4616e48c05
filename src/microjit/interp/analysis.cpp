#include "microjit/interp/analysis.h"

#include <algorithm>

#include "microjit/interp/operand_forms.h"

namespace bf::microjit::interp {

using ir::BlockId;
using ir::Def;
using ir::Edge;
using ir::Function;
using ir::Instruction;
using ir::Kind;
using ir::Op;
using ir::Signature;
using ir::Type;
using ir::ValueId;

namespace {

// More users than this make an address once.
constexpr u32 kMostAbsorbed = 4;

bool is_word(Type t) { return !t.is_vector() && (t.is_int() || t.kind == Kind::Ptr); }

// Whether handlers leave zeros above the bits of the value.
bool has_zeros_above(const Function& f, ValueId v) {
  const ir::Value& value = f.values[v];
  if (value.def != Def::Instruction || !value.type.is_int() || value.type.is_vector()) return false;
  const Instruction& i = f.instructions[value.index];
  return i.op == Op::load || integer_form(i.op, i.type.kind, Form::SlotSlot, true) != nullptr;
}

// Whether the result of the instruction is its operand, read as another type.
bool is_alias(const Function& f, const Instruction& i) {
  if (i.op == Op::zext && !i.type.is_vector() && i.type.kind != Kind::I1)
    return has_zeros_above(f, f.operands[i.first_operand]);
  if (i.op != Op::trunc && i.op != Op::bitcast) return false;
  const Type from = f.values[f.operands[i.first_operand]].type;
  if (!is_word(from) || !is_word(i.type) || i.type.kind == Kind::I1) return false;
  return true;
}

}  // namespace

bool is_compare(const Function& f, const Instruction& i) {
  const Signature s = op_info(i.op).signature;
  return (s == Signature::IntCompare || s == Signature::FloatCompare) &&
         !f.values[f.operands[i.first_operand]].type.is_vector();
}

Analysis::Analysis(const Function& function) : f_(function), dominators_(function) {
  find_aliases();
  find_absorbed();
  count_uses();
  group_.resize(f_.values.size());
  for (ValueId v = 0; v < f_.values.size(); ++v) group_[v] = v;
  coalesce();
}

void Analysis::find_aliases() {
  alias_.resize(f_.values.size());
  for (ValueId v = 0; v < f_.values.size(); ++v) alias_[v] = v;
  instruction_block_.resize(f_.instructions.size());
  for (BlockId b = 0; b < f_.blocks.size(); ++b)
    for (const Instruction& i : f_.instructions_of(f_.blocks[b])) {
      instruction_block_[static_cast<usize>(&i - f_.instructions.data())] = b;
      if (reachable(b) && is_alias(f_, i)) alias_[i.result] = f_.operands[i.first_operand];
    }
}

// Whether a cell for `user` can do what `made` does for its operand.
bool Analysis::absorbs(const Instruction& user, u32 operand, const Instruction& made) const {
  switch (made.op) {
    case Op::index:
    case Op::ptradd:
      return (user.op == Op::load && operand == 0) || (user.op == Op::store && operand == 1);
    case Op::sext:
    case Op::zext:
      return (user.op == Op::index || user.op == Op::ptradd) && operand == 1 &&
             f_.values[f_.operands[made.first_operand]].type == Type{Kind::I32} &&
             made.type == Type{Kind::I64};
    default:
      return is_compare(f_, made) && user.op == Op::br_if;
  }
}

void Analysis::find_absorbed() {
  const usize count = f_.values.size();
  std::vector<u32> raw(count), absorbing(count);
  for (BlockId b = 0; b < f_.blocks.size(); ++b) {
    if (!reachable(b)) continue;
    for (const Instruction& i : f_.instructions_of(f_.blocks[b])) {
      if (i.result != ir::kNoValue && alias_[i.result] != i.result) continue;
      for (u32 n = 0; n < i.operand_count; ++n) {
        const ValueId v = root(f_.operands[i.first_operand + n]);
        ++raw[v];
        // Only within a block, so that what is alive between blocks has a place (resume.h).
        if (f_.values[v].def == Def::Instruction && v == f_.operands[i.first_operand + n] &&
            instruction_block_[f_.values[v].index] == b &&
            absorbs(i, n, f_.instructions[f_.values[v].index]))
          ++absorbing[v];
      }
      for (const Edge& e : f_.edges_of(i))
        for (const u32 v : f_.arguments_of(e)) ++raw[root(v)];
    }
  }
  absorbed_.resize(count);
  for (ValueId v = 0; v < count; ++v) {
    if (raw[v] == 0 || raw[v] != absorbing[v]) continue;
    absorbed_[v] = raw[v] <= (is_compare(f_, f_.instructions[f_.values[v].index]) ? 1 : kMostAbsorbed);
  }
}

void Analysis::count_uses() {
  uses_.assign(f_.values.size(), 0);
  for (BlockId b = 0; b < f_.blocks.size(); ++b) {
    if (!reachable(b)) continue;
    for (const Instruction& i : f_.instructions_of(f_.blocks[b])) {
      if (has_no_cell(i)) continue;
      for_each_operand(i, [&](ValueId v) { ++uses_[v]; });
      for (const Edge& e : f_.edges_of(i))
        for (const u32 v : f_.arguments_of(e)) ++uses_[root(v)];
    }
  }
}

// ---- Sharing of places ----------------------------------------------------------------------------
//
// Every instruction has three positions: the second is where it reads, the third where it writes;
// block arguments are written at the first position of their block.

BlockId Analysis::block_of(ValueId v) const {
  const ir::Value& value = f_.values[v];
  return value.def == Def::BlockArgument ? value.index : instruction_block_[value.index];
}

u32 Analysis::definition(ValueId v) const {
  const ir::Value& value = f_.values[v];
  if (value.def == Def::BlockArgument) return block_start(value.index);
  const Instruction& i = f_.instructions[value.index];
  return 3 * (value.index - (i.op == Op::second ? 1 : 0)) + 2;  // the call writes both
}

// Values that could share a place: scalars, and vectors made by handlers that write a part of the
// result only when they have read that part of their operands.
bool Analysis::may_share(ValueId v) const {
  const ir::Value& value = f_.values[v];
  if (value.def == Def::Constant || absorbed_[v]) return false;
  if (value.def == Def::BlockArgument || !value.type.is_vector()) {
    if (value.def == Def::BlockArgument) return true;
    const Op op = f_.instructions[value.index].op;
    return op != Op::data_addr && op != Op::func_addr && op != Op::import_addr;
  }
  switch (op_info(f_.instructions[value.index].op).signature) {
    case Signature::IntBinary:
    case Signature::FloatBinary:
    case Signature::Load:
      return true;
    default:
      return false;
  }
}

void Analysis::list_uses() {
  first_use_.assign(f_.values.size() + 1, 0);
  for (ValueId v = 0; v < f_.values.size(); ++v) first_use_[v + 1] = first_use_[v] + uses_[v];
  use_list_.resize(first_use_.back());
  std::vector<u32> next(first_use_.begin(), first_use_.end() - 1);
  for (BlockId b = 0; b < f_.blocks.size(); ++b) {
    if (!reachable(b)) continue;
    for (const Instruction& i : f_.instructions_of(f_.blocks[b])) {
      if (has_no_cell(i)) continue;
      const u32 position = 3 * static_cast<u32>(&i - f_.instructions.data()) + 1;
      const auto add = [&](ValueId v) { use_list_[next[v]++] = {b, position}; };
      for_each_operand(i, add);
      for (const Edge& e : f_.edges_of(i))
        for (const u32 v : f_.arguments_of(e)) add(root(v));
    }
  }
}

// Where `v` is alive: from its definition, or the start of a block, to the last use there or the end.
void Analysis::find_range(ValueId v, Range& range) {
  const BlockId home = block_of(v);
  const u32 from = definition(v);
  std::vector<BlockId> pending;
  const auto alive_at_end = [&](BlockId b) {
    if (seen_[b] == v + 1) return;
    seen_[b] = v + 1;
    range.segments.push_back({b == home ? from : block_start(b), block_end(b)});
    if (b != home) pending.push_back(b);
  };
  const auto alive_at_start = [&](BlockId b) {
    for (const BlockId p : dominators_.predecessors(b)) alive_at_end(p);
  };
  range.segments.push_back({from, from + 1});
  for (u32 n = first_use_[v]; n < first_use_[v + 1]; ++n) {
    const Use use = use_list_[n];
    if (use.block == home && use.position >= from) {
      range.segments.push_back({from, use.position + 1});
      continue;
    }
    range.segments.push_back({block_start(use.block), use.position + 1});
    alive_at_start(use.block);
  }
  while (!pending.empty()) {
    const BlockId b = pending.back();
    pending.pop_back();
    alive_at_start(b);
  }
  budget_ -= std::min(budget_, static_cast<u32>(range.segments.size()));
  auto& s = range.segments;
  std::sort(s.begin(), s.end(), [](const Segment& a, const Segment& b) { return a.start < b.start; });
  usize kept = 0;
  for (const Segment& next : s) {
    if (kept != 0 && next.start <= s[kept - 1].end) s[kept - 1].end = std::max(s[kept - 1].end, next.end);
    else s[kept++] = next;
  }
  s.resize(kept);
}

Analysis::Range& Analysis::range(ValueId v) {
  Range& r = ranges_[v];
  if (!r.known) find_range(v, r);
  r.known = true;
  return r;
}

void Analysis::try_to_join(ValueId a, ValueId b) {
  a = group(a), b = group(b);
  if (a == b || budget_ == 0) return;
  const auto& x = range(a).segments;
  const auto& y = range(b).segments;
  budget_ -= std::min(budget_, static_cast<u32>(x.size() + y.size()));
  for (usize i = 0, j = 0; i < x.size() && j < y.size();) {
    if (x[i].end <= y[j].start) ++i;
    else if (y[j].end <= x[i].start) ++j;
    else return;
  }
  std::vector<Segment> both(x.size() + y.size());
  std::merge(x.begin(), x.end(), y.begin(), y.end(), both.begin(),
             [](const Segment& p, const Segment& q) { return p.start < q.start; });
  // A parameter's place is given: it stands for its group.
  const bool keep_b = f_.values[b].def == Def::BlockArgument && block_of(b) == 0;
  const ValueId kept = keep_b ? b : a, gone = keep_b ? a : b;
  group_[gone] = kept;
  ranges_[kept].segments = std::move(both);
  ranges_[gone].segments = {};
}

void Analysis::coalesce() {
  list_uses();
  ranges_.resize(f_.values.size());
  seen_.assign(f_.blocks.size(), 0);
  const auto is_parameter = [&](ValueId v) {
    return f_.values[v].def == Def::BlockArgument && block_of(v) == 0;
  };
  // Back edges first: those moves are made most often.
  for (const bool back : {true, false})
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      if (!reachable(b)) continue;
      for (const Edge& e : f_.edges_of(f_.terminator(f_.blocks[b]))) {
        if ((e.block <= b) != back) continue;
        for (u32 n = 0; n < e.argument_count; ++n) {
          const ValueId to = f_.blocks[e.block].first_argument + n;
          const ValueId from = root(f_.operands[e.first_argument + n]);
          if (uses_[to] == 0 || !may_share(from)) continue;
          if (f_.values[to].type.bytes() != f_.values[from].type.bytes() &&
              (f_.values[to].type.is_vector() || f_.values[from].type.is_vector()))
            continue;
          if (is_parameter(group(to)) && is_parameter(group(from))) continue;
          try_to_join(to, from);
        }
      }
    }
}

}  // namespace bf::microjit::interp
