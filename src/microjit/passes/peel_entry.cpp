#include "microjit/passes/peel_entry.h"

namespace bf::passes {

namespace {

constexpr usize kMostInstructions = 4000;

class Peeler {
 public:
  Peeler(Graph& graph, const Cfg& cfg, BlockId entry)
      : g_(graph), cfg_(cfg), original_blocks_(static_cast<u32>(graph.blocks.size())) {
    outside_.push_back(entry);
  }

  std::vector<CopiedValue> run() {
    const BlockId target = g_.edges(g_.terminator(outside_[0]))[0].block;
    u32 loop = cfg_.loop_of(target);
    if (loop != Cfg::kNoLoop && cfg_.is_header(target)) loop = cfg_.loops()[loop].parent;
    for (; loop != Cfg::kNoLoop; loop = cfg_.loops()[loop].parent)
      if (!peel(loop)) break;
    return std::move(copied_);
  }

 private:
  // Whether a block that was there from the start is in the loop, but not its header.
  bool in_body(BlockId b, u32 loop) const {
    return b < original_blocks_ && b != cfg_.loops()[loop].header && cfg_.reachable(b) &&
           cfg_.in_loop(b, loop);
  }

  // What can still run of the loop's round, coming from outside.
  std::vector<BlockId> rest_of_round(u32 loop) const {
    std::vector<BlockId> region;
    std::vector<bool> seen(original_blocks_);
    const auto visit = [&](BlockId from) {
      for (const Edge& e : g_.edges(g_.terminator(from)))
        if (in_body(e.block, loop) && !seen[e.block]) {
          seen[e.block] = true;
          region.push_back(e.block);
        }
    };
    for (const BlockId b : outside_) visit(b);
    for (usize n = 0; n < region.size(); ++n) visit(region[n]);
    return region;
  }

  bool peel(u32 loop) {
    const std::vector<BlockId> region = rest_of_round(loop);
    for (const BlockId b : region) instructions_ += g_.blocks[b].instructions.size();
    if (instructions_ > kMostInstructions) return false;
    std::vector<BlockId> copy_of(original_blocks_, kNoBlock);
    for (const BlockId b : region) {
      copy_of[b] = copy(b);
      outside_.push_back(copy_of[b]);
    }
    // The copies and all that came from outside so far go to the copies.
    for (usize n = 0; n < outside_.size(); ++n)
      for (Edge& e : g_.edges(g_.terminator(outside_[n])))
        if (e.block < original_blocks_ && copy_of[e.block] != kNoBlock)
          e.block = copy_of[e.block];
    return true;
  }

  ValueId map(ValueId v) const {
    for (const auto& [from, to] : local_)
      if (from == v) return to;
    return v;
  }

  std::vector<ValueId> map_all(std::span<const ValueId> values) const {
    std::vector<ValueId> out;
    for (const ValueId v : values) out.push_back(map(v));
    return out;
  }

  void note(ValueId original, BlockId block, ValueId copy) {
    local_.push_back({original, copy});
    copied_.push_back({original, block, copy});
  }

  BlockId copy(BlockId from) {
    const BlockId to = g_.add_block();
    local_.clear();
    const std::vector<ValueId> arguments = g_.blocks[from].arguments;
    for (const ValueId v : arguments) note(v, to, g_.add_argument(to, g_.type(v)));
    const std::vector<InstId> list = g_.blocks[from].instructions;
    for (const InstId id : list) copy_instruction(id, to);
    return to;
  }

  void copy_instruction(InstId id, BlockId to) {
    const Inst i = g_.insts[id];
    const std::vector<ValueId> operands = map_all(g_.operands(i));
    InstId made;
    if (i.edge_count != 0) {
      std::vector<std::vector<ValueId>> arguments;
      std::vector<Graph::Jump> jumps;
      for (const Edge& e : g_.edges(i)) arguments.push_back(map_all(g_.arguments(e)));
      for (u32 n = 0; n < i.edge_count; ++n) jumps.push_back({g_.edges(i)[n].block, arguments[n]});
      made = g_.make_jump(i.op, operands, jumps, i.location);
      g_.insts[made].aux = i.aux;  // cases are shared
      g_.insts[made].imm = i.imm;
    } else {
      made = g_.make(i.op, i.type, operands, i.aux, i.imm, i.location);
    }
    g_.insts[made].origin = i.origin;
    g_.append(to, made);
    if (i.result != kNoValue) note(i.result, to, g_.insts[made].result);
    if (i.second_result != kNoValue)
      note(i.second_result, to, g_.add_second_result(made, g_.type(i.second_result)));
  }

  Graph& g_;
  const Cfg& cfg_;
  const u32 original_blocks_;
  std::vector<BlockId> outside_;  // the entry and the copies
  std::vector<std::pair<ValueId, ValueId>> local_;
  std::vector<CopiedValue> copied_;
  usize instructions_ = 0;
};

}  // namespace

std::vector<CopiedValue> peel_entry(Graph& graph, const Cfg& cfg, BlockId entry) {
  return Peeler(graph, cfg, entry).run();
}

}  // namespace bf::passes
