// Indirect calls become direct ones, which can be inlined:
//   - where the pointer is the address of a function, or is read from constant data that holds one;
//   - where the profile has seen (nearly) always the same callee: the pointer is compared with its
//     address, and the indirect call stays for all else.
#include <algorithm>

#include "microjit/passes/cfg.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

// A guess must have been right this many times for each time it was wrong, and often enough to
// mean something.
constexpr u64 kHitsPerMiss = 16, kEnoughHits = 8;

class Devirtualiser {
 public:
  Devirtualiser(Graph& graph, const Context& context) : g_(graph), context_(context) {}

  bool run() {
    bool changed = false;
    const usize blocks = g_.blocks.size();
    for (BlockId b = 0; b < blocks; ++b)
      // Of a block that is cut at a call, the rest is a new block.
      for (BlockId rest = b; rest != kNoBlock;) {
        const BlockId next = sweep(rest, changed);
        rest = next;
      }
    g_.settle();
    return changed;
  }

 private:
  // Gives the block where to go on, or kNoBlock at the end.
  BlockId sweep(BlockId b, bool& changed) {
    for (usize n = 0; n < g_.blocks[b].instructions.size(); ++n) {
      const InstId id = g_.blocks[b].instructions[n];
      if (g_.insts[id].op != Op::call_indirect) continue;
      u32 callee = 0;
      if (known_callee(g_.operand(g_.insts[id], 0), callee) && fits(id, callee)) {
        make_direct(id, callee);
        changed = true;
      } else if (guess(id, callee) && fits(id, callee)) {
        changed = true;
        return guard(b, n, callee);
      }
    }
    return kNoBlock;
  }

  bool fits(InstId call, u32 callee) const {
    const auto& types = context_.module.types;
    const ir::FunctionType& type = types[context_.module.functions[callee].type];
    return !type.variadic && type == types[g_.insts[call].aux];
  }

  bool known_callee(ValueId pointer, u32& callee) const {
    const Inst* i = g_.definition(pointer);
    if (!i) return false;
    if (i->op == Op::func_addr) {
      callee = i->aux;
      return true;
    }
    if (i->op != Op::load || i->type.kind != Kind::Ptr) return false;
    const Inst* address = g_.definition(g_.operand(*i, 0));
    if (!address || address->op != Op::data_addr) return false;
    const ir::Data& data = context_.module.data[address->aux];
    if (data.writable) return false;
    const u64 offset = static_cast<u64>(address->imm) + static_cast<u64>(i->imm);
    for (const ir::Relocation& r : data.relocations) {
      if (r.offset != offset || r.target != ir::Target::Function || r.addend != 0) continue;
      callee = r.index;
      return true;
    }
    return false;
  }

  bool guess(InstId call, u32& callee) const {
    if (context_.tier < microjit::Tier::Specialised || g_.insts[call].origin == kNoOrigin)
      return false;
    for (const CallTarget& t : context_.targets) {
      if (t.caller != g_.index || t.instruction != g_.insts[call].origin) continue;
      callee = t.callee;
      return t.hits >= kEnoughHits && t.hits >= t.misses * kHitsPerMiss;
    }
    return false;
  }

  void make_direct(InstId call, u32 callee) {
    const auto operands = g_.operands(g_.insts[call]);
    const std::vector<ValueId> arguments(operands.begin() + 1, operands.end());
    g_.set_operands(call, arguments);
    g_.insts[call].op = Op::call;
    g_.insts[call].aux = callee;
  }

  // b: ..., call_indirect f(...); rest   becomes   b: ..., f == callee? hit : miss   and both jump
  // to `rest` with the results.
  BlockId guard(BlockId b, usize at, u32 callee) {
    const InstId indirect = g_.blocks[b].instructions[at];
    const BlockId rest = g_.split(b, at + 1), hit = g_.add_block(), miss = g_.add_block();
    const ir::Location location = g_.insts[indirect].location;
    const InstId direct = copy_call(indirect);
    make_direct(direct, callee);
    g_.insts[direct].origin = kNoOrigin;
    replace_results(indirect, rest);
    g_.remove(indirect);
    g_.append(hit, direct);
    g_.append(miss, indirect);
    jump_with_results(hit, direct, rest);
    jump_with_results(miss, indirect, rest);
    const ValueId pointer = g_.operand(g_.insts[indirect], 0);
    const ValueId address =
        g_.emit_before_end(b, Op::func_addr, {Kind::Ptr}, {}, callee, 0, location);
    const ValueId same =
        g_.emit_before_end(b, Op::eq, {Kind::I1}, {pointer, address}, 0, 0, location);
    const InstId old = g_.blocks[b].instructions.back();
    g_.insts[old].block = kNoBlock;
    g_.blocks[b].instructions.pop_back();
    const Graph::Jump jumps[] = {{hit, {}}, {miss, {}}};
    g_.append(b, g_.make_jump(Op::br_if, {&same, 1}, jumps, location));
    return rest;
  }

  InstId copy_call(InstId from) {
    const Inst call = g_.insts[from];
    const InstId copy = g_.make(call.op, call.type, g_.operands(call), call.aux, 0, call.location);
    if (call.second_result != kNoValue) g_.add_second_result(copy, g_.type(call.second_result));
    return copy;
  }

  void replace_results(InstId call, BlockId rest) {
    for (const ValueId r : {g_.insts[call].result, g_.insts[call].second_result})
      if (r != kNoValue) old_results_.push_back({r, g_.add_argument(rest, g_.type(r))});
  }

  // The jumps use the calls' own results, so all other uses are rewritten before there are jumps.
  void jump_with_results(BlockId from, InstId call, BlockId rest) {
    for (const auto& [old, argument] : old_results_) g_.replace(old, argument);
    g_.settle();
    old_results_.clear();
    std::vector<ValueId> results;
    for (const ValueId r : {g_.insts[call].result, g_.insts[call].second_result})
      if (r != kNoValue) results.push_back(r);
    const Graph::Jump jump{rest, results};
    g_.append(from, g_.make_jump(Op::br, {}, {&jump, 1}, g_.insts[call].location));
  }

  Graph& g_;
  const Context& context_;
  std::vector<std::pair<ValueId, ValueId>> old_results_;
};

}  // namespace

bool devirtualise(Graph& graph, const Context& context) {
  return Devirtualiser(graph, context).run();
}

}  // namespace bf::passes
