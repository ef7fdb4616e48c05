// Jumps, switches, calls and returns.
#include <algorithm>

#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Instruction;
using ir::Op;
using ir::ValueId;
using x86::CondCode;

// ---- Edges --------------------------------------------------------------------------------------

bool Compiler::edge_needs_moves(const ir::Edge& e) {
  const ValueId first = f_.blocks[e.block].first_argument;
  const auto arguments = f_.arguments_of(e);
  for (u32 n = 0; n < arguments.size(); ++n) {
    if (!analysis_.is_read(first + n)) continue;
    for (u32 p = 0; p < info(first + n).part_count; ++p) {
      const RegId fixed = part(first + n, p).fixed;
      if (fixed == kNoReg || fixed != register_of(arguments[n], p)) return true;
    }
  }
  return false;
}

void Compiler::edge_moves(const ir::Edge& e) {
  const ValueId first = f_.blocks[e.block].first_argument;
  const auto arguments = f_.arguments_of(e);
  for (u32 n = 0; n < arguments.size(); ++n) {
    if (!analysis_.is_read(first + n)) continue;
    for (u32 p = 0; p < info(first + n).part_count; ++p) {
      Move move;
      move.to = part(first + n, p).fixed;
      if (move.to == kNoReg)
        move.to_offset = slot_of(first + n) + static_cast<i32>(p * info(first + n).part_bytes);
      add_source(move, arguments[n], p);
      moves_.push_back(move);
    }
  }
  run_moves();
}

// Whether the moves for one edge leave alone what the other edge and its block need.
bool Compiler::can_move_first(const ir::Edge& e, const ir::Edge& other) {
  if (analysis_.registers != Registers::Everywhere) return false;
  const u32 there = analysis_.block_start[analysis_.layout.position[other.block]];
  RegMask needed = 0;
  const ValueId first_other = f_.blocks[other.block].first_argument;
  const auto arguments = f_.arguments_of(other);
  for (u32 n = 0; n < arguments.size(); ++n)
    for (u32 p = 0; p < info(first_other + n).part_count; ++p)
      if (const RegId r = register_of(arguments[n], p); r != kNoReg) needed |= bit(r);
  const ValueId first = f_.blocks[e.block].first_argument;
  for (u32 n = 0; n < f_.blocks[e.block].argument_count; ++n) {
    if (!analysis_.is_read(first + n)) continue;
    for (u32 p = 0; p < info(first + n).part_count; ++p) {
      const RegId r = part(first + n, p).fixed;
      if (r == kNoReg) return false;
      const RegId now = register_of(f_.arguments_of(e)[n], p);
      if (now != r && ((needed & bit(r)) != 0 || !analysis_.free_in(r, {there, there})))
        return false;
    }
  }
  return true;
}

// The registers of the arguments on an edge hold these now, even where it is not taken.
void Compiler::forget_overwritten(const ir::Edge& e) {
  const ir::Block& to = f_.blocks[e.block];
  RegMask overwritten = 0;
  for (u32 n = 0; n < to.argument_count; ++n)
    for (u32 p = 0; p < info(to.first_argument + n).part_count; ++p)
      if (const RegId r = part(to.first_argument + n, p).fixed; r != kNoReg) overwritten |= bit(r);
  forget_cache(overwritten);
}

// A jump to another block, and nothing to do for it.
bool Compiler::only_leads_on(ir::BlockId b) {
  const ir::Block& block = f_.blocks[b];
  if (analysis_.registers != Registers::Everywhere || block.instruction_count != 1) return false;
  const Instruction& i = f_.terminator(block);
  if (i.op != Op::br) return false;
  const u32 k = analysis_.layout.position[b];
  for (const Held& made : analysis_.made)
    if (made.block == k) return false;
  const ir::Edge& e = f_.edges_of(i)[0];
  const ValueId first = f_.blocks[e.block].first_argument;
  const auto arguments = f_.arguments_of(e);
  for (u32 n = 0; n < arguments.size(); ++n) {
    if (!analysis_.is_read(first + n)) continue;
    if (info(arguments[n]).remade) return false;
    for (u32 p = 0; p < info(first + n).part_count; ++p)
      if (part(first + n, p).fixed == kNoReg ||
          part(first + n, p).fixed != part(arguments[n], p).fixed)
        return false;
  }
  return true;
}

// Where a jump to a block has to go.
Label Compiler::target(ir::BlockId b) {
  constexpr u32 kMostSteps = 4;  // blocks may lead to each other for ever
  for (u32 step = 0; step < kMostSteps && only_leads_on(b); ++step)
    b = f_.edges_of(f_.terminator(f_.blocks[b]))[0].block;
  return labels_[b];
}

bool Compiler::is_next(ir::BlockId b) const {
  const u32 next = current_ + 1;
  return next < analysis_.layout.order.size() && analysis_.layout.order[next] == b;
}

void Compiler::go(ir::BlockId b) {
  if (!is_next(b)) a_.jmp(target(b));
}

void Compiler::jump_to(const ir::Edge& e) {
  edge_moves(e);
  go(e.block);
}

void Compiler::branch(const Instruction& i) {
  jump_to(f_.edges_of(i)[0]);
}

void Compiler::jump_if(Condition c, Label to) {
  const InstId jump = Inst::jccFromCond(c.code);
  switch (c.parity) {
    case Condition::Parity::Ignored:
      return emit(jump, to);
    case Condition::Parity::AndNot: {
      const Label no = a_.newLabel();
      a_.jp(no);
      emit(jump, to);
      a_.bind(no);
      return;
    }
    case Condition::Parity::Or:
      emit(jump, to);
      a_.jp(to);
  }
}

void Compiler::jump_unless(Condition c, Label to) {
  const Condition::Parity parity = c.parity;
  c.code = x86::negateCond(c.code);
  c.parity = parity == Condition::Parity::AndNot ? Condition::Parity::Or
             : parity == Condition::Parity::Or   ? Condition::Parity::AndNot
                                                 : Condition::Parity::Ignored;
  jump_if(c, to);
}

void Compiler::branch_if(const Instruction& i) {
  const auto edges = f_.edges_of(i);
  const ir::Edge &yes = edges[0], &no = edges[1];
  const Condition c = condition_of(f_.operands_of(i)[0]);
  if (!borrowed_.empty()) give_back();  // moves leave the flags alone
  const bool yes_moves = edge_needs_moves(yes), no_moves = edge_needs_moves(no);
  // Around a loop: moves, and one jump. (They leave the flags alone.)
  for (const bool is_yes : {true, false}) {
    const ir::Edge &back = is_yes ? yes : no, &other = is_yes ? no : yes;
    if (!(is_yes ? yes_moves : no_moves) || analysis_.layout.position[back.block] > current_ ||
        !can_move_first(back, other))
      continue;
    edge_moves(back);
    forget_overwritten(back);
    if (is_yes)
      jump_if(c, target(back.block));
    else
      jump_unless(c, target(back.block));
    return jump_to(other);
  }
  if (!yes_moves && !no_moves) {
    if (is_next(yes.block)) return jump_unless(c, target(no.block));
    jump_if(c, target(yes.block));
    return go(no.block);
  }
  if (!yes_moves) {
    jump_if(c, target(yes.block));
    return jump_to(no);
  }
  if (!no_moves) {
    jump_unless(c, target(no.block));
    return jump_to(yes);
  }
  // Moves on both sides: the second side is the one that may fall through.
  const bool yes_last = is_next(yes.block);
  const ir::Edge &first = yes_last ? no : yes, &last = yes_last ? yes : no;
  const Label second = a_.newLabel();
  if (yes_last)
    jump_if(c, second);
  else
    jump_unless(c, second);
  edge_moves(first);
  a_.jmp(target(first.block));
  a_.bind(second);
  jump_to(last);
}

// ---- Switch -------------------------------------------------------------------------------------

namespace {

// A table takes no more than a certain number of entries for each case.
bool is_dense(u64 first, u64 last, usize cases) {
  constexpr u64 kFewest = 5, kEntriesPerCase = 10, kMostEntries = 1024;
  return cases >= kFewest && last - first < kMostEntries && last - first < kEntriesPerCase * cases;
}

}  // namespace

void Compiler::search_case(std::span<const Case> cases, SwitchValue v, Label otherwise,
                           bool falls_through) {
  constexpr usize kLinear = 4;
  const auto compare_with = [&](u64 wanted) {
    const i64 as_signed = v.bytes == 8 ? static_cast<i64>(wanted) : static_cast<i32>(wanted);
    if (as_signed == static_cast<i32>(as_signed)) {
      emit(Inst::kIdCmp, gp(v.reg, v.bytes), Imm(as_signed));
    } else {
      a_.mov(x86::r11, Imm(as_signed));
      a_.cmp(gp64(v.reg), x86::r11);
    }
  };
  if (cases.size() <= kLinear) {
    for (const auto& [wanted, label] : cases) {
      compare_with(wanted);
      a_.je(label);
    }
    if (!falls_through) a_.jmp(otherwise);
    return;
  }
  if (is_dense(cases.front().value, cases.back().value, cases.size()))
    return jump_by_table(cases, v, otherwise);
  const usize middle = cases.size() / 2;
  const Label below = a_.newLabel();
  compare_with(cases[middle].value);
  a_.jb(below);
  search_case(cases.subspan(middle), v, otherwise, false);
  a_.bind(below);
  search_case(cases.first(middle), v, otherwise, falls_through);
}

// Only the scratch register is needed. The table holds addresses, and the one of itself before them.
void Compiler::jump_by_table(std::span<const Case> cases, SwitchValue v, Label otherwise) {
  const u64 first = cases.front().value, entries = cases.back().value - first + 1;
  JumpTable table{a_.newLabel(), std::vector<Label>(entries, otherwise)};
  for (const Case& c : cases) table.targets[c.value - first] = c.to;
  const x86::Gp value = gp(v.reg, v.bytes), number = gp(kScratchGp, v.bytes);
  const u64 down = -first;
  const bool moved = first != 0;
  if (moved && static_cast<i64>(down) == static_cast<i32>(down)) {
    a_.lea(number, x86::ptr(gp64(v.reg), static_cast<i32>(down)));
  } else if (moved && v.bytes == 4) {
    if (v.reg != kScratchGp) a_.mov(number, value);
    a_.add(number, Imm(static_cast<i32>(down)));
  } else if (moved) {
    a_.mov(number, Imm(down));
    a_.add(number, value);
  }
  a_.cmp(moved ? number : value, Imm(entries - 1));
  a_.ja(otherwise);
  constexpr u64 kFarthest = 1 << 24;
  if (v.zero_extended && v.reg != kScratchGp && first < kFarthest) {
    a_.lea(x86::r11, x86::ptr(table.at, 8 - 8 * static_cast<i32>(first)));
    a_.jmp(x86::ptr(x86::r11, gp64(v.reg), 3, 0, 8));
  } else {
    if (!moved && v.reg != kScratchGp) a_.mov(number, value);
    a_.shl(x86::r11, 3);
    a_.add(x86::r11, x86::ptr(table.at, 0, 8));
    a_.jmp(x86::ptr(x86::r11, 0, 8));
  }
  jump_tables_.push_back(std::move(table));
}

void Compiler::place_jump_tables() {
  if (jump_tables_.empty()) return;
  a_.align(asmjit::AlignMode::kZero, 8);
  const auto address_of = [&](u64 place) {
    out_.relocations.push_back(
        {static_cast<u32>(a_.offset()), RelocKind::Code, 0, static_cast<i64>(place)});
    const u64 to_come = 0;
    a_.embed(&to_come, sizeof to_come);
  };
  for (const JumpTable& table : jump_tables_) {
    a_.bind(table.at);
    address_of(a_.offset() + 8);
    for (const Label& target : table.targets) address_of(code_.labelOffset(target));
  }
}

void Compiler::switch_on(const Instruction& i) {
  const auto edges = f_.edges_of(i);
  const ValueId v = f_.operands_of(i)[0];
  const u32 bits = type_of(v).element_bits();
  const u64 mask = bits == 64 ? ~u64{0} : (u64{1} << bits) - 1;
  SwitchValue value{kScratchGp, bits == 64 ? 8u : 4u, bits == 64 || upper_bits_clear(v)};
  if (bits == 64 || register_of(v, 0) != kNoReg)
    value.reg = fetch(v);
  else
    load_part(kScratchGp, v, 0);
  if (bits < 32 && !value.zero_extended) {
    extend(kScratchGp, gp64(value.reg), bits, 32, false);
    value.reg = kScratchGp;
  }
  std::vector<Label> targets;  // by edge: the block, or the moves before it
  for (const ir::Edge& e : edges)
    targets.push_back(edge_needs_moves(e) ? a_.newLabel() : target(e.block));
  std::vector<Case> cases;
  for (u32 n = 1; n < edges.size(); ++n)
    cases.push_back({f_.cases[i.aux + n - 1] & mask, targets[n]});
  std::sort(cases.begin(), cases.end(),
            [](const Case& x, const Case& y) { return x.value < y.value; });
  const auto own = [&](u32 n) { return targets[n].id() != target(edges[n].block).id(); };
  bool moves = false;
  for (u32 n = 0; n < edges.size(); ++n) moves = moves || own(n);
  search_case(cases, value, targets[0], own(0) || (!moves && is_next(edges[0].block)));
  for (u32 n = 0; n < edges.size(); ++n) {
    if (!own(n)) continue;
    a_.bind(targets[n]);
    edge_moves(edges[n]);
    a_.jmp(target(edges[n].block));
  }
}

// ---- Calls --------------------------------------------------------------------------------------

// What lives on after the call and is only in a register that the call may change goes to its slot.
void Compiler::save_before_call(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  for (RegMask left = occupied_ & ~kCalleeSaved; left != 0; left &= left - 1) {
    const RegId r = static_cast<RegId>(__builtin_ctzll(left));
    const ValueId v = owner_[r];
    const auto here = static_cast<u32>(std::count(operands.begin(), operands.end(), v));
    if (info(v).uses > here && !info(v).remade && !part(v, owner_part_[r]).in_slot)
      store_part(v, owner_part_[r], r);
  }
  if (analysis_.registers != Registers::Everywhere) return;
  // Values for life in registers that the call may change.
  across_call_ = analysis_.alive_across(position_, read_ & ~kCalleeSaved);
  for (const Borrowed& b : borrowed_) across_call_ &= ~bit(b.reg);
  for (RegMask left = across_call_; left != 0; left &= left - 1)
    save_register(static_cast<RegId>(__builtin_ctzll(left)));
}

void Compiler::restore_after_call() {
  for (RegMask left = across_call_; left != 0; left &= left - 1)
    load_register(static_cast<RegId>(__builtin_ctzll(left)));
  across_call_ = 0;
}

void Compiler::call(const Instruction& i) {
  const ir::FunctionType& type = call_type(module_, i);
  const Passing passing(type);
  const u32 first = i.op == Op::call_indirect ? 1 : 0;
  const RegId target = type.variadic ? kR10 : kRax;
  const auto operands = f_.operands_of(i);
  save_before_call(i);
  if (!type.by_value.empty()) copy_arguments(operands.subspan(first), passing, type);
  for (usize n = 0; n < type.parameters.size(); ++n) {
    if (passing.where[n].copied != 0) continue;
    Move move;
    move.to = passing.where[n].reg;
    if (move.to == kNoReg)
      move.to_offset = static_cast<i32>(passing.where[n].stack_offset) -
                       static_cast<i32>(analysis_.outgoing_bytes);
    add_source(move, operands[first + n], 0);
    moves_.push_back(move);
  }
  if (i.op == Op::call_indirect) {
    Move move;
    move.to = target;
    add_source(move, operands[0], 0);
    moves_.push_back(move);
  }
  run_moves();
  if (analysis_.wide_vectors) a_.vzeroupper();
  if (type.variadic) a_.mov(x86::eax, Imm(passing.used.vector));
  if (i.op == Op::call) {
    reloc(target, RelocKind::Slot, i.aux);
    a_.call(x86::ptr(gp64(target), 0, 8));
  } else if (i.op == Op::call_generic) {
    reloc(target, RelocKind::GuardFailures, i.aux);
    a_.add(x86::ptr(gp64(target), 0, 8), 1);
    reloc(target, RelocKind::GenericSlot, i.aux);
    a_.call(x86::ptr(gp64(target), 0, 8));
  } else {
    if (i.op == Op::call_import) reloc(target, RelocKind::Import, i.aux);
    a_.call(gp64(target));
  }
  forget_cache(~kCalleeSaved);
  bind_results(i, type);
}

// Results of a bank come in rax, rdx or xmm0, xmm1 in turn. The second one belongs to the
// instruction after the call.
void Compiler::bind_results(const Instruction& i, const ir::FunctionType& type) {
  constexpr RegId kGeneral[] = {kRax, kRdx}, kFloat[] = {vec_id(0), vec_id(1)};
  u32 general = 0, floats = 0;
  const Instruction* const next = &i + 1;
  ValueId values[ir::kMaxResults] = {i.result, ir::kNoValue};
  if (type.results.size() == 2 && next->op == Op::second) values[1] = next->result;
  RegId at[ir::kMaxResults] = {kNoReg, kNoReg};
  for (usize n = 0; n < type.results.size(); ++n) {
    at[n] = bank_of({type.results[n]}) == Bank::Gp ? kGeneral[general++] : kFloat[floats++];
    pin(at[n]);
  }
  for (usize n = 0; n < type.results.size(); ++n) {
    if (values[n] == ir::kNoValue || info(values[n]).uses == 0) continue;
    if (part(values[n], 0).fixed != kNoReg) {  // it may be where the other one is
      Move move;
      move.to = part(values[n], 0).fixed;
      move.from = at[n];
      move.bank = info(values[n]).bank;
      moves_.push_back(move);
    } else if ((reserved_ & bit(at[n])) != 0) {
      store_part(values[n], 0, at[n]);
    } else {
      cache(at[n], values[n], 0);
      complete(values[n]);
    }
  }
  run_moves();
}

void Compiler::return_results(const Instruction& i) {
  constexpr RegId kGeneral[] = {kRax, kRdx}, kFloat[] = {vec_id(0), vec_id(1)};
  u32 general = 0, floats = 0;
  for (const ValueId v : f_.operands_of(i)) {
    Move move;
    add_source(move, v, 0);
    move.to = info(v).bank == Bank::Gp ? kGeneral[general++] : kFloat[floats++];
    moves_.push_back(move);
  }
  run_moves();
  if (current_ + 1 != analysis_.layout.order.size()) a_.jmp(exit_);
}

}  // namespace bf::microjit::baseline
