#include "microjit/tiers/allocation.h"

#include <algorithm>

namespace bf::microjit::baseline {

using ir::Instruction;
using ir::Op;
using ir::ValueId;

namespace {

constexpr RegMask kVectors = 0x7fffull << kFirstVec;
constexpr RegMask kVectors512 = kVectors | 0xffff0000ull << kFirstVec;
// Results of calls arrive there: not to be saved around them.
constexpr RegMask kResults = bit(kRax) | bit(kRdx) | bit(vec_id(0)) | bit(vec_id(1));
constexpr u32 kWorthSavingCallers = 3;  // a register of the caller's costs a push and a pop

bool is_division(Op op) {
  return op == Op::udiv || op == Op::sdiv || op == Op::urem || op == Op::srem;
}

RegId lowest(RegMask m) {
  return static_cast<RegId>(__builtin_ctzll(m));
}

// Whether the machine's instruction changes its first operand.
bool in_place(Op op) {
  switch (op) {
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::and_:
    case Op::or_:
    case Op::xor_:
    case Op::shl:
    case Op::lshr:
    case Op::ashr:
    case Op::rotl:
    case Op::rotr:
    case Op::trunc:
    case Op::zext:
    case Op::ptradd:
    case Op::bitcast:
      return true;
    default:
      return false;
  }
}

}  // namespace

RegMask claimed_registers(const ir::Function& f, const Instruction& i,
                          const platform::CpuFeatures& features) {
  const auto operands = f.operands_of(i);
  const bool vector = i.type.is_vector();
  switch (i.op) {
    case Op::udiv:
    case Op::sdiv:
    case Op::urem:
    case Op::srem:
    case Op::umulh:
    case Op::smulh:
    case Op::umul_overflows:
      return bit(kRax) | bit(kRdx);
    case Op::atomic_and:
    case Op::atomic_or:
    case Op::atomic_xor:
    case Op::atomic_compare:
      return bit(kRax);
    case Op::shl:
    case Op::lshr:
    case Op::ashr:
      if (!vector && features.bmi2 && i.type.element_bits() >= 32) return 0;
      [[fallthrough]];
    case Op::rotl:
    case Op::rotr:
      return !vector && f.values[operands[1]].def == ir::Def::Constant ? 0 : bit(kRcx);
    default:
      return 0;
  }
}

Allocation::Allocation(Analysis& analysis, const ir::Module& module, const ir::Function& function,
                       LiveRanges& ranges)
    : a_(analysis), module_(module), f_(function), ranges_(ranges) {}

void Allocation::run() {
  find_clobbers();
  make_units();
  coalesce();
  find_hints();
  for (u32 n = 0; n < units_.size(); ++n) {
    Unit& u = units_[n];
    if (!u.is_leader) continue;
    u.pool &= ~clobbered_in(u);
    u.call_weight = weight_of_calls(u);
    for (const Interval& i : intervals(u)) u.length += i.end - i.start + 1;
    queue_.push_back(n);
  }
  std::sort(queue_.begin(), queue_.end(), [&](u32 x, u32 y) {
    const Unit &a = units_[x], &b = units_[y];
    return a.length != b.length ? a.length > b.length : x < y;
  });
  for (u32 n = 0; n < queue_.size(); ++n) place(queue_[n]);
  hold_in_loops();
  for (u32 n = 0; n < units_.size(); ++n) {
    if (!units_[n].is_leader || units_[n].reg == kNoReg) continue;
    for (u32 member = n; member != kNone; member = units_[member].next_member)
      a_.parts[member].fixed = units_[n].reg;
  }
  a_.saved = 0;
  for (RegId r = 0; r < kRegCount; ++r) {
    for (const Taken& t : taken_[r]) a_.take(r, {t.start, t.end});
    if (!taken_[r].empty()) a_.saved |= bit(r) & kCalleeSaved;
  }
}

void Allocation::find_clobbers() {
  u32 weight = 0;
  for (u32 k = 0; k < a_.layout.order.size(); ++k) {
    const ir::Block& block = f_.blocks[a_.layout.order[k]];
    u32 position = a_.block_start[k] + 1;
    for (const Instruction& i : f_.instructions_of(block)) {
      if (is_call(f_, i, a_.features())) {
        calls_.push_back({position, weight});
        weight += weight_at(a_.layout.depth[k]);
      }
      if (const RegMask m = claimed_registers(f_, i, a_.features()); m != 0) {
        clobbers_.push_back({position, m});
        // The amount of a shift is there until the result is complete.
        if (m == bit(kRcx)) clobbers_.push_back({position + 1, m});
      }
      position += 2;
    }
  }
  calls_.push_back({~0u, weight});
}

void Allocation::make_units() {
  units_.resize(a_.parts.size());
  leaders_.resize(a_.parts.size());
  const RegMask vectors = a_.isa == Isa::Avx512 ? kVectors512 : kVectors;
  for (ValueId v = 0; v < a_.values.size(); ++v) {
    ValueInfo& info = a_.values[v];
    for (u32 p = 0; p < info.part_count; ++p) leaders_[info.first_part + p] = info.first_part + p;
    if (info.uses == 0 || info.remade || info.by_user) continue;
    if (info.part_count > 1 && !info.crosses_blocks) continue;
    const u32 first = static_cast<u32>(intervals_.size());
    ranges_.find(v, info.first_block, info.start, intervals_);
    for (u32 p = 0; p < info.part_count; ++p) {
      Unit& u = units_[info.first_part + p];
      u.first_interval = first;
      u.interval_count = static_cast<u32>(intervals_.size()) - first;
      u.weight = info.weight;
      u.pool = info.bank == Bank::Gp ? kGeneral : vectors;
      u.is_leader = true;
    }
    info.crosses_calls = weight_of_calls(units_[info.first_part]) != 0;
  }
}

u32 Allocation::weight_of_calls(const Unit& u) const {
  u32 weight = 0;
  for (const Interval& i : intervals(u)) {
    const auto before = [](const CallSite& c, u32 position) { return c.position < position; };
    const auto first = std::lower_bound(calls_.begin(), calls_.end(), i.start + 1, before);
    const auto last = std::lower_bound(first, calls_.end(), i.end, before);
    weight += last->weight_before - first->weight_before;
  }
  return weight;
}

RegMask Allocation::clobbered_in(const Unit& u) const {
  RegMask mask = 0;
  for (const Interval& i : intervals(u)) {
    auto c = std::lower_bound(clobbers_.begin(), clobbers_.end(), i.start,
                              [](const Clobber& x, u32 position) { return x.position < position; });
    for (; c != clobbers_.end() && c->position <= i.end; ++c) {
      mask |= c->registers;
      if (mask == (bit(kRax) | bit(kRcx) | bit(kRdx))) return mask;
    }
  }
  return mask;
}

// ---- Sharing ------------------------------------------------------------------------------------

u32 Allocation::leader(u32 unit) {
  while (leaders_[unit] != unit) unit = leaders_[unit] = leaders_[leaders_[unit]];
  return unit;
}

bool Allocation::disjoint(const Unit& a, const Unit& b) const {
  const auto x = intervals(a), y = intervals(b);
  for (usize n = 0, m = 0; n < x.size() && m < y.size();) {
    if (x[n].end < y[m].start)
      ++n;
    else if (y[m].end < x[n].start)
      ++m;
    else
      return false;
  }
  return true;
}

void Allocation::share(ValueId va, ValueId vb) {
  const ValueInfo &ia = a_.values[va], &ib = a_.values[vb];
  if (ia.part_count != ib.part_count || ia.bank != ib.bank) return;
  for (u32 p = 0; p < ia.part_count; ++p) {
    u32 x = leader(ia.first_part + p), y = leader(ib.first_part + p);
    if (x == y || !units_[x].is_leader || !units_[y].is_leader) continue;
    if (!disjoint(units_[x], units_[y])) continue;
    if (units_[x].interval_count < units_[y].interval_count) std::swap(x, y);
    Unit &a = units_[x], &b = units_[y];
    const usize first = intervals_.size();
    intervals_.resize(first + a.interval_count + b.interval_count);
    std::merge(intervals_.begin() + a.first_interval,
               intervals_.begin() + a.first_interval + a.interval_count,
               intervals_.begin() + b.first_interval,
               intervals_.begin() + b.first_interval + b.interval_count,
               intervals_.begin() + static_cast<std::ptrdiff_t>(first),
               [](const Interval& l, const Interval& r) { return l.start < r.start; });
    a.first_interval = static_cast<u32>(first);
    a.interval_count += b.interval_count;
    a.weight += b.weight;
    b.is_leader = false;
    leaders_[y] = x;
    u32 last = x;
    while (units_[last].next_member != kNone) last = units_[last].next_member;
    units_[last].next_member = y;
  }
}

// Around loops first, the innermost first: there a move costs most.
void Allocation::coalesce() {
  struct Copy {
    u32 weight;
    ValueId to, from;
  };
  std::vector<Copy> copies;
  for (u32 k = 0; k < a_.layout.order.size(); ++k) {
    const ir::Block& block = f_.blocks[a_.layout.order[k]];
    for (const ir::Edge& e : f_.edges_of(f_.terminator(block))) {
      const ir::Block& to = f_.blocks[e.block];
      const auto arguments = f_.arguments_of(e);
      const bool back = a_.layout.position[e.block] <= k;
      const u32 weight = weight_at(a_.layout.depth[k]) * 2 + (back ? 1 : 0);
      for (u32 n = 0; n < arguments.size(); ++n)
        if (a_.is_read(to.first_argument + n) && !a_.values[arguments[n]].remade)
          copies.push_back({weight, to.first_argument + n, arguments[n]});
    }
  }
  std::stable_sort(copies.begin(), copies.end(),
                   [](const Copy& x, const Copy& y) { return x.weight > y.weight; });
  for (const Copy& c : copies) {
    // Not across the border of a loop with calls: one side would pay for the other.
    if (a_.values[c.to].crosses_calls == a_.values[c.from].crosses_calls) share(c.to, c.from);
    hint(c.to, c.from);
  }
}

void Allocation::hint(ValueId va, ValueId vb) {
  const ValueInfo &a = a_.values[va], &b = a_.values[vb];
  if (a.bank != b.bank || a.part_count != b.part_count) return;
  for (u32 p = 0; p < a.part_count; ++p)
    for (const auto& [x, y] :
         {std::pair{a.first_part + p, b.first_part + p}, {b.first_part + p, a.first_part + p}}) {
      hints_.push_back({y, kNoReg, units_[x].first_hint});
      units_[x].first_hint = static_cast<u32>(hints_.size());
    }
}

void Allocation::hint_register(ValueId v, RegId r) {
  Unit& u = units_[a_.values[v].first_part];
  hints_.push_back({kNone, r, u.first_hint});
  u.first_hint = static_cast<u32>(hints_.size());
}

void Allocation::find_hints() {
  constexpr RegId kGeneralResults[] = {kRax, kRdx}, kFloatResults[] = {vec_id(0), vec_id(1)};
  const Passing incoming(module_.types[f_.type]);
  for (u32 n = 0; n < f_.blocks[0].argument_count; ++n)
    if (incoming.where[n].reg != kNoReg) hint_register(f_.blocks[0].first_argument + n, incoming.where[n].reg);
  for (const ir::BlockId b : a_.layout.order) {
    for (const Instruction& i : f_.instructions_of(f_.blocks[b])) {
      const auto operands = f_.operands_of(i);
      if (ir::op_info(i.op).effects == ir::Effects::Calls) {
        const ir::FunctionType& type = call_type(module_, i);
        const Passing passing(type);
        const u32 first = i.op == Op::call_indirect ? 1 : 0;
        for (usize n = 0; n < type.parameters.size(); ++n)
          if (passing.where[n].reg != kNoReg && passing.where[n].copied == 0)
            hint_register(operands[first + n], passing.where[n].reg);
        if (i.result != ir::kNoValue)
          hint_register(i.result, a_.values[i.result].bank == Bank::Gp ? kRax : vec_id(0));
      } else if (i.op == Op::ret) {
        u32 general = 0, floats = 0;
        for (const ValueId v : operands)
          hint_register(v, a_.values[v].bank == Bank::Gp ? kGeneralResults[general++]
                                                         : kFloatResults[floats++]);
      } else if (is_division(i.op)) {
        hint_register(i.result, i.op == Op::udiv || i.op == Op::sdiv ? kRax : kRdx);
      } else if (in_place(i.op) && !operands.empty() && !i.type.is_vector()) {
        hint(i.result, operands[0]);
      }
    }
  }
}

// ---- Handing out --------------------------------------------------------------------------------

bool Allocation::is_free(const Unit& u, RegId r) const {
  const auto& taken = taken_[r];
  for (const Interval& i : intervals(u)) {
    const auto next = std::lower_bound(taken.begin(), taken.end(), i.start,
                                       [](const Taken& t, u32 start) { return t.end < start; });
    if (next != taken.end() && next->start <= i.end) return false;
  }
  return true;
}

// A register that calls change has to be saved around the calls in the way; one of the caller's is
// saved once.
bool Allocation::worth_saving(const Unit& u, RegId r) const {
  if ((bit(r) & kCalleeSaved) != 0)
    return (a_.saved & bit(r)) != 0 || u.weight >= kWorthSavingCallers;
  if (u.call_weight == 0) return true;
  return (bit(r) & kResults) == 0 && u.weight > 2 * u.call_weight;
}

u32 Allocation::cost_of_taking(const Unit& u, RegId r, u32 limit) {
  u32 cost = 0;
  in_the_way_.clear();
  const auto& taken = taken_[r];
  for (const Interval& i : intervals(u)) {
    auto next = std::lower_bound(taken.begin(), taken.end(), i.start,
                                 [](const Taken& t, u32 start) { return t.end < start; });
    for (; next != taken.end() && next->start <= i.end; ++next) {
      if (std::find(in_the_way_.begin(), in_the_way_.end(), next->unit) != in_the_way_.end())
        continue;
      in_the_way_.push_back(next->unit);
      cost += units_[next->unit].weight;
      if (cost >= limit) return cost;
    }
  }
  return cost;
}

void Allocation::take(u32 n, RegId r) {
  Unit& u = units_[n];
  u.reg = r;
  auto& taken = taken_[r];
  for (const Interval& i : intervals(u))
    taken.insert(std::lower_bound(taken.begin(), taken.end(), i.start,
                                  [](const Taken& t, u32 start) { return t.start < start; }),
                 {i.start, i.end, n});
  a_.saved |= bit(r) & kCalleeSaved;
}

void Allocation::give_up(u32 n) {
  std::erase_if(taken_[units_[n].reg], [&](const Taken& t) { return t.unit == n; });
  units_[n].reg = kNoReg;
}

void Allocation::place(u32 n) {
  Unit& u = units_[n];
  if (u.reg != kNoReg) return;
  for (u32 member = n; member != kNone; member = units_[member].next_member)
    for (u32 h = units_[member].first_hint; h != 0; h = hints_[h - 1].next) {
      const Hint& hint = hints_[h - 1];
      const RegId r = hint.other == kNone ? hint.reg : units_[leader(hint.other)].reg;
      if (r == kNoReg || (u.pool & bit(r)) == 0 || !is_free(u, r)) continue;
      const bool calls = u.call_weight != 0 && (bit(r) & kCalleeSaved) == 0;
      if (!calls && worth_saving(u, r)) return take(n, r);
    }
  // Where no calls are in the way, registers that need no saving first; else the caller's.
  const RegMask saved = a_.saved, fresh = kCalleeSaved & ~saved;
  const RegMask free_of_charge = u.pool & ~kCalleeSaved;
  const RegMask choices[2][3] = {{free_of_charge, u.pool & saved, u.pool & fresh},
                                 {u.pool & saved, u.pool & fresh, free_of_charge}};
  for (const RegMask choice : choices[u.call_weight != 0 ? 1 : 0])
    for (RegMask left = choice; left != 0; left &= left - 1) {
      const RegId r = lowest(left);
      if (worth_saving(u, r) && is_free(u, r)) return take(n, r);
    }
  RegId best = kNoReg;
  u32 least = u.weight;
  for (RegMask left = u.pool; left != 0; left &= left - 1) {
    const RegId r = lowest(left);
    if (!worth_saving(u, r)) continue;
    const u32 cost = cost_of_taking(u, r, least);
    if (cost < least) {
      least = cost;
      best = r;
    }
  }
  if (best == kNoReg) return;
  cost_of_taking(u, best, ~0u);
  for (const u32 other : in_the_way_) {
    give_up(other);
    queue_.push_back(other);
  }
  take(n, best);
}

}  // namespace bf::microjit::baseline
