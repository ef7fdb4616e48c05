// From a graph back to the flat form that the verifier, the interpreter and the tiers read.
#include "microjit/passes/cfg.h"
#include "microjit/passes/graph.h"

namespace bf::passes {

namespace {

template <class T>
u32 size32(const std::vector<T>& v) {
  return static_cast<u32>(v.size());
}

class Flattener {
 public:
  Flattener(const Graph& graph, const std::vector<BlockId>& order) : g_(graph), order_(order) {
    out_.name = g_.name, out_.type = g_.function_type, out_.flags = g_.flags;
    out_.index = g_.index, out_.exported = g_.exported, out_.specialise = g_.specialise;
    values_.assign(g_.values.size(), kNoValue);
    block_ids_.assign(g_.blocks.size(), kNoBlock);
  }

  ir::Function run(std::vector<u32>* origins) {
    origins_ = origins;
    for (const BlockId b : order_) block_ids_[b] = count_++;
    for (const BlockId b : order_) number_block(b);
    for (const BlockId b : order_) emit_block(b);
    return std::move(out_);
  }

 private:
  ValueId add(Type type, ir::Def def, u32 index, u64 bits = 0) {
    out_.values.push_back({type, def, index, bits});
    return size32(out_.values) - 1;
  }

  // Arguments of a block must be neighbours; results are numbered where they are emitted, but edges
  // may name them before that, so they get their numbers here.
  void number_block(BlockId b) {
    ir::Block block;
    block.first_argument = size32(out_.values);
    block.argument_count = size32(g_.blocks[b].arguments);
    for (const ValueId v : g_.blocks[b].arguments)
      values_[v] = add(g_.type(v), ir::Def::BlockArgument, block_ids_[b]);
    for (const InstId id : g_.blocks[b].instructions) {
      const Inst& i = g_.insts[id];
      if (i.result != kNoValue) values_[i.result] = add(i.type, ir::Def::Instruction, 0);
      if (i.second_result != kNoValue)
        values_[i.second_result] = add(g_.type(i.second_result), ir::Def::Instruction, 0);
    }
    out_.blocks.push_back(block);
  }

  ValueId value(ValueId v) {
    if (values_[v] != kNoValue) return values_[v];
    BF_ASSERT(g_.is_constant(v));
    const Value& c = g_.values[v];
    u32 offset = 0;
    if (c.type.is_vector()) {
      const auto bytes = g_.vector_bytes(v);
      offset = size32(out_.constant_bytes);
      out_.constant_bytes.insert(out_.constant_bytes.end(), bytes.begin(), bytes.end());
    }
    return values_[v] = add(c.type, ir::Def::Constant, offset, c.bits);
  }

  void emit_block(BlockId b) {
    ir::Block& block = out_.blocks[block_ids_[b]];
    block.first_instruction = size32(out_.instructions);
    for (const InstId id : g_.blocks[b].instructions) {
      const Inst& i = g_.insts[id];
      emit(i);
      if (i.second_result == kNoValue) continue;
      ir::Instruction second;
      second.op = Op::second, second.type = g_.type(i.second_result), second.location = i.location;
      second.result = values_[i.second_result];
      second.first_operand = size32(out_.operands);
      second.first_edge = size32(out_.edges);
      out_.values[second.result].index = size32(out_.instructions);
      push(second, kNoOrigin);
    }
    block.instruction_count = size32(out_.instructions) - block.first_instruction;
  }

  void emit(const Inst& i) {
    ir::Instruction o;
    o.op = i.op, o.type = i.type, o.operand_count = i.operand_count;
    o.aux = i.aux, o.imm = i.imm, o.location = i.location, o.edge_count = i.edge_count;
    o.first_operand = size32(out_.operands);
    for (const ValueId v : g_.operands(i)) out_.operands.push_back(value(v));
    for (const Edge& e : g_.edges(i)) {
      out_edges_.push_back({block_ids_[e.block], size32(out_.operands), e.argument_count});
      for (const ValueId v : g_.arguments(e)) out_.operands.push_back(value(v));
    }
    o.first_edge = size32(out_.edges);
    out_.edges.insert(out_.edges.end(), out_edges_.begin(), out_edges_.end());
    out_edges_.clear();
    if (i.op == Op::shuffle) {
      o.aux = size32(out_.masks);
      for (const u8 lane : g_.mask(i)) out_.masks.push_back(lane);
    }
    if (i.op == Op::switch_) {
      o.aux = size32(out_.cases);
      for (u32 n = 0; n + 1 < i.edge_count; ++n) out_.cases.push_back(g_.cases[i.aux + n]);
    }
    if (i.result != kNoValue) {
      o.result = values_[i.result];
      out_.values[o.result].index = size32(out_.instructions);
    }
    push(o, i.origin);
  }

  void push(const ir::Instruction& i, u32 origin) {
    out_.instructions.push_back(i);
    if (origins_) origins_->push_back(origin);
  }

  const Graph& g_;
  const std::vector<BlockId>& order_;
  ir::Function out_;
  std::vector<ValueId> values_;
  std::vector<BlockId> block_ids_;
  std::vector<ir::Edge> out_edges_;
  std::vector<u32>* origins_ = nullptr;
  u32 count_ = 0;
};

// Reverse post-order, but a loop's blocks stand together: blocks that a loop's end jumps out to
// come after the loop, whatever order the edges were visited in.
std::vector<BlockId> block_order(const Graph& graph) {
  const Cfg cfg(graph);
  std::vector<BlockId> out;
  std::vector<bool> placed(graph.blocks.size());
  const auto place = [&](auto& self, BlockId b) -> void {
    if (placed[b]) return;
    if (!cfg.is_header(b)) {
      placed[b] = true;
      out.push_back(b);
      return;
    }
    // A header comes first in its loop's list; inner loops are placed as wholes.
    placed[b] = true;
    out.push_back(b);
    for (const BlockId inner : cfg.loops()[cfg.loop_of(b)].blocks) self(self, inner);
  };
  for (const BlockId b : cfg.order()) place(place, b);
  return out;
}

}  // namespace

ir::Function Graph::to_function(std::vector<u32>* origins) const {
  BF_ASSERT(settled());
  return Flattener(*this, block_order(*this)).run(origins);
}

}  // namespace bf::passes
