// Inlining: a call becomes the body of what it calls, where that is likely to pay.
//
// What speaks for it: the callee is small, the call is inside a loop or is known to be hot, its
// arguments are constants (code behind them folds) or functions (indirect calls become direct).
// What bounds it: the callee's size, the growth of the caller, and for recursive calls the depth.
// A call through a constant pointer counts as the direct call it will be.
//
// The callee's stack memory moves to the caller's entry. A `ret` becomes a jump to what followed
// the call, which gets the results as block arguments.
#include <algorithm>
#include <optional>

#include "microjit/passes/cfg.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

using microjit::Tier;

// Sizes are in instructions, roughly; a call counts as what it costs in code and spills.
constexpr u32 kCallWeight = 5;
constexpr u32 kMemoryWeight = 3;
constexpr u32 kHuge = 1u << 20;
// A callee's stack memory stays allocated for as long as the caller runs.
constexpr i64 kMaxCalleeStack = 4096, kMaxStack = 64 << 10;

struct Limits {
  u32 callee;          // of a call that is run once per call of the caller
  u32 in_loop;         // ... many times
  u32 constant_bonus;  // for each argument that is a constant
  u32 function_bonus;  // ... the address of a function
  u32 recursive;       // a body that calls the caller again
  u32 recursion_depth;
  u32 depth;   // calls in inlined bodies
  u32 growth;  // of the caller, besides as much as it had
};
constexpr Limits kOptimising = {14, 20, 3, 20, 0, 0, 3, 100};
constexpr Limits kSpecialised = {40, 110, 15, 80, 40, 3, 6, 600};

u32 weight(Op op, u32 operands) {
  switch (ir::op_info(op).effects) {
    case ir::Effects::Calls:
      return kCallWeight + operands;
    case ir::Effects::Ends:
      return op == Op::br || op == Op::unreachable ? 0 : 1;
    default:
      break;
  }
  if (op == Op::memcopy || op == Op::memmove || op == Op::memfill) return kMemoryWeight;
  return op == Op::stack_alloc || op == Op::second || op == Op::bitcast ? 0 : 1;
}

u32 weight(const ir::Function& f) {
  u32 total = 0;
  for (const ir::Instruction& i : f.instructions) {
    total += weight(i.op, i.operand_count);
    if (i.op == Op::switch_) total += i.edge_count;
  }
  return total;
}

i64 stack_bytes(const ir::Function& f) {
  i64 total = 0;
  for (const ir::Instruction& i : f.instructions_of(f.blocks[0]))
    if (i.op == Op::stack_alloc) total += i.imm + 64;
  return total;
}

class Inliner {
 public:
  Inliner(Graph& graph, const Context& context)
      : g_(graph),
        context_(context),
        limits_(context.tier >= Tier::Specialised ? kSpecialised : kOptimising) {
    BF_ASSERT(context.functions.empty() || g_.index < context.functions.size());
    frames_.push_back({g_.index, kRoot});
    growth_left_ = limits_.growth;
    for (const Block& b : g_.blocks)
      for (const InstId id : b.instructions) {
        const Inst& i = g_.insts[id];
        growth_left_ += weight(i.op, i.operand_count);
        if (i.op == Op::stack_alloc) stack_bytes_ += i.imm + 64;
      }
  }

  bool run() {
    const Cfg cfg(g_);
    for (const BlockId b : cfg.order())
      if (!leads_nowhere(b))
        for (const InstId id : g_.blocks[b].instructions) note(id, cfg.depth(b), 0, 0);
    // The growth that is allowed is spent where it matters most.
    std::sort(sites_.begin(), sites_.end(), [](const Site& a, const Site& b) {
      return a.loop_depth != b.loop_depth ? a.loop_depth > b.loop_depth : a.call < b.call;
    });
    bool changed = false;
    for (usize n = 0; n < sites_.size(); ++n) {
      const Site site = sites_[n];  // `sites_` grows meanwhile
      u32 callee = 0;
      if (!find_callee(site.call, callee) || !worth_it(site, callee)) continue;
      inline_call(site, callee);
      changed = true;
    }
    g_.settle();
    return changed;
  }

 private:
  static constexpr u32 kRoot = ~0u;
  // What has been inlined: the chain from a body to the function that is compiled.
  struct Frame {
    u32 function;
    u32 caller;  // in frames_, or kRoot
  };
  struct Site {
    InstId call;
    u32 loop_depth;
    u32 depth;
    u32 frame;
  };

  bool leads_nowhere(BlockId b) const { return g_.terminator(b).op == Op::unreachable; }

  void note(InstId id, u32 loop_depth, u32 depth, u32 frame) {
    if (g_.insts[id].op == Op::call || g_.insts[id].op == Op::call_indirect)
      sites_.push_back({id, loop_depth, depth, frame});
  }

  bool find_callee(InstId id, u32& callee) {
    const Inst& call = g_.insts[id];
    if (call.block == kNoBlock) return false;
    callee = call.aux;
    if (call.op == Op::call) return true;
    const Inst* address = g_.definition(g_.resolve(g_.operand(call, 0)));
    if (!address || address->op != Op::func_addr) return false;
    callee = address->aux;
    const auto& types = context_.module.types;
    return types[context_.module.functions[callee].type] == types[call.aux];
  }

  u32 recursion(u32 frame, u32 callee) const {
    u32 depth = 0;
    for (; frame != kRoot; frame = frames_[frame].caller)
      depth += frames_[frame].function == callee;
    return depth;
  }

  // Kernels are looked at as wholes, cold code is out of the way where it is, and what else is
  // special about a function its body does not say. What may be reordered in the caller may not
  // always be in the callee.
  bool suitable(u32 flags) const {
    return (flags & ~u32{ir::kReassoc}) == 0 &&
           (flags == ir::kReassoc || !(g_.flags & ir::kReassoc));
  }

  u32 callee_weight(u32 callee) {
    for (const auto& [function, size] : weights_)
      if (function == callee) return size;
    const ir::Function& f = context_.module.functions[callee];
    const bool may = context_.module.types[f.type].is_plain() && suitable(f.flags) &&
                     f.instructions.size() < 4096 && stack_bytes(f) <= kMaxCalleeStack;
    weights_.push_back({callee, may ? weight(f) : kHuge});
    return weights_.back().second;
  }

  // Calls of the callee for each call of the function that is compiled: a loop that the graph
  // does not show, or a path that is never taken.
  bool rarely_called(u32 callee) const {
    if (context_.functions.empty()) return false;
    return context_.functions[callee].calls < context_.functions[g_.index].calls / 64;
  }
  bool often_called(u32 callee) const {
    if (context_.functions.empty()) return false;
    return context_.functions[callee].calls / 8 > context_.functions[g_.index].calls;
  }

  bool worth_it(const Site& site, u32 callee) {
    const u32 size = callee_weight(callee);
    if (size == kHuge || site.depth >= limits_.depth || size > growth_left_) return false;
    if (stack_bytes_ + stack_bytes(context_.module.functions[callee]) > kMaxStack) return false;
    const u32 recursive = recursion(site.frame, callee);
    // Copies of a recursive function save calls at every level in itself, elsewhere only once.
    if (recursive != 0)
      return callee == g_.index && recursive <= limits_.recursion_depth &&
             size <= limits_.recursive;
    const Inst& call = g_.insts[site.call];
    if (size <= kCallWeight + call.operand_count) return true;
    if (rarely_called(callee)) return false;
    u32 limit = site.loop_depth > 0 || often_called(callee) ? limits_.in_loop : limits_.callee;
    for (u32 n = call.op == Op::call_indirect; n < call.operand_count; ++n) {
      const ValueId v = g_.resolve(g_.operand(call, n));
      if (g_.is_constant(v))
        limit += limits_.constant_bonus;
      else if (const Inst* d = g_.definition(v); d && d->op == Op::func_addr)
        limit += limits_.function_bonus;
    }
    return size <= limit;
  }

  void inline_call(const Site& site, u32 callee) {
    growth_left_ -= std::min(growth_left_, callee_weight(callee));
    const BlockId before = g_.insts[site.call].block;
    const BlockId after = cut_out(site.call);
    const BlockId first_new = static_cast<BlockId>(g_.blocks.size());
    std::vector<ValueId> values;
    const Graph& body = body_of(callee);
    const BlockId entry = g_.import(body, values);
    pass_arguments(site.call, before, entry);
    adopt_stack(entry);
    return_to(site.call, after, first_new);
    note_calls(site, callee, body, first_new);
  }

  // Functions that are copied once are copied again, soon: the last one is kept.
  const Graph& body_of(u32 callee) {
    if (!body_ || body_->index != callee)
      body_.emplace(context_.module, context_.module.functions[callee]);
    return *body_;
  }

  // Takes the call out; gives the block that goes on behind it.
  BlockId cut_out(InstId call) {
    const BlockId b = g_.insts[call].block;
    const auto& list = g_.blocks[b].instructions;
    const usize at = static_cast<usize>(std::find(list.begin(), list.end(), call) - list.begin());
    const BlockId after = g_.split(b, at + 1);
    g_.remove(call);
    return after;
  }

  // The body has this one caller, so its parameters are what that passes.
  void pass_arguments(InstId call, BlockId before, BlockId entry) {
    const u32 first = g_.insts[call].op == Op::call_indirect;
    auto& parameters = g_.blocks[entry].arguments;
    for (u32 n = 0; n < parameters.size(); ++n)
      g_.replace(parameters[n], g_.operand(g_.insts[call], first + n));
    parameters.clear();
    g_.edges(g_.terminator(before))[0].block = entry;
  }

  void adopt_stack(BlockId entry) {
    std::vector<InstId> allocations;
    g_.filter(entry, [&](InstId id) {
      if (g_.insts[id].op != Op::stack_alloc) return true;
      allocations.push_back(id);
      return false;
    });
    for (const InstId id : allocations) {
      stack_bytes_ += g_.insts[id].imm + 64;
      g_.insert(0, 0, id);
    }
  }

  void return_to(InstId call, BlockId after, BlockId first_new) {
    std::vector<ValueId> results;
    if (const ValueId r = g_.insts[call].result; r != kNoValue) results.push_back(r);
    if (const ValueId r = g_.insts[call].second_result; r != kNoValue) results.push_back(r);
    for (const ValueId r : results) g_.replace(r, g_.add_argument(after, g_.type(r)));
    for (BlockId b = first_new; b < g_.blocks.size(); ++b) {
      const InstId end = g_.blocks[b].instructions.back();
      if (g_.insts[end].op != Op::ret) continue;
      // A second result that the caller does not take is not passed.
      const Inst& ret = g_.insts[end];
      const std::vector<ValueId> values(
          g_.operands(ret).begin(), g_.operands(ret).begin() + static_cast<u32>(results.size()));
      const Graph::Jump jump{after, values};
      const InstId br = g_.make_jump(Op::br, {}, {&jump, 1}, ret.location);
      g_.insts[end].block = kNoBlock;
      g_.blocks[b].instructions.pop_back();
      g_.append(b, br);
    }
  }

  void note_calls(const Site& site, u32 callee, const Graph& body, BlockId first_new) {
    frames_.push_back({callee, site.frame});
    const u32 frame = static_cast<u32>(frames_.size()) - 1;
    const Cfg cfg(body);
    for (const BlockId b : cfg.order()) {
      if (leads_nowhere(b + first_new)) continue;
      for (const InstId id : g_.blocks[b + first_new].instructions)
        note(id, site.loop_depth + cfg.depth(b), site.depth + 1, frame);
    }
  }

  Graph& g_;
  const Context& context_;
  const Limits& limits_;
  std::vector<Frame> frames_;
  std::vector<Site> sites_;
  std::vector<std::pair<u32, u32>> weights_;  // of callees that were looked at
  std::optional<Graph> body_;
  u32 growth_left_ = 0;
  i64 stack_bytes_ = 0;
};

}  // namespace

bool inline_calls(Graph& graph, const Context& context) {
  return Inliner(graph, context).run();
}

}  // namespace bf::passes
