// Branches that compare, and edges: block arguments become moves.
#include "microjit/interp/decoder.h"
#include "microjit/ir/op_facts.h"

#include <algorithm>

namespace bf::microjit::interp {

void Decoder::branch_if(const Instruction& i, BlockId b) {
  Edge taken = f_.edges[i.first_edge], other = f_.edges[i.first_edge + 1];
  const ValueId condition = value(i, 0);
  if (!analysis_.absorbed(condition)) {
    emit(branch_handler(), 0, in_frame(condition));
    return two_way(taken, other, b);
  }
  const Instruction& compare = f_.instructions[f_.values[condition].index];
  const Type type = operand_type(compare, 0);
  Op op = compare.op;
  if (other.block <= b && taken.block > b) {
    std::swap(taken, other);
    op = ir::inverted(op);
  }
  const bool back = taken.block <= b && moves_of(taken).empty();
  const ValueId x = value(compare, 0), y = value(compare, 1);
  bool swapped = false;
  const Operands o = operands(x, y, true, &swapped);
  if (swapped) op = ir::swapped(op);
  Handler* const handler = type.is_float() ? wide_compare_branch_form(op, type.kind, o.form, back)
                                           : compare_branch_form(op, type.kind, o.form, back);
  BF_ASSERT(handler != nullptr);
  Cell& cell = emit_form(handler, 0, o);
  if (back) {
    if (o.form == Form::SlotImm || o.form == Form::AccImm)
      cell.c = taken.block;
    else
      cell.imm = taken.block;
  }
  used_up(x, y);
  two_way(taken, other, b, back);
}

// The moves of an edge, then the jump, which is left out where the block follows anyway.
void Decoder::edge(const Edge& e, BlockId from) {
  moves(e);
  const bool back = e.block <= from;
  if (e.block == from + 1) return;
  jump_to(e, back);
}

void Decoder::jump_to(const Edge& e, bool back) {
  emit(jump_handler(back)).imm = e.block;
  settle();
  patches_.push_back({here() - 1, true, e.block});
}

// The edges of a conditional branch: straight to the block, or by way of its moves. `free`: the
// branch itself pays for the edge that is taken.
void Decoder::two_way(const Edge& taken, const Edge& other, BlockId from, bool free) {
  settle();
  const u32 at = here() - 1;
  // What is not taken comes right after the branch.
  leg(other, from, {at, false, kNone});
  leg(taken, from, {at, true, kNone}, free);
}

void Decoder::leg(const Edge& e, BlockId from, Patch p, bool free) {
  const bool back = e.block <= from && !free;
  if (moves_of(e).empty() && !back) {
    p.target_block = e.block;
  } else {
    p.target_cell = label();
    moves(e);
    jump_to(e, back);
  }
  patches_.push_back(p);
}

void Decoder::switch_on(const Instruction& i, BlockId from) {
  auto owned = std::make_unique<SwitchTable>();
  SwitchTable* table = owned.get();
  code_->switches.push_back(std::move(owned));
  const u32 selector = operand(i, 0);
  emit(switch_handler(operand_type(i, 0).bytes()), 0, selector).pointer = table;
  const u32 at = here() - 1;
  std::vector<u32> order(i.edge_count - 1);
  for (u32 n = 0; n < order.size(); ++n) order[n] = n;
  const u64* cases = f_.cases.data() + i.aux;
  const u32 bits = operand_type(i, 0).element_bits();
  const u64 mask = bits < 64 ? (u64{1} << bits) - 1 : ~u64{0};
  // Of equal cases the first one counts.
  std::sort(order.begin(), order.end(), [&](u32 x, u32 y) {
    return std::pair(cases[x] & mask, x) < std::pair(cases[y] & mask, y);
  });
  for (const u32 n : order) table->cases.push_back(cases[n] & mask);
  table->targets.resize(order.size());
  for (u32 n = 0; n < order.size(); ++n)
    leg(f_.edges[i.first_edge + 1 + order[n]], from, {at, true, kNone, 0, table, n});
  leg(f_.edges[i.first_edge], from, {at, true, kNone, 0, table, kNone});
}

void Decoder::patch(const Patch& p) {
  const u32 target = p.target_block == kNone ? p.target_cell : block_cells_[p.target_block];
  const i32 distance =
      (static_cast<i32>(target) - static_cast<i32>(p.cell)) * static_cast<i32>(sizeof(Cell));
  if (p.table)
    (p.index == kNone ? p.table->otherwise : p.table->targets[p.index]) = distance;
  else
    (p.taken ? code_->cells[p.cell].a : code_->cells[p.cell].d) = static_cast<u32>(distance);
}

std::vector<Decoder::Move> Decoder::moves_of(const Edge& e) {
  std::vector<Move> list;
  const Block& block = f_.blocks[e.block];
  for (u32 n = 0; n < e.argument_count; ++n) {
    const ValueId to = block.first_argument + n;
    if (analysis_.uses(to) == 0) continue;
    const u32 from = in_frame(analysis_.root(f_.operands[e.first_argument + n]));
    if (place(to) != from) list.push_back({place(to), from, f_.values[to].type});
  }
  return list;
}

// Block arguments are assigned all at once: a move waits until nobody reads its target any more;
// a cycle is opened by saving one value in scratch space.
void Decoder::moves(const Edge& e) {
  std::vector<Move> left = moves_of(e);
  while (!left.empty()) {
    bool progress = false;
    for (usize n = 0; n < left.size(); ++n) {
      const bool read = std::any_of(left.begin(), left.end(),
                                    [&](const Move& m) { return m.from == left[n].to; });
      if (read) continue;
      move(left[n].to, left[n].from, left[n].type);
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(n));
      progress = true;
      break;
    }
    if (progress) continue;
    Move& m = left.front();
    move(scratch_, m.to, m.type);
    for (Move& other : left)
      if (other.from == m.to) other.from = scratch_;
    move(m.to, m.from, m.type);
    left.erase(left.begin());
  }
}

}  // namespace bf::microjit::interp
