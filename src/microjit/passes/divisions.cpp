// A quotient and a remainder of the same numbers in one block. The processor's division gives both: the
// second one moves to the first, where the code generator sees that it has been computed. Divisions by
// constants become products there, and the remainder is a - (a / c) * c.
#include <algorithm>

#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

Op quotient_for(Op remainder) {
  return remainder == Op::urem ? Op::udiv : Op::sdiv;
}

class Divisions {
 public:
  explicit Divisions(Graph& graph) : g_(graph) {}

  bool run() {
    for (BlockId b = 0; b < g_.blocks.size(); ++b) block(b);
    return changed_;
  }

 private:
  void block(BlockId b) {
    quotients_.clear();
    for (const InstId id : g_.blocks[b].instructions)
      if (const Inst& i = g_.insts[id]; i.op == Op::udiv || i.op == Op::sdiv) quotients_.push_back(id);
    if (quotients_.empty()) return;
    // By number: the list grows while it is walked.
    for (usize at = 0; at < g_.blocks[b].instructions.size(); ++at) {
      const InstId id = g_.blocks[b].instructions[at];
      const Inst& i = g_.insts[id];
      if (i.op != Op::urem && i.op != Op::srem) continue;
      if (const InstId quotient = quotient_of(i); quotient != kNoInst) at += share(b, at, id, quotient);
    }
  }

  InstId quotient_of(const Inst& remainder) const {
    for (const InstId id : quotients_) {
      const Inst& q = g_.insts[id];
      if (q.op == quotient_for(remainder.op) && std::ranges::equal(g_.operands(q), g_.operands(remainder)))
        return id;
    }
    return kNoInst;
  }

  // Gives how many instructions now come before the remainder that did not.
  usize share(BlockId b, usize at, InstId remainder, InstId quotient) {
    auto& list = g_.blocks[b].instructions;
    const usize of_quotient = static_cast<usize>(std::ranges::find(list, quotient) - list.begin());
    const Inst i = g_.insts[remainder];
    const ValueId a = g_.operand(i, 0), divisor = g_.operand(i, 1);
    if (!g_.is_constant(divisor)) {
      // Nothing between them defines the operands, and both trap for the same numbers.
      const auto [first, second] = std::minmax(at, of_quotient);
      if (second != first + 1) {
        const auto from = list.begin() + static_cast<std::ptrdiff_t>(first);
        std::rotate(from + 1, from + static_cast<std::ptrdiff_t>(second - first),
                    from + static_cast<std::ptrdiff_t>(second - first) + 1);
        changed_ = true;
      }
      return 0;
    }
    changed_ = true;
    usize more = 0;
    if (of_quotient > at) {
      const auto from = list.begin() + static_cast<std::ptrdiff_t>(at);
      const auto to = list.begin() + static_cast<std::ptrdiff_t>(of_quotient);
      std::rotate(from, to, to + 1);
      ++more;
    }
    const InstId product =
        g_.make(Op::mul, i.type, {g_.insts[quotient].result, divisor}, 0, 0, i.location);
    g_.insert(b, at + more, product);
    const ValueId operands[] = {a, g_.insts[product].result};
    g_.rewrite(remainder, Op::sub, operands);
    return more + 1;
  }

  Graph& g_;
  std::vector<InstId> quotients_;  // of the block
  bool changed_ = false;
};

}  // namespace

bool divisions(Graph& graph, const Context&) {
  return Divisions(graph).run();
}

}  // namespace bf::passes
