// Calls of C library functions that the IR has operations for become these: known by name and type,
// as compilers for hosted C may. A program's own function of that name is no import.
//
// sqrt of a negative number sets errno, so that call stays, behind a branch that is hardly taken.
#include <algorithm>

#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

// name, operation, kind of operands and result, operands
constexpr struct {
  std::string_view name;
  Op op;
  Kind kind;
  u32 operands;
} kSimple[] = {
    {"fabs", Op::fabs, Kind::F64, 1},         {"fabsf", Op::fabs, Kind::F32, 1},
    {"floor", Op::floor, Kind::F64, 1},       {"floorf", Op::floor, Kind::F32, 1},
    {"ceil", Op::ceil, Kind::F64, 1},         {"ceilf", Op::ceil, Kind::F32, 1},
    {"trunc", Op::trunc_f, Kind::F64, 1},     {"truncf", Op::trunc_f, Kind::F32, 1},
    {"rint", Op::rint, Kind::F64, 1},         {"rintf", Op::rint, Kind::F32, 1},
    {"nearbyint", Op::rint, Kind::F64, 1},    {"nearbyintf", Op::rint, Kind::F32, 1},
    {"sqrt", Op::sqrt, Kind::F64, 1},         {"sqrtf", Op::sqrt, Kind::F32, 1},
    {"copysign", Op::copysign, Kind::F64, 2}, {"copysignf", Op::copysign, Kind::F32, 2},
    {"abs", Op::abs, Kind::I32, 1},           {"labs", Op::abs, Kind::I64, 1},
    {"llabs", Op::abs, Kind::I64, 1},
};

// Comparing this many bytes takes two pairs of loads at most.
constexpr u64 kMaxCompared = 16;

class LibraryCalls {
 public:
  explicit LibraryCalls(Graph& graph) : g_(graph) {}

  bool run() {
    bool changed = false;
    for (BlockId b = 0; b < g_.blocks.size(); ++b)  // cut blocks go on as new ones
      for (usize n = 0; n < g_.blocks[b].instructions.size(); ++n) {
        const InstId id = g_.blocks[b].instructions[n];
        if (g_.insts[id].op == Op::call_import && replace_call(id, n)) changed = true;
      }
    g_.settle();
    return changed;
  }

 private:
  bool replace_call(InstId id, usize at) {
    const ir::Import& import = g_.module().imports[g_.insts[id].aux];
    const std::string_view name = g_.module().string(import.name);
    for (const auto& row : kSimple)
      if (row.name == name) return takes(id, row.kind, row.operands) && compute(id, at, row.op);
    if (name == "memcpy") return memory(id, at, Op::memcopy);
    if (name == "memmove") return memory(id, at, Op::memmove);
    if (name == "memset") return memory(id, at, Op::memfill);
    if (name == "memcmp" || name == "bcmp") return compare(id, at);
    return false;
  }

  bool takes(InstId id, Kind kind, u32 count) const {
    const Inst& call = g_.insts[id];
    if (call.type != Type{kind} || call.operand_count != count) return false;
    for (const ValueId v : g_.operands(call))
      if (g_.type(v) != Type{kind}) return false;
    return true;
  }

  bool compute(InstId id, usize at, Op op) {
    if (op == Op::sqrt) return square_root(id, at);
    const auto operands = g_.operands(g_.insts[id]);
    const std::vector<ValueId> copy(operands.begin(), operands.end());
    g_.rewrite(id, op, copy);
    return true;
  }

  // b: r = sqrt x; x >= 0? rest : domain     domain: call sqrt(x); br rest
  bool square_root(InstId call, usize at) {
    const ValueId result = g_.insts[call].result;
    if (uses_.empty()) uses_ = count_uses(g_);
    if (result >= uses_.size() || uses_[result] == 0) return false;  // it is that call
    uses_[result] = 0;
    const BlockId b = g_.insts[call].block;
    const ValueId x = g_.operand(g_.insts[call], 0);
    const ir::Location location = g_.insts[call].location;
    const Type type = g_.type(x);
    const InstId root = g_.make(Op::sqrt, type, {x}, 0, 0, location);
    const InstId fine = g_.make(Op::foge, {Kind::I1}, {x, g_.constant(type, 0)}, 0, 0, location);
    g_.replace(result, g_.insts[root].result);
    const ValueId condition = g_.insts[fine].result;
    const BlockId rest = g_.split(b, at + 1), domain = g_.add_block();
    auto& list = g_.blocks[b].instructions;
    g_.insts[list.back()].block = kNoBlock;
    list.resize(at);
    g_.append(b, root);
    g_.append(b, fine);
    const Graph::Jump jumps[] = {{rest, {}}, {domain, {}}};
    g_.append(b, g_.make_jump(Op::br_if, {&condition, 1}, jumps, location));
    g_.append(domain, call);
    g_.append(domain, g_.make_jump(Op::br, {}, {jumps, 1}, location));
    return true;
  }

  // They return where they wrote to.
  bool memory(InstId id, usize at, Op op) {
    const Inst call = g_.insts[id];
    const Kind second = op == Op::memfill ? Kind::I32 : Kind::Ptr;
    if (call.operand_count != 3 || call.type != Type{Kind::Ptr} ||
        g_.type(g_.operand(call, 0)) != Type{Kind::Ptr} ||
        g_.type(g_.operand(call, 1)) != Type{second} ||
        g_.type(g_.operand(call, 2)) != Type{Kind::I64})
      return false;
    const ValueId to = g_.operand(call, 0), size = g_.operand(call, 2);
    ValueId what = g_.operand(call, 1);
    g_.replace(call.result, to);
    if (op == Op::memfill) {
      const InstId byte = g_.make(Op::trunc, {Kind::I8}, {what}, 0, 0, call.location);
      g_.insert(call.block, at, byte);
      what = g_.insts[byte].result;
    }
    const InstId copy = g_.make(op, {}, {to, what, size}, 0, 0, call.location);
    auto& list = g_.blocks[call.block].instructions;
    *std::find(list.begin(), list.end(), id) = copy;
    g_.insts[copy].block = call.block;
    g_.insts[id].block = kNoBlock;
    return true;
  }

  // memcmp(a, b, n) == 0 for a small n: differences of loads, or-ed.
  bool compare(InstId id, usize at) {
    const Inst call = g_.insts[id];
    if (call.operand_count != 3 || call.type != Type{Kind::I32} ||
        g_.type(g_.operand(call, 0)) != Type{Kind::Ptr} ||
        g_.type(g_.operand(call, 1)) != Type{Kind::Ptr} || !g_.is_constant(g_.operand(call, 2)))
      return false;
    const u64 size = g_.values[g_.operand(call, 2)].bits;
    if (size == 0 || size > kMaxCompared || !only_compared_with_zero(call.result)) return false;
    u32 bytes = 8;
    while (bytes > size) bytes /= 2;
    // Pieces of one size, the last one perhaps overlapping.
    const Type type{ir::int_kind(bytes * 8)};
    std::vector<InstId> made;
    const auto make = [&](Op op, Type t, std::initializer_list<ValueId> operands, i64 imm = 0) {
      made.push_back(g_.make(op, t, operands, 0, imm, call.location));
      return g_.insts[made.back()].result;
    };
    ValueId different = kNoValue;
    for (u64 offset = 0;;) {
      const i64 imm = static_cast<i64>(offset);
      const ValueId a = make(Op::load, type, {g_.operand(call, 0)}, imm);
      const ValueId b = make(Op::load, type, {g_.operand(call, 1)}, imm);
      const ValueId x = make(Op::xor_, type, {a, b});
      different = different == kNoValue ? x : make(Op::or_, type, {different, x});
      if (offset + bytes == size) break;
      offset = std::min(offset + bytes, size - bytes);
    }
    const ValueId is = make(Op::ne, {Kind::I1}, {different, g_.constant(type, 0)});
    g_.replace(call.result, make(Op::zext, {Kind::I32}, {is}));
    auto& list = g_.blocks[call.block].instructions;
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
    for (const InstId i : made) g_.insts[i].block = call.block;
    list.insert(list.begin() + static_cast<std::ptrdiff_t>(at), made.begin(), made.end());
    g_.insts[id].block = kNoBlock;
    return true;
  }

  bool only_compared_with_zero(ValueId v) const {
    for (const Block& b : g_.blocks)
      for (const InstId id : b.instructions) {
        const Inst& i = g_.insts[id];
        const auto operands = g_.operands(i);
        for (const Edge& e : g_.edges(i)) {
          const auto arguments = g_.arguments(e);
          if (std::find(arguments.begin(), arguments.end(), v) != arguments.end()) return false;
        }
        if (std::find(operands.begin(), operands.end(), v) == operands.end()) continue;
        if ((i.op != Op::eq && i.op != Op::ne) || operands[0] != v) return false;
        if (!g_.is_constant(operands[1]) || g_.values[operands[1]].bits != 0) return false;
      }
    return true;
  }

  Graph& g_;
  std::vector<u32> uses_;
};

}  // namespace

bool library_calls(Graph& graph, const Context&) {
  return LibraryCalls(graph).run();
}

}  // namespace bf::passes
