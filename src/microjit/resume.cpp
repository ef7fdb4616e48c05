#include "microjit/resume.h"

namespace bf::microjit {

namespace {

using ir::BlockId;
using ir::Function;
using ir::Instruction;
using ir::ValueId;

// Liveness at one place. The block of the place counts as two nodes: what comes before it (the
// block's own id) and what comes from it on (`rest_`), which the first part leads to.
class Liveness {
 public:
  Liveness(const Function& f, BlockId block, u32 first)
      : f_(f), block_(block), first_(first), rest_(static_cast<u32>(f.blocks.size())) {
    predecessors_.resize(f.blocks.size() + 1);
    reached_.resize(f.blocks.size() + 1);
    seen_.resize(f.blocks.size() + 1);
    alive_.resize(f.values.size());
    find_reachable();
    find_definitions();
  }

  // By value: whether it is alive at the place.
  std::vector<bool> run() {
    for (const u32 node : reachable_) {
      const ir::Block& block = f_.blocks[node == rest_ ? block_ : node];
      const u32 begin = node == rest_ ? first_ : 0;
      const u32 end = node == block_ ? first_ : block.instruction_count;
      for (u32 n = begin; n < end; ++n) {
        const Instruction& i = f_.instructions[block.first_instruction + n];
        for (const ValueId v : f_.operands_of(i)) use(v, node);
        for (const ir::Edge& e : f_.edges_of(i))
          for (const ValueId v : f_.arguments_of(e)) use(v, node);
      }
    }
    return std::move(alive_);
  }

 private:
  void reach(u32 node, u32 from) {
    predecessors_[node].push_back(from);
    if (reached_[node]) return;
    reached_[node] = true;
    reachable_.push_back(node);
  }

  void find_reachable() {
    reached_[rest_] = true;
    reachable_.push_back(rest_);
    for (usize n = 0; n < reachable_.size(); ++n) {
      const u32 node = reachable_[n];
      if (node == block_) {
        reach(rest_, node);
        continue;
      }
      const ir::Block& block = f_.blocks[node == rest_ ? block_ : node];
      for (const ir::Edge& e : f_.edges_of(f_.terminator(block))) reach(e.block, node);
    }
  }

  void find_definitions() {
    home_.assign(f_.values.size(), ~0u);
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      const ir::Block& block = f_.blocks[b];
      for (u32 n = 0; n < block.argument_count; ++n) home_[block.first_argument + n] = b;
      for (u32 n = 0; n < block.instruction_count; ++n)
        if (const ValueId v = f_.instructions[block.first_instruction + n].result;
            v != ir::kNoValue)
          home_[v] = b == block_ && n >= first_ ? rest_ : b;
    }
  }

  // A value that is used in a node is alive at its start and at the start of every node before it,
  // up to its definition.
  void use(ValueId v, u32 node) {
    if (alive_[v] || f_.values[v].def == ir::Def::Constant || home_[v] == node) return;
    const u32 stamp = v + 1;
    work_.assign(1, node);
    seen_[node] = stamp;
    while (!work_.empty()) {
      const u32 at = work_.back();
      work_.pop_back();
      if (at == rest_) {
        alive_[v] = true;
        return;
      }
      for (const u32 p : predecessors_[at]) {
        if (p == home_[v] || seen_[p] == stamp) continue;
        seen_[p] = stamp;
        work_.push_back(p);
      }
    }
  }

  const Function& f_;
  const BlockId block_;
  const u32 first_;
  const u32 rest_;
  std::vector<bool> alive_, reached_;
  std::vector<u32> reachable_;  // nodes
  std::vector<std::vector<u32>> predecessors_;
  std::vector<u32> home_;  // node of each value's definition
  std::vector<u32> seen_;
  std::vector<u32> work_;
};

// Lays the values out that are alive in the point's place.
template <class Alive>
void lay_out(const Function& f, ResumePoint& point, const Alive& alive) {
  for (const ValueId v : alive) {
    const ir::Value& value = f.values[v];
    if (value.def == ir::Def::Instruction && is_constant_address(f.instructions[value.index]))
      continue;
    const u32 size = state_bytes(value.type);
    point.bytes = align_up(point.bytes, size);
    point.values.push_back({v, value.type, point.bytes});
    point.bytes += size;
  }
}

// What is alive at the starts of some blocks: one walk backwards for every value.
class BlockLiveness {
 public:
  BlockLiveness(const Function& f, std::span<const BlockId> blocks)
      : f_(f), row_(f.blocks.size(), kNone), seen_(f.blocks.size()), alive(blocks.size()) {
    for (u32 n = 0; n < blocks.size(); ++n) row_[blocks[n]] = n;
    find_predecessors();
    find_uses();
    for (ValueId v = 0; v < f.values.size(); ++v) walk(v);
  }

 private:
  static constexpr u32 kNone = ~0u;

  void find_predecessors() {
    predecessors_.resize(f_.blocks.size());
    for (BlockId b = 0; b < f_.blocks.size(); ++b)
      for (const ir::Edge& e : f_.edges_of(f_.terminator(f_.blocks[b]))) predecessors_[e.block].push_back(b);
  }

  void find_uses() {
    home_.assign(f_.values.size(), kNone);
    first_use_.assign(f_.values.size(), kNone);
    for (BlockId b = 0; b < f_.blocks.size(); ++b) {
      const ir::Block& block = f_.blocks[b];
      for (u32 n = 0; n < block.argument_count; ++n) home_[block.first_argument + n] = b;
      for (const Instruction& i : f_.instructions_of(block)) {
        if (i.result != ir::kNoValue) home_[i.result] = b;
        for (const ValueId v : f_.operands_of(i)) use(v, b);
        for (const ir::Edge& e : f_.edges_of(i))
          for (const ValueId v : f_.arguments_of(e)) use(v, b);
      }
    }
  }

  void use(ValueId v, BlockId b) {
    if (first_use_[v] != kNone && uses_[first_use_[v]].block == b) return;
    uses_.push_back({b, first_use_[v]});
    first_use_[v] = static_cast<u32>(uses_.size()) - 1;
  }

  void walk(ValueId v) {
    if (home_[v] == kNone) return;  // a constant
    // A block's own arguments are set at its start: they are in the state if anybody reads them.
    if (f_.values[v].def == ir::Def::BlockArgument && first_use_[v] != kNone &&
        row_[home_[v]] != kNone)
      alive[row_[home_[v]]].push_back(v);
    const u32 stamp = v + 1;
    for (u32 u = first_use_[v]; u != kNone; u = uses_[u].next) {
      if (uses_[u].block != home_[v]) reach(v, uses_[u].block, stamp);
      while (!work_.empty()) {
        const BlockId at = work_.back();
        work_.pop_back();
        for (const BlockId p : predecessors_[at])
          if (p != home_[v]) reach(v, p, stamp);
      }
    }
  }

  void reach(ValueId v, BlockId b, u32 stamp) {
    if (seen_[b] == stamp) return;
    seen_[b] = stamp;
    work_.push_back(b);
    if (row_[b] != kNone) alive[row_[b]].push_back(v);
  }

  struct Use {
    BlockId block;
    u32 next;
  };
  const Function& f_;
  std::vector<u32> row_;  // by block: which of the asked ones it is
  std::vector<std::vector<BlockId>> predecessors_;
  std::vector<BlockId> home_;
  std::vector<u32> first_use_;
  std::vector<Use> uses_;
  std::vector<u32> seen_;
  std::vector<BlockId> work_;

 public:
  std::vector<std::vector<ValueId>> alive;  // by asked block, ascending
};

}  // namespace

namespace {

// Not variadic, though such a type may have the same parameters: printf's are (ptr, ...).
ir::FunctionType type_of_rest(const ir::FunctionType& type) {
  return {.parameters = {ir::Kind::Ptr}, .results = type.results};
}

}  // namespace

u32 resume_type(const ir::Module& module, const Function& function) {
  const ir::FunctionType wanted = type_of_rest(module.types[function.type]);
  for (u32 n = 0; n < module.types.size(); ++n)
    if (module.types[n] == wanted) return n;
  return ~0u;
}

void add_resume_types(ir::Module& module) {
  const usize count = module.types.size();
  for (usize n = 0; n < count; ++n) module.intern_type(type_of_rest(module.types[n]));
}

bool has_back_edges(const Function& f) {
  for (BlockId b = 0; b < f.blocks.size(); ++b)
    for (const ir::Edge& e : f.edges_of(f.terminator(f.blocks[b])))
      if (e.block <= b) return true;
  return false;
}

bool is_constant_address(const Instruction& i) {
  return i.op == ir::Op::data_addr || i.op == ir::Op::func_addr || i.op == ir::Op::import_addr;
}

ResumePoint resume_point(const Function& f, BlockId block, u32 instruction) {
  if (instruction == 0) return std::move(resume_points(f, {&block, 1}).front());
  ResumePoint point{block, instruction, {}, 0};
  const std::vector<bool> alive = Liveness(f, block, instruction).run();
  std::vector<ValueId> values;
  for (ValueId v = 0; v < f.values.size(); ++v)
    if (alive[v]) values.push_back(v);
  lay_out(f, point, values);
  return point;
}

std::vector<ResumePoint> resume_points(const Function& f, std::span<const BlockId> blocks) {
  const BlockLiveness liveness(f, blocks);
  std::vector<ResumePoint> points;
  for (u32 n = 0; n < blocks.size(); ++n) {
    points.push_back({blocks[n], 0, {}, 0});
    lay_out(f, points.back(), liveness.alive[n]);
  }
  return points;
}

}  // namespace bf::microjit
