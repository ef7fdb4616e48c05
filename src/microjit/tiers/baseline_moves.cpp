// Parallel moves: block arguments on edges, arguments of calls, results, parameters.
#include <algorithm>

#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::kNoValue;
using ir::ValueId;

void Compiler::add_source(Move& move, ValueId v, u32 p) {
  const ValueInfo& it = info(v);
  move.bank = it.bank;
  move.part = static_cast<u8>(p);
  move.bytes = type_of(v).is_vector() ? it.part_bytes : 8;
  move.from = register_of(v, p);
  if (move.from != kNoReg) return;
  if (it.remade)
    move.remade = v;
  else if (part(v, p).in_slot)
    move.from_offset = it.slot + static_cast<i32>(p * it.part_bytes);
  else
    first_error_.handleError(1, "a value to move is nowhere", nullptr);
}

// Whether another move still has to read what this one overwrites.
bool Compiler::blocked(const Move& move) const {
  for (const Move& other : moves_) {
    if (other.done || &other == &move || other.remade != kNoValue) continue;
    if (move.to != kNoReg ? other.from == move.to
                          : other.from == kNoReg && other.from_offset == move.to_offset)
      return true;
  }
  return false;
}

void Compiler::emit_move(const Move& m) {
  const auto load = [&](RegId to) {
    if (m.remade != kNoValue)
      make_again(to, m.remade, m.part);
    else if (m.from == kNoReg && m.bank == Bank::Gp)
      a_.mov(gp64(to), frame(m.from_offset));
    else if (m.from == kNoReg)
      load_vec(to, frame(m.from_offset, m.bytes), m.bytes);
    else if (m.bank == Bank::Gp)
      a_.mov(gp64(to), gp64(m.from));
    else
      move_vec(to, vec(m.from, m.bytes), m.bytes);
  };
  if (m.to != kNoReg) return load(m.to);
  if (i64 value; m.remade != kNoValue && immediate(m.remade, value)) {
    a_.mov(frame(m.to_offset), Imm(value));
    return;
  }
  RegId from = m.from;
  if (from == kNoReg) load(from = m.bank == Bank::Gp ? kScratchGp : kScratchVec);
  if (m.bank == Bank::Gp)
    a_.mov(frame(m.to_offset), gp64(from));
  else
    store_vec(frame(m.to_offset, m.bytes), from, m.bytes);
}

// When nothing can go on, only cycles are left: what `move` overwrites is put aside.
void Compiler::break_cycle(Move& move) {
  if (cycle_slot_ < 0) cycle_slot_ = new_slot(ir::kMaxVectorBytes);
  const auto overwritten = [&](const Move& other) {
    if (other.done || other.remade != kNoValue) return false;
    return move.to != kNoReg ? other.from == move.to
                             : other.from == kNoReg && other.from_offset == move.to_offset;
  };
  Move aside;
  aside.bank = move.bank;
  for (const Move& other : moves_)  // what is there may be wider than what comes
    if (overwritten(other)) aside.bytes = std::max(aside.bytes, other.bytes);
  aside.from = move.to;
  aside.from_offset = move.to_offset;
  aside.to_offset = cycle_slot_;
  emit_move(aside);
  for (Move& other : moves_)
    if (overwritten(other)) {
      other.from = kNoReg;
      other.from_offset = cycle_slot_;
    }
}

void Compiler::run_moves() {
  usize left = moves_.size();
  for (Move& m : moves_) {
    const bool same =
        m.remade == kNoValue && m.from == m.to && (m.to != kNoReg || m.from_offset == m.to_offset);
    if (same) {
      m.done = true;
      --left;
    }
  }
  while (left != 0) {
    bool progress = false;
    for (Move& m : moves_) {
      if (m.done || blocked(m)) continue;
      emit_move(m);
      m.done = true;
      --left;
      progress = true;
    }
    if (progress) continue;
    for (Move& m : moves_)
      if (!m.done) {
        break_cycle(m);
        break;
      }
  }
  moves_.clear();
}

}  // namespace bf::microjit::baseline
