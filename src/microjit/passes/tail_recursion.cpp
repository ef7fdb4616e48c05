// A call of the function itself whose results are returned at once becomes a jump to its start.
//
// Only where the function has no stack memory, and no arguments that are copied to memory: a call
// would have had memory of its own.
#include <algorithm>

#include "microjit/passes/cfg.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

class TailRecursion {
 public:
  explicit TailRecursion(Graph& graph) : g_(graph) {}

  bool run() {
    // Arguments by value are copies of the callee's own.
    constexpr u32 kHarmless = ir::kKernel | ir::kReassoc | ir::kCold;
    if ((g_.flags & ~kHarmless) != 0) return false;
    if (!g_.module().types[g_.function_type].is_plain()) return false;
    for (const InstId id : g_.blocks[0].instructions)
      if (g_.insts[id].op == Op::stack_alloc) return false;
    const Cfg cfg(g_);
    for (const BlockId b : cfg.order())
      if (is_tail_call(b)) blocks_.push_back(b);
    if (blocks_.empty()) return false;
    const BlockId header = make_header();
    for (const BlockId b : blocks_) jump(b == 0 ? header : b, header);
    g_.settle();
    return true;
  }

 private:
  // The block's last instruction but one is such a call, and what follows gives its results back:
  // right there, or in a block with nothing but the `ret` in it.
  bool is_tail_call(BlockId b) const {
    const auto& list = g_.blocks[b].instructions;
    if (list.size() < 2) return false;
    const Inst& call = g_.insts[list[list.size() - 2]];
    if (call.op != Op::call || call.aux != g_.index) return false;
    const Inst& end = g_.terminator(b);
    if (end.op == Op::ret) return returns(call, g_.operands(end));
    if (end.op != Op::br) return false;
    const Edge& edge = g_.edges(end)[0];
    if (g_.blocks[edge.block].instructions.size() != 1) return false;
    const Inst& ret = g_.terminator(edge.block);
    if (ret.op != Op::ret) return false;
    std::vector<ValueId> results;
    for (const ValueId v : g_.operands(ret)) {
      const auto& arguments = g_.blocks[edge.block].arguments;
      const auto at = std::find(arguments.begin(), arguments.end(), v);
      results.push_back(at == arguments.end()
                            ? v
                            : g_.arguments(edge)[static_cast<usize>(at - arguments.begin())]);
    }
    return returns(call, results);
  }

  static bool returns(const Inst& call, std::span<const ValueId> results) {
    const ValueId wanted[] = {call.result, call.second_result};
    for (usize n = 0; n < results.size(); ++n)
      if (results[n] != wanted[n] || results[n] == kNoValue) return false;
    return true;
  }

  // Nobody may jump to the entry, so all it does moves to a block behind it.
  BlockId make_header() {
    const BlockId header = g_.split(0, 0);
    const std::vector<ValueId> parameters = g_.blocks[0].arguments;
    for (const ValueId p : parameters) g_.replace(p, g_.add_argument(header, g_.type(p)));
    g_.settle();
    g_.set_arguments(g_.edges(g_.terminator(0))[0], parameters);
    return header;
  }

  void jump(BlockId b, BlockId header) {
    auto& list = g_.blocks[b].instructions;
    const InstId call = list[list.size() - 2], end = list.back();
    const Graph::Jump back{header, g_.operands(g_.insts[call])};
    const InstId br = g_.make_jump(Op::br, {}, {&back, 1}, g_.insts[call].location);
    g_.insts[call].block = g_.insts[end].block = kNoBlock;
    list.resize(list.size() - 2);
    g_.append(b, br);
  }

  Graph& g_;
  std::vector<BlockId> blocks_;
};

}  // namespace

bool tail_recursion(Graph& graph, const Context&) {
  return TailRecursion(graph).run();
}

}  // namespace bf::passes
