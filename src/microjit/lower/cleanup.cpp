#include "microjit/lower/cleanup.h"

#include <map>
#include <tuple>

#include "microjit/ir/builder.h"

namespace bf::lower {

namespace {

using ir::Block;
using ir::BlockId;
using ir::Def;
using ir::Edge;
using ir::Effects;
using ir::Function;
using ir::Instruction;
using ir::Op;
using ir::Value;
using ir::ValueId;

// Copies what is alive of a function into a new one, which then takes its place.
class Cleanup {
 public:
  explicit Cleanup(Function& function) : old_(function) {}

  void run() {
    find_blocks();
    find_live_values();
    find_fused_comparisons();
    copy_heads();
    for (BlockId b = 0; b < old_.blocks.size(); ++b)
      if (reachable_[b]) copy_block(b);
    replace();
  }

 private:
  const Instruction& last(BlockId b) const { return old_.terminator(old_.blocks[b]); }

  void find_blocks() {
    reachable_.assign(old_.blocks.size(), false);
    reachable_[0] = true;
    std::vector<BlockId> pending{0};
    while (!pending.empty()) {
      const BlockId b = pending.back();
      pending.pop_back();
      for (const Edge& e : old_.edges_of(last(b))) {
        if (!reachable_[e.block]) pending.push_back(e.block);
        reachable_[e.block] = true;
      }
    }
  }

  static bool has_effect(const Instruction& i) {
    const Effects e = ir::op_info(i.op).effects;
    return e == Effects::Writes || e == Effects::Calls || e == Effects::Ends;
  }

  void keep(ValueId v) {
    if (live_[v]) return;
    live_[v] = true;
    pending_.push_back(v);
  }

  // Edges into a block, by block: a live block argument keeps what they bring.
  void find_edges() {
    edges_to_.resize(old_.blocks.size());
    for (BlockId b = 0; b < old_.blocks.size(); ++b)
      if (reachable_[b])
        for (const Edge& e : old_.edges_of(last(b))) edges_to_[e.block].push_back(&e);
  }

  void find_live_values() {
    live_.assign(old_.values.size(), false);
    find_edges();
    for (u32 i = 0; i < old_.blocks[0].argument_count; ++i)
      live_[old_.blocks[0].first_argument + i] = true;
    for (BlockId b = 0; b < old_.blocks.size(); ++b)
      if (reachable_[b])
        for (const Instruction& i : old_.instructions_of(old_.blocks[b]))
          if (has_effect(i))
            for (const ValueId v : old_.operands_of(i)) keep(v);
    while (!pending_.empty()) {
      const Value& v = old_.values[pending_.back()];
      const ValueId id = pending_.back();
      pending_.pop_back();
      if (v.def == Def::Instruction)
        for (const ValueId operand : old_.operands_of(old_.instructions[v.index])) keep(operand);
      if (v.def == Def::BlockArgument)
        for (const Edge* e : edges_to_[v.index])
          keep(old_.arguments_of(*e)[id - old_.blocks[v.index].first_argument]);
    }
  }

  bool is_compare(const Instruction& i) const {
    const ir::Signature s = ir::op_info(i.op).signature;
    return s == ir::Signature::IntCompare || s == ir::Signature::FloatCompare;
  }

  // A comparison that only its block's br_if uses moves down to it: tiers fuse the two.
  void find_fused_comparisons() {
    std::vector<u32> uses(old_.values.size());
    for (BlockId b = 0; b < old_.blocks.size(); ++b) {
      if (!reachable_[b]) continue;
      for (const Instruction& i : old_.instructions_of(old_.blocks[b])) {
        for (const ValueId v : old_.operands_of(i)) ++uses[v];
        for (const Edge& e : old_.edges_of(i))
          for (const ValueId v : old_.arguments_of(e)) ++uses[v];
      }
    }
    fused_.assign(old_.values.size(), false);
    for (BlockId b = 0; b < old_.blocks.size(); ++b) {
      if (!reachable_[b] || last(b).op != Op::br_if) continue;
      const ValueId condition = old_.operands_of(last(b))[0];
      const Value& v = old_.values[condition];
      const Block& block = old_.blocks[b];
      fused_[condition] = v.def == Def::Instruction && uses[condition] == 1 &&
                          v.index >= block.first_instruction &&
                          v.index < block.first_instruction + block.instruction_count &&
                          is_compare(old_.instructions[v.index]);
    }
  }

  void copy_heads() {
    new_blocks_.assign(old_.blocks.size(), 0);
    new_values_.assign(old_.values.size(), ir::kNoValue);
    for (BlockId b = 0; b < old_.blocks.size(); ++b) {
      if (!reachable_[b]) continue;
      const Block& block = old_.blocks[b];
      std::vector<ir::Type> types;
      std::vector<ValueId> kept;
      for (u32 i = 0; i < block.argument_count; ++i) {
        const ValueId v = block.first_argument + i;
        if (!live_[v]) continue;
        types.push_back(old_.values[v].type);
        kept.push_back(v);
      }
      new_blocks_[b] = builder_.add_block(types);
      for (u32 i = 0; i < kept.size(); ++i)
        new_values_[kept[i]] = builder_.argument(new_blocks_[b], i);
    }
  }

  ValueId constant(const Value& v) {
    std::vector<u8> bytes;
    if (v.type.is_vector()) {
      const std::span<const u8> span = old_.vector_bytes(v);
      bytes.assign(span.begin(), span.end());
    }
    const auto key = std::tuple(static_cast<u8>(v.type.kind), v.type.lanes, v.bits, bytes);
    const auto [entry, added] = constants_.try_emplace(key, ir::kNoValue);
    if (added)
      entry->second = v.type.is_vector() ? builder_.vector_constant(v.type, bytes)
                                         : builder_.constant(v.type, v.bits);
    return entry->second;
  }

  ValueId value(ValueId old) {
    const Value& v = old_.values[old];
    return v.def == Def::Constant ? constant(v) : new_values_[old];
  }

  std::vector<ValueId> values(std::span<const u32> old) {
    std::vector<ValueId> result;
    for (const u32 v : old) result.push_back(value(v));
    return result;
  }

  // The lowering asks for stack memory wherever it needs some; its place is the entry.
  void copy_stack_allocs() {
    for (BlockId b = 0; b < old_.blocks.size(); ++b)
      if (reachable_[b])
        for (const Instruction& i : old_.instructions_of(old_.blocks[b]))
          if (i.op == Op::stack_alloc && live_[i.result]) copy(i);
  }

  void copy_block(BlockId b) {
    builder_.begin(new_blocks_[b]);
    if (b == 0) copy_stack_allocs();
    for (const Instruction& i : old_.instructions_of(old_.blocks[b])) {
      if (i.op == Op::stack_alloc || (!has_effect(i) && !live_[i.result])) continue;
      if (i.result != ir::kNoValue && fused_[i.result]) continue;
      if (i.op == Op::br_if && fused_[old_.operands_of(i)[0]])
        copy(old_.instructions[old_.values[old_.operands_of(i)[0]].index]);
      copy(i);
    }
  }

  void copy(const Instruction& i) {
    builder_.set_location(i.location);
    const std::vector<ValueId> operands = values(old_.operands_of(i));
    if (ir::op_info(i.op).effects == Effects::Ends && i.edge_count > 0)
      return copy_jump(i, operands);
    ValueId result;
    if (i.op == Op::shuffle) {
      result = builder_.shuffle(i.type, operands[0], operands[1],
                                {old_.masks.data() + i.aux, i.type.lanes});
    } else {
      result = builder_.emit(i.op, i.type, operands, i.aux, i.imm);
    }
    if (i.result != ir::kNoValue) new_values_[i.result] = result;
  }

  void copy_jump(const Instruction& i, const std::vector<ValueId>& operands) {
    std::vector<std::vector<ValueId>> arguments;
    std::vector<ir::Builder::Jump> jumps;
    for (const Edge& e : old_.edges_of(i)) {
      std::vector<ValueId>& kept = arguments.emplace_back();
      for (u32 a = 0; a < e.argument_count; ++a)
        if (live_[old_.blocks[e.block].first_argument + a])
          kept.push_back(value(old_.arguments_of(e)[a]));
    }
    for (u32 n = 0; n < i.edge_count; ++n)
      jumps.push_back({new_blocks_[old_.edges_of(i)[n].block], arguments[n]});
    if (i.op == Op::br) {
      builder_.br(jumps[0]);
    } else if (i.op == Op::br_if) {
      builder_.br_if(operands[0], jumps[0], jumps[1]);
    } else {
      builder_.switch_on(operands[0], jumps[0], {old_.cases.data() + i.aux, i.edge_count - 1},
                         std::span(jumps).subspan(1));
    }
  }

  void replace() {
    builder_.finish();
    new_.name = old_.name;
    new_.type = old_.type;
    new_.flags = old_.flags;
    new_.exported = old_.exported;
    new_.specialise = old_.specialise;
    new_.index = old_.index;
    old_ = std::move(new_);
  }

  Function& old_;
  Function new_;
  ir::Module unused_;
  ir::Builder builder_{unused_, new_};
  std::vector<bool> reachable_, live_, fused_;
  std::vector<ValueId> pending_, new_values_;
  std::vector<BlockId> new_blocks_;
  std::vector<std::vector<const Edge*>> edges_to_;
  std::map<std::tuple<u8, u8, u64, std::vector<u8>>, ValueId> constants_;
};

}  // namespace

void clean_up(ir::Function& function) {
  Cleanup(function).run();
}

}  // namespace bf::lower
