// Specialisation: parameters that have always had the same value become constants, behind one guard
// at the entry. Where the guard fails, the version without guards is called, and that is counted
// (call_generic), so that the engine can withdraw what does not fit any more.
//
//   b0(%n, %p):                           b0(%n, %p):
//     ... uses %n ...                       %same = eq %n, 64
//                                           br_if %same, b1, b2
//                                         b1:  ... uses 64 ...
//                                         b2:  %r = call_generic @f(%n, %p);  ret %r
//
// Only for parameters that something can be made of: not for those that are merely passed on.
#include "microjit/passes/cfg.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

class Specialiser {
 public:
  Specialiser(Graph& graph, const Context& context)
      : g_(graph), type_(context.module.types[graph.function_type]) {
    const std::vector<bool> useful = useful_parameters();
    for (const ConstantArgument& a : context.arguments)
      if (a.parameter < type_.parameters.size() && useful[a.parameter] && portable(a))
        arguments_.push_back(a);
  }

  bool run() {
    if (arguments_.empty() || type_.variadic || g_.terminator(0).op == Op::unreachable)
      return false;
    const BlockId body = g_.split(0, stack_size());
    const InstId generic_call = make_generic();
    const BlockId generic = g_.insts[generic_call].block;
    // The call and the guard still need the parameters: the one gets them back, the other is made
    // afterwards.
    for (const ConstantArgument& a : arguments_) {
      const ValueId parameter = g_.blocks[0].arguments[a.parameter];
      g_.replace(parameter, g_.constant(g_.type(parameter), a.bits));
    }
    g_.settle();
    g_.set_operands(generic_call, g_.blocks[0].arguments);
    const ValueId fits = check();
    const InstId old = g_.blocks[0].instructions.back();
    g_.insts[old].block = kNoBlock;
    g_.blocks[0].instructions.pop_back();
    const Graph::Jump jumps[] = {{body, {}}, {generic, {}}};
    g_.append(0, g_.make_jump(Op::br_if, {&fits, 1}, jumps));
    g_.settle();
    return true;
  }

 private:
  // Versions may be stored and loaded elsewhere, so addresses are no constants.
  bool portable(const ConstantArgument& a) const {
    return type_.parameters[a.parameter] != Kind::Ptr || a.bits == 0;
  }

  // Whether an operation can make something of a constant operand; what only stores it or hands
  // it on cannot.
  static bool profits(const Inst& i) {
    switch (i.op) {
      case Op::store:
      case Op::ret:
      case Op::call_import:
      case Op::splat:
      case Op::insert:
        return false;
      default:
        return true;
    }
  }

  std::vector<bool> useful_parameters() const {
    std::vector<bool> useful(type_.parameters.size());
    const auto note = [&](ValueId v) {
      if (g_.values[v].def != ir::Def::BlockArgument || g_.values[v].index != 0) return;
      for (u32 n = 0; n < useful.size(); ++n)
        if (g_.blocks[0].arguments[n] == v) useful[n] = true;
    };
    for (const Block& b : g_.blocks)
      for (const InstId id : b.instructions) {
        const Inst& i = g_.insts[id];
        if (profits(i))
          for (const ValueId v : g_.operands(i)) note(v);
        for (const Edge& e : g_.edges(i))
          for (const ValueId v : g_.arguments(e)) note(v);
      }
    return useful;
  }

  // How many instructions of the entry must stay there: stack memory is the entry's.
  usize stack_size() {
    auto& list = g_.blocks[0].instructions;
    usize n = 0;
    for (usize at = 0; at < list.size(); ++at)
      if (g_.insts[list[at]].op == Op::stack_alloc) std::swap(list[n++], list[at]);
    return n;
  }

  InstId make_generic() {
    const BlockId generic = g_.add_block();
    const Type result = type_.results.empty() ? Type{} : Type{type_.results[0]};
    const InstId call = g_.make(Op::call_generic, result, g_.blocks[0].arguments, g_.index);
    std::vector<ValueId> results;
    if (!type_.results.empty()) results.push_back(g_.insts[call].result);
    if (type_.results.size() > 1)
      results.push_back(g_.add_second_result(call, Type{type_.results[1]}));
    g_.append(generic, call);
    g_.append(generic, g_.make(Op::ret, {}, results));
    return call;
  }

  ValueId check() {
    ValueId all = kNoValue;
    for (const ConstantArgument& a : arguments_) {
      ValueId parameter = g_.blocks[0].arguments[a.parameter];
      Type type = g_.type(parameter);
      if (type.is_float()) {  // by bits: a zero has a sign
        type = Type{ir::int_kind(type.element_bits())};
        parameter = g_.emit_before_end(0, Op::bitcast, type, {parameter});
      }
      const ValueId same =
          g_.emit_before_end(0, Op::eq, {Kind::I1}, {parameter, g_.constant(type, a.bits)});
      all = all == kNoValue ? same : g_.emit_before_end(0, Op::and_, {Kind::I1}, {all, same});
    }
    return all;
  }

  Graph& g_;
  const ir::FunctionType& type_;
  std::vector<ConstantArgument> arguments_;
};

}  // namespace

bool specialise(Graph& graph, const Context& context) {
  return Specialiser(graph, context).run();
}

}  // namespace bf::passes
