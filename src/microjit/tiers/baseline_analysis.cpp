#include "microjit/tiers/baseline_analysis.h"

#include <algorithm>
#include <optional>

#include "microjit/tiers/allocation.h"

namespace bf::microjit::baseline {

using ir::BlockId;
using ir::Instruction;
using ir::Kind;
using ir::Op;
using ir::Signature;
using ir::ValueId;

namespace {

constexpr u32 kMaxDepth = 4;
constexpr u32 kFarthestOperand = 12;  // instructions between a load and its user
constexpr u32 kFarthestUpdate = 24;   // between a load and the store of what becomes of it
constexpr u32 kMostCompares = 3;      // instead of one that keeps its result
constexpr u32 kLoopWeight = 8;  // how often a loop is thought to run

constexpr RegMask mask_of(std::initializer_list<RegId> regs) {
  RegMask mask = 0;
  for (const RegId r : regs) mask |= bit(r);
  return mask;
}

// For whole lives. rax, rcx, rdx, r9, r10 and xmm0-6 are left to values of single blocks.
constexpr RegMask kFixedGp = kCalleeSaved | mask_of({kRsi, kRdi, kR8});
constexpr RegMask vec_range(u32 first, u32 last) {
  RegMask mask = 0;
  for (u32 n = first; n <= last; ++n) mask |= bit(vec_id(n));
  return mask;
}
constexpr RegMask kFixedVec = vec_range(7, 14);
constexpr RegMask kFixedVec512 = vec_range(8, 14) | vec_range(16, 31);

bool is_compare(Op op) {
  const auto s = ir::op_info(op).signature;
  return s == Signature::IntCompare || s == Signature::FloatCompare;
}

bool is_address(const ir::Function& f, const Instruction& i) {
  if (i.op == Op::ptradd) return f.values[f.operands_of(i)[0]].def != ir::Def::Constant;
  if (i.op != Op::index || i.imm != static_cast<i32>(i.imm)) return false;
  if (f.values[f.operands_of(i)[0]].def == ir::Def::Constant) return false;
  return i.aux == 1 || i.aux == 2 || i.aux == 4 || i.aux == 8;
}

// Whether part n of the result comes from parts n of the operands only.
bool keeps_parts(Op op) {
  switch (ir::op_info(op).signature) {
    case Signature::IntBinary:
    case Signature::IntUnary:
    case Signature::FloatBinary:
    case Signature::FloatUnary:
    case Signature::FloatTernary:
    case Signature::Select:
      return true;
    default:
      return false;
  }
}

}  // namespace

u32 weight_at(u32 depth) {
  u32 weight = 1;
  for (u32 i = 0; i < std::min(depth, kMaxDepth); ++i) weight *= kLoopWeight;
  return weight;
}

Isa isa_of(const platform::CpuFeatures& c) {
  if (!c.avx2) return Isa::Sse2;
  return c.avx512f && c.avx512bw && c.avx512dq && c.avx512vl ? Isa::Avx512 : Isa::Avx2;
}

bool copies_inline(const ir::Function& f, const Instruction& i) {
  const ir::Value& size = f.values[f.operands_of(i)[2]];
  if (size.def != ir::Def::Constant || size.bits > kInlineCopyBytes) return false;
  return i.op == Op::memcopy;
}

bool is_call(const ir::Function& f, const Instruction& i, const platform::CpuFeatures& features) {
  const auto involves = [&](Kind k) {
    return i.type.kind == k || f.values[f.operands_of(i)[0]].type.kind == k;
  };
  switch (i.op) {
    case Op::call:
    case Op::call_generic:
    case Op::call_import:
    case Op::call_indirect:
    case Op::resume_entry:
    case Op::frem:
    case Op::round:
      return true;
    case Op::memcopy:
    case Op::memmove:
    case Op::memfill:
      return !copies_inline(f, i);
    case Op::floor:
    case Op::ceil:
    case Op::trunc_f:
    case Op::rint:
      return !features.sse41;
    case Op::fma:
      return !features.fma || !features.avx2;
    case Op::fptrunc:
      return involves(Kind::F16) || involves(Kind::BF16);
    case Op::fpext:
      return involves(Kind::F16);
    default:
      return false;
  }
}

const ir::FunctionType& call_type(const ir::Module& m, const Instruction& call) {
  if (call.op == Op::call || call.op == Op::call_generic)
    return m.types[m.functions[call.aux].type];
  return m.types[call.op == Op::call_import ? m.imports[call.aux].type : call.aux];
}

u32 stack_argument_bytes(const ir::FunctionType& type) {
  return count_arguments(type).stack_bytes;
}

Passing::Passing(const ir::FunctionType& type) {
  constexpr RegId kIntegers[] = {kRdi, kRsi, kRdx, kRcx, kR8, kR9};
  used = pass_arguments(type, [&](usize n, ArgumentPlace place) {
    if (place.where == ArgumentPlace::General)
      where[n] = {kIntegers[place.at], 0, 0};
    else if (place.where == ArgumentPlace::Vector)
      where[n] = {vec_id(place.at), 0, 0};
    else
      where[n] = {kNoReg, place.at, place.where == ArgumentPlace::Copy ? place.bytes + 1 : 0};
  });
}

Analysis::Analysis(const ir::Module& module, const ir::Function& function,
                   const platform::CpuFeatures& features, Registers registers)
    : layout(function),
      isa(isa_of(features)),
      registers(registers),
      module_(module),
      f_(function),
      features_(features) {
  grows_stack = (function.flags & ir::kGrowsStack) != 0;
  if (grows_stack) saved |= bit(kRbx);
  set_up_values();
  count_raw_uses();
  find_made_by_user();
  std::optional<LiveRanges> ranges;
  if (registers == Registers::Everywhere)
    ranges_ = &ranges.emplace(function, layout, block_start, block_end);
  number();
  outgoing_bytes = align_up(outgoing_bytes, frame_alignment);  // slots above it stay aligned
  if (registers == Registers::Everywhere) {
    Allocation(*this, module, function, *ranges_).run();
    return;
  }
  extend_over_loops();
  mark_call_crossings();
  if (registers == Registers::AcrossBlocks) assign_fixed_registers();
  save_registers_for_blocks();
}

void Analysis::set_up_values() {
  values.resize(f_.values.size());
  parts.reserve(values.size());
  for (ValueId v = 0; v < values.size(); ++v) {
    const ir::Type t = f_.values[v].type;
    ValueInfo& info = values[v];
    info.first_part = static_cast<u32>(parts.size());
    info.bank = bank_of(t);
    info.remade = f_.values[v].def == ir::Def::Constant;
    if (t.is_vector()) {
      const u32 chunk = chunk_bytes(isa);
      info.part_count = static_cast<u8>(t.bytes() > chunk ? t.bytes() / chunk : 1);
      info.part_bytes = static_cast<u8>(std::max(16u, std::min(t.bytes(), chunk)));
      if (t.bytes() > 16 && isa != Isa::Sse2) {
        wide_vectors = true;
        frame_alignment = std::max(frame_alignment, std::min(t.bytes(), chunk));
      }
    }
    for (u8 p = 0; p < info.part_count; ++p) {
      parts.push_back({});
      parts.back().value = v;
      parts.back().index = p;
    }
  }
}

// Every use in reachable code, as the IR has them.
void Analysis::count_raw_uses() {
  raw_.resize(values.size());
  for (const BlockId b : layout.order) {
    const ir::Block& block = f_.blocks[b];
    const u32 first = block.first_instruction;
    for (u32 n = first; n < first + block.instruction_count; ++n) {
      const Instruction& i = f_.instructions[n];
      const auto see = [&](ValueId v, bool address) {
        RawUse& raw = raw_[v];
        const bool local = f_.values[v].def == ir::Def::Instruction &&
                           f_.values[v].index >= first && f_.values[v].index < n;
        ++raw.count;
        raw.user = n;
        raw.local = raw.local && local;
        if (address && local) ++raw.as_address;
      };
      const auto operands = f_.operands_of(i);
      if ((i.op == Op::br_if || i.op == Op::select) && !operands.empty())
        ++raw_[operands[0]].as_condition;
      for (u32 k = 0; k < operands.size(); ++k)
        see(operands[k], (i.op == Op::load && k == 0) || (i.op == Op::store && k == 1));
      for (const ir::Edge& e : f_.edges_of(i))
        for (const ValueId v : f_.arguments_of(e)) see(v, false);
    }
  }
}

void Analysis::find_made_by_user() {
  for (const BlockId b : layout.order) {
    for (const Instruction& i : f_.instructions_of(f_.blocks[b])) {
      if (i.result == ir::kNoValue) continue;
      const RawUse& raw = raw_[i.result];
      ValueInfo& info = values[i.result];
      switch (i.op) {
        case Op::data_addr:
        case Op::func_addr:
        case Op::import_addr:
        case Op::stack_alloc:
          info.remade = true;
          break;
        default:
          if (raw.count == 0) break;
          if (is_address(f_, i)) {
            info.by_user = raw.as_address == raw.count;
          } else if ((is_compare(i.op) && !i.type.is_vector()) ||
                     (i.op == Op::trunc && i.type == ir::Type{Kind::I1})) {
            // To compare again costs no more than to keep the result and test it.
            const u32 most = registers == Registers::Everywhere ? kMostCompares : 1;
            info.by_user =
                raw.local && raw.as_condition == raw.count && raw.count <= most;
            if (info.by_user) find_tested_bits(i);
          }
      }
    }
    if (registers != Registers::Everywhere) continue;
    find_updates(f_.blocks[b]);
    find_memory_operands(f_.blocks[b]);
  }
}

// x & y compared with 0 is one instruction.
void Analysis::find_tested_bits(const Instruction& compare) {
  if (compare.op != Op::eq && compare.op != Op::ne) return;
  const auto operands = f_.operands_of(compare);
  if (f_.values[operands[1]].def != ir::Def::Constant || f_.values[operands[1]].bits != 0) return;
  const ValueId v = operands[0];
  if (f_.values[v].def != ir::Def::Instruction || raw_[v].count != 1 || !raw_[v].local) return;
  const Instruction& i = f_.instructions[f_.values[v].index];
  if (i.op == Op::and_ && i.type.kind != Kind::I1 &&
      f_.values[f_.operands_of(i)[0]].def != ir::Def::Constant)
    values[v].by_user = true;
}

// Loads that are an operand of the one instruction that needs them, where nothing is written in
// between.
void Analysis::find_memory_operands(const ir::Block& block) {
  const u32 end = block.first_instruction + block.instruction_count;
  for (u32 n = block.first_instruction; n < end; ++n) {
    const Instruction& i = f_.instructions[n];
    if (i.op != Op::load || i.type.is_vector()) continue;
    const RawUse& raw = raw_[i.result];
    if (raw.count != 1 || !raw.local) continue;
    const Instruction& user = f_.instructions[raw.user];
    const auto operands = f_.operands_of(user);
    u32 last = raw.user;
    bool only = true;
    for (const ValueId v : operands) only = only && (v == i.result || !values[v].by_user);
    if (!only) continue;
    switch (user.op) {
      case Op::add:
      case Op::mul:
      case Op::and_:
      case Op::or_:
      case Op::xor_:
        if (i.type.kind != Kind::I32 && i.type.kind != Kind::I64) continue;
        if (f_.values[operands[0]].def == ir::Def::Constant ||
            f_.values[operands[1]].def == ir::Def::Constant)
          continue;
        if (values[user.result].by_user) continue;
        break;
      case Op::sub:
        if (i.type.kind != Kind::I32 && i.type.kind != Kind::I64) continue;
        if (operands[1] != i.result) continue;
        break;
      case Op::fadd:
      case Op::fmul:
        if (f_.values[operands[0]].def == ir::Def::Constant ||
            f_.values[operands[1]].def == ir::Def::Constant)
          continue;
        break;
      case Op::fsub:
      case Op::fdiv:
        if (operands[1] != i.result) continue;
        break;
      default:
        if (ir::op_info(user.op).signature != Signature::IntCompare || user.type.is_vector() ||
            i.type.kind == Kind::I1 || bank_of(i.type) != Bank::Gp)
          continue;
        if (values[user.result].by_user) {
          if (raw_[user.result].count != 1) continue;
          last = raw_[user.result].user;
        }
    }
    if (last - n > kFarthestOperand) continue;
    if (!is_written_between(n, last)) values[i.result].by_user = true;
  }
}

bool Analysis::is_written_between(u32 first, u32 last) const {
  for (u32 k = first + 1; k < last; ++k) {
    const auto effects = ir::op_info(f_.instructions[k].op).effects;
    if (effects == ir::Effects::Writes || effects == ir::Effects::Calls ||
        is_call(f_, f_.instructions[k], features_))
      return true;
  }
  return false;
}

// A store of what an instruction makes of the number that is there: one instruction, the store's.
void Analysis::find_updates(const ir::Block& block) {
  const u32 end = block.first_instruction + block.instruction_count;
  const auto made_here = [&](ValueId v) {
    return f_.values[v].def == ir::Def::Instruction && raw_[v].count == 1 && raw_[v].local &&
           f_.values[v].index >= block.first_instruction;
  };
  for (u32 n = block.first_instruction; n < end; ++n) {
    const Instruction& store = f_.instructions[n];
    if (store.op != Op::store) continue;
    const ValueId v = f_.operands_of(store)[0];
    const ir::Type t = f_.values[v].type;
    if (!made_here(v) || t.is_vector() || bank_of(t) != Bank::Gp || t.kind == Kind::I1) continue;
    const Instruction& update = f_.instructions[f_.values[v].index];
    const bool commutes = update.op == Op::add || update.op == Op::and_ ||
                          update.op == Op::or_ || update.op == Op::xor_;
    if (!commutes && update.op != Op::sub) continue;
    const auto operands = f_.operands_of(update);
    for (u32 k = 0; k < (commutes ? 2u : 1u); ++k) {
      const ValueId old = operands[k];
      if (!made_here(old) || values[operands[1 - k]].by_user) continue;
      const u32 at = f_.values[old].index;
      const Instruction& load = f_.instructions[at];
      if (load.op != Op::load || load.imm != store.imm ||
          f_.operands_of(load)[0] != f_.operands_of(store)[1] || n - at > kFarthestUpdate ||
          is_written_between(at, n))
        continue;
      values[v].by_user = values[old].by_user = true;
      break;
    }
  }
}

void Analysis::use(ValueId v, u32 position, u32 block) {
  ValueInfo& info = values[v];
  if (info.by_user) {
    for (const ValueId operand : f_.operands_of(f_.instructions[f_.values[v].index]))
      use(operand, position, block);
    return;
  }
  ++info.uses;
  if (ranges_) ranges_->add_use(v, block, position);
  info.end = std::max(info.end, position);
  info.last_block = std::max(info.last_block, block);
  info.weight += weight_at(layout.depth[block]);
  if (block != info.first_block && !info.remade) info.crosses_blocks = true;
}

void Analysis::number() {
  u32 position = 1;
  const u32 blocks = static_cast<u32>(layout.order.size());
  block_start.resize(blocks);
  block_end.resize(blocks);
  for (u32 k = 0; k < blocks; ++k) {
    const ir::Block& block = f_.blocks[layout.order[k]];
    block_start[k] = position;
    for (u32 n = 0; n < block.argument_count; ++n) {
      ValueInfo& info = values[block.first_argument + n];
      info.start = info.end = position;
      info.first_block = info.last_block = k;
      info.weight += weight_at(layout.depth[k]);
      if (k != 0) info.crosses_blocks = true;
    }
    u32 previous_result = position;
    for (const Instruction& i : f_.instructions_of(block)) {
      position += 1;  // even: reads
      if (is_call(f_, i, features_)) calls_.push_back(position);
      if (ir::op_info(i.op).effects == ir::Effects::Calls) {
        const ir::FunctionType& type = call_type(module_, i);
        outgoing_bytes = std::max(outgoing_bytes, stack_argument_bytes(type));
        for (const ir::ByValue& copy : type.by_value)
          frame_alignment = std::max(frame_alignment, 1u << copy.align_log2);
      }
      if (i.op == Op::stack_alloc || i.op == Op::stack_grow) frame_alignment = std::max(frame_alignment, 1u << i.aux);
      const bool delayed = i.result != ir::kNoValue && values[i.result].by_user;
      if (!delayed)
        for (const ValueId v : f_.operands_of(i)) use(v, position, k);
      for (const ir::Edge& e : f_.edges_of(i)) {
        const ir::Block& to = f_.blocks[e.block];
        const auto arguments = f_.arguments_of(e);
        const u32 weight = weight_at(layout.depth[k]);
        for (u32 n = 0; n < arguments.size(); ++n) {
          const ValueId argument = to.first_argument + n;
          if (raw_[argument].count == 0) continue;  // nobody reads it: nobody passes it
          use(arguments[n], position, k);
          values[argument].weight += weight;
          // Around a loop is where a common register pays.
          const bool back = layout.position[e.block] <= k;
          if (back || values[argument].partner == ir::kNoValue)
            values[argument].partner = arguments[n];
          if (back || values[arguments[n]].partner == ir::kNoValue)
            values[arguments[n]].partner = argument;
        }
      }
      position += 1;  // odd: writes
      if (i.result != ir::kNoValue) {
        ValueInfo& info = values[i.result];
        // Both results of a call appear with the call. A result of several parts is written while
        // operands are still read.
        const bool early = info.part_count > 1;
        info.start = info.end = i.op == Op::second ? previous_result : position - (early ? 1 : 0);
        info.keeps_parts = early && keeps_parts(i.op);
        info.first_block = info.last_block = k;
        info.weight += weight_at(layout.depth[k]);
      }
      previous_result = position;
    }
    block_end[k] = position;
    position += 2;
  }
}

// Definitions dominate uses and come first in the layout. So what is alive on the way round a loop
// is alive at its head, and to be kept up to the jump back; nested and irreducible loops need this
// until nothing changes.
void Analysis::extend_over_loops() {
  const u32 blocks = static_cast<u32>(layout.order.size());
  std::vector<u32> table(blocks, 0);  // by head: the last block that jumps back to it
  bool loops = false;
  for (u32 k = 0; k < blocks; ++k)
    for (const ir::Edge& e : f_.edges_of(f_.terminator(f_.blocks[layout.order[k]]))) {
      const u32 to = layout.position[e.block];
      if (to > k) continue;
      table[to] = std::max(table[to], k);
      loops = true;
    }
  if (!loops) return;
  // Maxima of 1, 2, 4 ... neighbours: a range is two of them.
  std::vector<std::vector<u32>> levels{std::move(table)};
  for (u32 span = 1; span * 2 <= blocks; span *= 2) {
    const auto& below = levels.back();
    std::vector<u32> level(blocks - span * 2 + 1);
    for (u32 k = 0; k < level.size(); ++k) level[k] = std::max(below[k], below[k + span]);
    levels.push_back(std::move(level));
  }
  for (ValueInfo& info : values) {
    if (!info.crosses_blocks) continue;
    while (info.last_block > info.first_block) {
      const u32 count = info.last_block - info.first_block;
      const u32 level = 31 - static_cast<u32>(__builtin_clz(count));
      const u32 furthest = std::max(levels[level][info.first_block + 1],
                                    levels[level][info.last_block + 1 - (1u << level)]);
      if (furthest < info.last_block || block_end[furthest] <= info.end) break;
      info.last_block = furthest;
      info.end = block_end[furthest];
    }
  }
}

bool Analysis::call_inside(Interval i) const {
  const auto call = std::upper_bound(calls_.begin(), calls_.end(), i.start);
  return call != calls_.end() && *call < i.end;
}

void Analysis::mark_call_crossings() {
  if (calls_.empty()) return;
  for (ValueInfo& info : values) info.crosses_calls = call_inside({info.start, info.end});
}

bool Analysis::free_in(RegId r, Interval i) const {
  const auto& taken = taken_[r];
  const auto next = std::lower_bound(taken.begin(), taken.end(), i.start,
                                     [](const Interval& t, u32 start) { return t.end < start; });
  return next == taken.end() || next->start > i.end;
}

bool Analysis::assign(u32 part, RegMask pool) {
  const ValueInfo& info = values[parts[part].value];
  const Interval life{info.start, info.end};
  if (info.crosses_calls) pool &= kCalleeSaved;
  if (grows_stack) pool &= ~bit(kRbx);
  const auto take = [&](RegId r, Interval life) {
    if ((pool & bit(r)) == 0 || !free_in(r, life)) return false;
    auto& taken = taken_[r];
    taken.insert(std::lower_bound(taken.begin(), taken.end(), life.start,
                                  [](const Interval& t, u32 start) { return t.end < start; }),
                 life);
    parts[part].fixed = r;
    ever_fixed_ |= bit(r);
    saved |= bit(r) & kCalleeSaved;
    return true;
  };
  if (info.partner != ir::kNoValue) {
    const RegId wanted = fixed_register(info.partner, parts[part].index);
    // The partner's part may end in the instruction that makes this one of it.
    const ValueInfo& partner = values[info.partner];
    const bool over = info.keeps_parts && partner.start <= life.start && partner.end == life.start;
    if (wanted != kNoReg && take(wanted, {life.start + (over ? 1 : 0), life.end})) return true;
  }
  // Registers that need no saving first, where no call is in the way.
  for (const RegMask choice : {pool & ~kCalleeSaved, pool & kCalleeSaved})
    for (RegMask left = choice; left != 0; left &= left - 1)
      if (take(static_cast<RegId>(__builtin_ctzll(left)), life)) return true;
  return false;
}

void Analysis::assign_fixed_registers() {
  std::vector<ValueId> candidates;
  for (ValueId v = 0; v < values.size(); ++v)
    if (values[v].crosses_blocks && values[v].uses != 0 && !values[v].remade && !values[v].by_user)
      candidates.push_back(v);
  std::sort(candidates.begin(), candidates.end(), [&](ValueId x, ValueId y) {
    const ValueInfo &a = values[x], &b = values[y];
    if (a.weight != b.weight) return a.weight > b.weight;
    if (a.end - a.start != b.end - b.start) return a.end - a.start < b.end - b.start;
    return x < y;
  });
  const RegMask vec_pool = isa == Isa::Avx512 ? kFixedVec512 : kFixedVec;
  for (const ValueId v : candidates)
    for (u32 p = 0; p < values[v].part_count; ++p)
      assign(values[v].first_part + p, values[v].bank == Bank::Gp ? kFixedGp : vec_pool);
  // Values of one block that go round a loop: computed where the next round wants them.
  for (ValueId v = 0; v < values.size(); ++v) {
    const ValueInfo& info = values[v];
    if (info.crosses_blocks || info.uses == 0 || info.remade || info.by_user ||
        info.partner == ir::kNoValue || f_.values[v].def != ir::Def::Instruction)
      continue;
    for (u32 p = 0; p < info.part_count; ++p)
      if (const RegId r = fixed_register(info.partner, p); r != kNoReg)
        assign(info.first_part + p, bit(r));
  }
}

// Two callee-saved registers for values of one block that calls lie in the way of.
void Analysis::save_registers_for_blocks() {
  u32 local = 0;
  for (const ValueInfo& info : values)
    if (!info.crosses_blocks && info.crosses_calls && info.bank == Bank::Gp && !info.remade)
      ++local;
  for (const RegId r : {kRbx, kR12, kR13, kR14, kR15})
    if (local != 0 && (saved & bit(r)) == 0) {
      saved |= bit(r);
      local = local > 2 ? 1 : local - 1;
    }
}

RegMask Analysis::alive_across(u32 position, RegMask registers) const {
  RegMask alive = 0;
  for (RegMask left = registers; left != 0; left &= left - 1) {
    const RegId r = static_cast<RegId>(__builtin_ctzll(left));
    const Interval& now = taken_[r][next_taken_[r]];
    if (now.start < position && now.end > position) alive |= bit(r);
  }
  return alive;
}

RegMask Analysis::reserved_in(u32 start, u32 end) {
  RegMask reserved = grows_stack ? bit(kRbx) : 0;
  for (RegMask left = ever_fixed_; left != 0; left &= left - 1) {
    const RegId r = static_cast<RegId>(__builtin_ctzll(left));
    const auto& taken = taken_[r];
    u32& next = next_taken_[r];
    while (next < taken.size() && taken[next].end < start) ++next;
    if (next < taken.size() && taken[next].start <= end) reserved |= bit(r);
  }
  return reserved;
}

Analysis::Reserved Analysis::reserved_at(u32 position) {
  const RegMask always = grows_stack ? bit(kRbx) : 0;
  Reserved reserved{always, always};
  for (RegMask left = ever_fixed_; left != 0; left &= left - 1) {
    const RegId r = static_cast<RegId>(__builtin_ctzll(left));
    const auto& taken = taken_[r];
    u32& next = next_taken_[r];
    while (next < taken.size() && taken[next].end < position) ++next;
    if (next == taken.size()) continue;
    if (taken[next].start <= position) reserved.reading |= bit(r);
    if (taken[next].start <= position + 1) reserved.either |= bit(r);
  }
  return reserved;
}

}  // namespace bf::microjit::baseline
