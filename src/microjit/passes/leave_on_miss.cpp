// Indirect calls in loops that have always gone to one function: the loop is compiled as if they
// could go nowhere else. Where one does, the function is left for a continuation of what it was before
// (microjit/resume.h), so that nothing of the indirect call weighs on the loop's registers, on what is
// known of memory, or on what can be inlined and moved out.
//
//   b1:  ...                               b1:  ...
//        %r = call_indirect %p(%x)              %same = eq %p, func_addr @f
//        ...                                    br_if %same, b2, b3
//                                          b2:  %r = call @f(%x);  ...
//                                          b3:  store what is alive;  %e = resume_entry 1 @ 4
//                                               ret call_indirect %e(state)
//
// It must run first: places and values are those of the function before any pass.
#include <algorithm>

#include "microjit/passes/cfg.h"
#include "microjit/passes/passes.h"
#include "microjit/resume.h"

namespace bf::passes {

namespace {

constexpr Type kPointer{Kind::Ptr, 1};
constexpr u64 kEnoughHits = 64;

class Leaver {
 public:
  Leaver(Graph& graph, const Context& context)
      : g_(graph), c_(context), f_(*context.function),
        type_(microjit::resume_type(context.module, f_)) {}

  bool run() {
    if (type_ == ~0u) return false;
    const Cfg cfg(g_);
    for (const BlockId b : cfg.order()) {
      if (cfg.depth(b) == 0) continue;
      const std::vector<InstId> list = g_.blocks[b].instructions;  // leave() cuts the block
      for (const InstId id : list)
        if (u32 callee; g_.insts[id].op == Op::call_indirect && trusted(id, callee))
          leave(b, id, callee);
    }
    return changed_;
  }

 private:
  bool trusted(InstId call, u32& callee) const {
    for (const CallTarget& t : c_.targets) {
      if (t.caller != g_.index || t.instruction != g_.insts[call].origin) continue;
      callee = t.callee;
      const auto& types = c_.module.types;
      const ir::FunctionType& type = types[c_.module.functions[callee].type];
      return t.misses == 0 && t.hits >= kEnoughHits && !type.variadic &&
             type == types[g_.insts[call].aux];
    }
    return false;
  }

  void leave(BlockId block, InstId call, u32 callee) {
    const u32 place = g_.insts[call].origin - f_.blocks[block].first_instruction;
    const microjit::ResumePoint point = microjit::resume_point(f_, block, place);
    const ir::Location location = g_.insts[call].location;
    const BlockId from = g_.insts[call].block;
    const auto& list = g_.blocks[from].instructions;
    const auto at = static_cast<usize>(std::find(list.begin(), list.end(), call) - list.begin());
    const BlockId hit = g_.split(from, at), miss = g_.add_block();
    const ValueId pointer = g_.operand(g_.insts[call], 0);
    const ValueId address = g_.emit_before_end(from, Op::func_addr, kPointer, {}, callee, 0, location);
    const ValueId same =
        g_.emit_before_end(from, Op::eq, {Kind::I1}, {pointer, address}, 0, 0, location);
    const InstId old = g_.blocks[from].instructions.back();
    g_.insts[old].block = kNoBlock;
    g_.blocks[from].instructions.pop_back();
    const Graph::Jump jumps[] = {{hit, {}}, {miss, {}}};
    g_.append(from, g_.make_jump(Op::br_if, {&same, 1}, jumps, location));
    go_on_elsewhere(miss, point, location);
    const auto operands = g_.operands(g_.insts[call]);
    const std::vector<ValueId> arguments(operands.begin() + 1, operands.end());
    g_.rewrite(call, Op::call, arguments, callee);
    g_.insts[call].origin = kNoOrigin;
    changed_ = true;
  }

  void emit(BlockId b, InstId id) { g_.append(b, id); }

  void go_on_elsewhere(BlockId b, const microjit::ResumePoint& point, ir::Location location) {
    const InstId alloc = g_.make(Op::stack_alloc, kPointer, {}, 6, std::max(point.bytes, 8u));
    g_.insert(0, 0, alloc);
    const ValueId state = g_.insts[alloc].result;
    for (const auto& v : point.values)
      emit(b, g_.make(Op::store, {}, {v.value, state}, 3, v.offset, location));
    const InstId entry =
        g_.make(Op::resume_entry, kPointer, {}, point.block, point.instruction, location);
    emit(b, entry);
    const auto& results = c_.module.types[f_.type].results;
    const InstId call = g_.make(Op::call_indirect, results.empty() ? Type{} : Type{results[0]},
                                {g_.insts[entry].result, state}, type_, 0, location);
    emit(b, call);
    std::vector<ValueId> values;
    if (!results.empty()) values.push_back(g_.insts[call].result);
    if (results.size() > 1) values.push_back(g_.add_second_result(call, Type{results[1]}));
    emit(b, g_.make(Op::ret, {}, values, 0, 0, location));
  }

  Graph& g_;
  const Context& c_;
  const ir::Function& f_;
  const u32 type_;
  bool changed_ = false;
};

}  // namespace

bool leave_on_miss(Graph& graph, const Context& context) {
  return context.function != nullptr && !context.targets.empty() && Leaver(graph, context).run();
}

}  // namespace bf::passes
