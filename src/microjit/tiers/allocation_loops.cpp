// Constants and addresses that are made wherever they are used: in loops, in a register if there is one
// left over.
#include <algorithm>

#include "microjit/tiers/allocation.h"

namespace bf::microjit::baseline {

using ir::Instruction;
using ir::Op;
using ir::ValueId;

namespace {

constexpr u32 kNoLoop = Layout::kUnreachable;
constexpr u32 kSpareRegisters = 1;        // left to what lives inside of instructions
constexpr u32 kWorthAnotherRegister = 16;  // that the function did not have to save so far

}  // namespace

// As an immediate it costs nothing, nor as a part of an address.
bool Allocation::wants_register(const Instruction& i, u32 operand) const {
  const ValueId v = f_.operands_of(i)[operand];
  if (!a_.values[v].remade || a_.values[v].bank != Bank::Gp) return false;
  const ir::Value& value = f_.values[v];
  if (value.def != ir::Def::Constant) return f_.instructions[value.index].op != Op::stack_alloc;
  if (i.op == Op::select && operand != 0) return true;
  const i64 number = static_cast<i64>(value.bits);
  return value.type.element_bits() == 64 && number != static_cast<i32>(number);
}

// A wish for every loop around a use: the most wanted first, and outer loops before inner ones.
std::vector<Allocation::Wish> Allocation::find_wishes() const {
  std::vector<Wish> wishes;
  for (u32 k = 0; k < a_.layout.order.size(); ++k) {
    if (a_.layout.loop[k] == kNoLoop) continue;
    for (const Instruction& i : f_.instructions_of(f_.blocks[a_.layout.order[k]]))
      for (u32 n = 0; n < i.operand_count; ++n)
        if (wants_register(i, n))
          for (u32 head = a_.layout.loop[k]; head != kNoLoop; head = a_.layout.outer[head])
            wishes.push_back({f_.operands_of(i)[n], head, weight_at(a_.layout.depth[k])});
  }
  std::sort(wishes.begin(), wishes.end(), [](const Wish& x, const Wish& y) {
    return x.value != y.value ? x.value < y.value : x.head < y.head;
  });
  usize kept = 0;
  for (const Wish& w : wishes)
    if (kept != 0 && wishes[kept - 1].value == w.value && wishes[kept - 1].head == w.head)
      wishes[kept - 1].weight += w.weight;
    else
      wishes[kept++] = w;
  wishes.resize(kept);
  std::sort(wishes.begin(), wishes.end(), [&](const Wish& x, const Wish& y) {
    if (x.weight != y.weight) return x.weight > y.weight;
    const u32 a = a_.layout.depth[x.head], b = a_.layout.depth[y.head];
    if (a != b) return a < b;
    return x.value != y.value ? x.value < y.value : x.head < y.head;
  });
  return wishes;
}

bool Allocation::is_inside(u32 block, u32 head) const {
  for (u32 h = a_.layout.loop[block]; h != kNoLoop; h = a_.layout.outer[h])
    if (h == head) return true;
  return false;
}

// By the position of the head.
std::vector<Allocation::Loop> Allocation::find_loops() {
  const u32 blocks = static_cast<u32>(a_.layout.order.size());
  std::vector<Loop> loops(blocks);
  for (u32 k = 0; k < blocks; ++k) {
    for (u32 h = a_.layout.loop[k]; h != kNoLoop; h = a_.layout.outer[h])
      loops[h].blocks.push_back(k);
    for (const ir::Edge& e : f_.edges_of(f_.terminator(f_.blocks[a_.layout.order[k]]))) {
      const u32 to = a_.layout.position[e.block];
      for (u32 h = a_.layout.loop[to]; h != kNoLoop && !is_inside(k, h); h = a_.layout.outer[h]) {
        if (h != to) loops[h].irreducible = true;
        if (loops[h].before.empty() || loops[h].before.back() != k) loops[h].before.push_back(k);
      }
    }
  }
  for (Loop& loop : loops) {
    const u32 first = static_cast<u32>(intervals_.size());
    for (const u32 k : loop.before) intervals_.push_back({a_.block_end[k] - 1, a_.block_end[k]});
    for (const u32 k : loop.blocks) intervals_.push_back({a_.block_start[k], a_.block_end[k]});
    std::sort(intervals_.begin() + first, intervals_.end(),
              [](const Interval& x, const Interval& y) { return x.start < y.start; });
    loop.first_interval = first;
    loop.interval_count = static_cast<u32>(intervals_.size()) - first;
  }
  return loops;
}

bool Allocation::hold(const Wish& wish, const Loop& loop) {
  Unit u;
  u.first_interval = loop.first_interval;
  u.interval_count = loop.interval_count;
  u.weight = wish.weight;
  const u32 calls = weight_of_calls(u);
  u.pool = kGeneral & ~clobbered_in(u);
  RegMask free = 0;
  for (RegMask left = u.pool; left != 0; left &= left - 1) {
    const RegId r = static_cast<RegId>(__builtin_ctzll(left));
    if (is_free(u, r)) free |= bit(r);
  }
  if (static_cast<u32>(__builtin_popcountll(free)) <= kSpareRegisters) return false;
  RegMask choice = calls != 0 ? 0 : free & ~kCalleeSaved;
  if (choice == 0) choice = free & kCalleeSaved & a_.saved;
  if (choice == 0 && wish.weight >= kWorthAnotherRegister) choice = free & kCalleeSaved;
  if (choice == 0) return false;
  const RegId r = static_cast<RegId>(63 - __builtin_clzll(choice));
  units_.push_back(u);
  take(static_cast<u32>(units_.size()) - 1, r);
  for (const u32 k : loop.blocks) a_.held.push_back({k, wish.value, r});
  for (const u32 k : loop.before) a_.made.push_back({k, wish.value, r});
  return true;
}

void Allocation::hold_in_loops() {
  const std::vector<Wish> wishes = find_wishes();
  if (wishes.empty()) return;
  const std::vector<Loop> loops = find_loops();
  std::vector<std::pair<ValueId, u32>> held;  // in the loop with that head
  for (const Wish& w : wishes) {
    const bool already = std::any_of(held.begin(), held.end(), [&](const auto& h) {
      return h.first == w.value && is_inside(w.head, h.second);
    });
    if (!already && !loops[w.head].irreducible && hold(w, loops[w.head]))
      held.push_back({w.value, w.head});
  }
  for (std::vector<Held>* list : {&a_.held, &a_.made})
    std::sort(list->begin(), list->end(),
              [](const Held& x, const Held& y) { return x.block < y.block; });
}

}  // namespace bf::microjit::baseline
