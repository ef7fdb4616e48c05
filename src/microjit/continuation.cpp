// Continuations: the rest of a function as a function of its own (resume.h).
#include <algorithm>

#include "microjit/passes/cfg.h"
#include "microjit/passes/graph.h"
#include "microjit/passes/peel_entry.h"
#include "microjit/passes/ssa_repair.h"
#include "microjit/resume.h"

namespace bf::microjit {

namespace {

using ir::Op;
using ir::Type;
using passes::BlockId;
using passes::Cfg;
using passes::Graph;
using passes::Inst;
using passes::InstId;
using passes::ValueId;

constexpr Type kPointer{ir::Kind::Ptr, 1};
constexpr Type kI64{ir::Kind::I64, 1};
constexpr i64 kAdoptedBytes = 4096;

// Which stack_allocs are only loaded from, stored to and copied: nobody else can have their
// address. Neither has a value that is alive at the point: it would go on pointing to what is
// copied from.
class Escapes {
 public:
  Escapes(const Graph& g, const ResumePoint& point)
      : g_(g), root_(g.values.size(), ir::kNoValue), escapes_(g.values.size()) {
    for (const Inst& i : g.insts)
      if (i.op == Op::stack_alloc) root_[i.result] = i.result;
    // Derived pointers come after what they derive from in dominance order, not in id order: go on
    // until nothing changes.
    for (bool changed = true; changed;) {
      changed = false;
      for (const Inst& i : g.insts)
        if ((i.op == Op::ptradd || i.op == Op::index) && root_[i.result] == ir::kNoValue &&
            root_[g.operand(i, 0)] != ir::kNoValue) {
          root_[i.result] = root_[g.operand(i, 0)];
          changed = true;
        }
    }
    for (const Inst& i : g.insts) look_at(i);
    for (const ResumeValue& v : point.values)
      if (root_[v.value] != ir::kNoValue && root_[v.value] != v.value)
        escapes_[root_[v.value]] = true;
  }
  bool escapes(ValueId stack_alloc) const { return escapes_[stack_alloc]; }

 private:
  void look_at(const Inst& i) {
    for (u32 n = 0; n < i.operand_count; ++n) {
      const ValueId root = root_[g_.operand(i, n)];
      if (root == ir::kNoValue) continue;
      const bool as_address = i.op == Op::load || (i.op == Op::store && n == 1) ||
                              ((i.op == Op::memcopy || i.op == Op::memmove) && n <= 1) ||
                              (i.op == Op::memfill && n == 0) ||
                              ((i.op == Op::ptradd || i.op == Op::index) && n == 0);
      if (!as_address) escapes_[root] = true;
    }
    for (const passes::Edge& e : g_.edges(i))
      for (const ValueId v : g_.arguments(e))
        if (root_[v] != ir::kNoValue) escapes_[root_[v]] = true;
  }

  const Graph& g_;
  std::vector<ValueId> root_;
  std::vector<bool> escapes_;
};

class Continuation {
 public:
  Continuation(const ir::Module& module, const ir::Function& f, const ResumePoint& point)
      : g_(module, f), f_(f), point_(point) {}

  ir::Function run(u32 type, std::vector<u32>* origins) {
    const Escapes escapes(g_, point_);
    target_ = point_.block;
    if (point_.instruction != 0) target_ = g_.split(target_, position());
    BF_ASSERT(target_ != 0);
    const Cfg before(g_);
    replace_entry();
    clone_constant_addresses();
    for (const ResumeValue& v : point_.values) loaded_.push_back(take(v, escapes));
    jump();
    repair(peel_entry(g_, before, 0));
    g_.settle();
    g_.function_type = type;
    g_.exported = false;
    g_.specialise = 0;
    return g_.to_function(origins);
  }

 private:
  // Where the instruction of the point is in the graph's block: `second`s are not counted there.
  usize position() const {
    const u32 origin = f_.blocks[point_.block].first_instruction + point_.instruction;
    const auto& list = g_.blocks[point_.block].instructions;
    for (usize n = 0; n < list.size(); ++n)
      if (g_.insts[list[n]].origin == origin) return n;
    BF_UNREACHABLE("a resume point between a call and its second result");
  }

  void replace_entry() {
    for (const InstId i : g_.blocks[0].instructions) g_.insts[i].block = passes::kNoBlock;
    g_.blocks[0] = {};
    state_ = g_.add_argument(0, kPointer);
  }

  ValueId emit(Op op, Type type, std::initializer_list<ValueId> operands, u32 aux = 0,
               i64 imm = 0) {
    const InstId id = g_.make(op, type, operands, aux, imm);
    g_.append(0, id);
    return g_.insts[id].result;
  }

  void clone_constant_addresses() {
    const usize count = g_.insts.size();
    for (InstId id = 0; id < count; ++id) {
      const Inst i = g_.insts[id];
      if (i.op != Op::data_addr && i.op != Op::func_addr && i.op != Op::import_addr) continue;
      g_.replace(i.result, emit(i.op, i.type, {}, i.aux, i.imm));
      if (i.block != passes::kNoBlock) g_.remove(id);
    }
    g_.settle();
  }

  ValueId take(const ResumeValue& v, const Escapes& escapes) {
    const u32 align = static_cast<u32>(__builtin_ctz(state_bytes(v.type)));
    const ValueId loaded = emit(Op::load, v.type, {state_}, std::min(align, 3u), v.offset);
    const Inst* def = g_.definition(v.value);
    if (!def || def->op != Op::stack_alloc || def->imm > kAdoptedBytes || escapes.escapes(v.value))
      return loaded;
    const i64 bytes = def->imm;
    const ValueId own = emit(Op::stack_alloc, kPointer, {}, def->aux, bytes);
    emit(Op::memcopy, {}, {own, loaded, g_.constant(kI64, static_cast<u64>(bytes))});
    return own;
  }

  void jump() {
    std::vector<ValueId> arguments;
    for (const ValueId v : g_.blocks[target_].arguments) {
      arguments.push_back(g_.splat_constant(g_.type(v), 0));  // if it is not alive
      for (usize n = 0; n < loaded_.size(); ++n)
        if (point_.values[n].value == v) arguments.back() = loaded_[n];
    }
    const Graph::Jump to{target_, arguments};
    g_.append(0, g_.make_jump(Op::br, {}, {&to, 1}));
  }

  // Values that have come to have several definitions: what was loaded stands for the value until
  // it is defined anew (round an outer loop), and so does a copy.
  void repair(const std::vector<passes::CopiedValue>& copies) {
    const Cfg cfg(g_);
    const passes::OuterUses uses(g_, cfg);
    struct Definition {
      ValueId value;
      BlockId block;
      ValueId stands_for;
    };
    std::vector<Definition> all;
    for (usize n = 0; n < loaded_.size(); ++n) {
      const ValueId v = point_.values[n].value;
      const bool passed = g_.values[v].def == ir::Def::BlockArgument && g_.block_of(v) == target_;
      if (!passed) all.push_back({v, 0, loaded_[n]});
    }
    for (const auto& c : copies)
      if (cfg.reachable(c.block)) all.push_back({c.original, c.block, c.copy});
    std::sort(all.begin(), all.end(),
              [](const Definition& a, const Definition& b) { return a.value < b.value; });
    for (usize n = 0; n < all.size();) {
      const ValueId v = all[n].value;
      const BlockId home = g_.block_of(v);
      const bool at_home = home != passes::kNoBlock && home != 0 && cfg.reachable(home);
      usize end = n;
      while (end < all.size() && all[end].value == v) ++end;
      if (end - n == 1 && !at_home) {
        g_.replace(v, all[n].stands_for);
      } else if (const auto blocks = uses.of(v); !blocks.empty()) {
        passes::SsaRepair repair(g_, cfg, g_.type(v));
        if (at_home) repair.define(home, v);
        for (usize k = n; k < end; ++k) repair.define(all[k].block, all[k].stands_for);
        repair.rewrite_uses(v, blocks);
      }
      n = end;
    }
  }

  Graph g_;
  const ir::Function& f_;
  const ResumePoint& point_;
  BlockId target_ = 0;
  ValueId state_ = 0;
  std::vector<ValueId> loaded_;  // by index in point_.values
};

}  // namespace

ir::Function make_continuation(const ir::Module& module, const ir::Function& function,
                               const ResumePoint& point, u32 type, std::vector<u32>* origins) {
  return Continuation(module, function, point).run(type, origins);
}

}  // namespace bf::microjit
