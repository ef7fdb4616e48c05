// Loop vectorisation: a loop of one block that counts gets a twin that does as many iterations at
// once as fit into the machine's vectors, and goes before it.
//
//   before: n iterations are certain, n > lanes, nothing overlaps?  twin : loop
//   twin:   lanes iterations at once, as long as more than `lanes` of them are left
//   after:  sums are added up;  on to the loop, with its counters advanced
//   loop:   as it was: the rest, one iteration at least
//
// So all that leaves the loop leaves it as before, and whatever the twin cannot promise (wrapping
// counters, overlapping arrays) the loop does alone.
//
// In the loop may be: loads and stores that go through memory element by element; operations that
// do to each lane the same; comparisons that end in selects; sums, products, bitwise reductions,
// minima and maxima of integers, and sums of floats where the function lets them be reordered.
#include <algorithm>
#include <array>

#include "microjit/passes/addresses.h"
#include "microjit/passes/cfg.h"
#include "microjit/passes/loops.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

constexpr usize kMaxBody = 60;
constexpr usize kMaxChecks = 6;
constexpr Type kI64{Kind::I64}, kI1{Kind::I1}, kPtr{Kind::Ptr};

u32 machine_width(const platform::CpuFeatures& f) {
  if (f.avx512f && f.avx512bw && f.avx512dq && f.avx512vl) return 64;
  return f.avx2 ? 32 : 16;
}

// Whether the machine does an operation to all lanes at once. `t` is the type of what it works on.
bool has_vector_form(Op op, Type t, Type result, const platform::CpuFeatures& f) {
  const bool evex = f.avx512f && f.avx512bw && f.avx512dq && f.avx512vl;
  const u32 bits = t.element_bits();
  switch (op) {
    case Op::add:
    case Op::sub:
    case Op::and_:
    case Op::or_:
    case Op::xor_:
    case Op::select:
    case Op::zext:
    case Op::sext:
    case Op::fadd:
    case Op::fsub:
    case Op::fmul:
    case Op::fdiv:
    case Op::sqrt:
    case Op::fneg:
    case Op::fabs:
    case Op::fptrunc:
    case Op::fpext:
      return true;
    case Op::trunc:
      return evex && result.kind != Kind::I1;
    case Op::mul:
      return bits == 16 || bits == 32 || (bits == 64 && evex);
    case Op::shl:
    case Op::lshr:
      return bits >= 32 || (bits == 16 && evex);
    case Op::ashr:
      return bits == 32 || (bits >= 16 && evex);
    case Op::smin:
    case Op::smax:
    case Op::umin:
    case Op::umax:
    case Op::abs:
      return bits < 64 || evex;
    case Op::floor:
    case Op::ceil:
    case Op::trunc_f:
    case Op::rint:
      return f.sse41;
    case Op::fma:
      return f.fma;
    case Op::sitofp:
      return bits == 32;
    case Op::fptosi:
      return result.kind == Kind::I32;
    default: {
      const ir::Signature s = ir::op_info(op).signature;
      return s == ir::Signature::IntCompare || s == ir::Signature::FloatCompare;
    }
  }
}

bool is_compare(Op op) {
  const ir::Signature s = ir::op_info(op).signature;
  return s == ir::Signature::IntCompare || s == ir::Signature::FloatCompare;
}

Op reduction_of(Op op) {
  switch (op) {
    case Op::add:
      return Op::reduce_add;
    case Op::mul:
      return Op::reduce_mul;
    case Op::and_:
      return Op::reduce_and;
    case Op::or_:
      return Op::reduce_or;
    case Op::xor_:
      return Op::reduce_xor;
    case Op::smin:
      return Op::reduce_smin;
    case Op::smax:
      return Op::reduce_smax;
    case Op::umin:
      return Op::reduce_umin;
    case Op::umax:
      return Op::reduce_umax;
    default:
      return op == Op::fadd ? Op::reduce_fadd : Op::unreachable;
  }
}

// What an operation does nothing with.
u64 neutral(Op op, Type t) {
  const u64 all = t.element_bits() == 64 ? ~u64{0} : (u64{1} << t.element_bits()) - 1;
  switch (op) {
    case Op::mul:
      return 1;
    case Op::and_:
    case Op::umin:
      return all;
    case Op::smin:
      return all >> 1;
    case Op::smax:
      return (all >> 1) + 1;
    case Op::fadd:  // minus zero
      return (all >> 1) + 1;
    default:
      return 0;
  }
}

class Vectoriser {
 public:
  Vectoriser(Graph& graph, const Cfg& cfg, u32 loop, const platform::CpuFeatures& features)
      : g_(graph),
        cfg_(cfg),
        loop_(loop),
        b_(cfg.loops()[loop].header),
        features_(features),
        reassoc_((graph.flags & ir::kReassoc) != 0) {}

  bool run() {
    before_ = preheader(g_, cfg_, loop_);
    if (before_ == kNoBlock || cfg_.loops()[loop_].blocks.size() != 1) return false;
    if (g_.blocks[b_].instructions.size() > kMaxBody || follows_vectors()) return false;
    if (!find_counter() || !classify() || !check_body() || !check_memory()) return false;
    build();
    return true;
  }

 private:
  enum class Role : u8 { Same, Counts, Reduces };
  struct Argument {
    Role role = Role::Same;
    i64 step = 0;           // Counts
    InstId next = kNoInst;  // Reduces: the operation
    ValueId vector = kNoValue;
  };
  struct Access {
    InstId inst;
    Address address;
    u32 bytes;
    bool store;
    u32 position;
  };

  // ---- What the loop is ---------------------------------------------------------------------

  // Whether this is what a vectorised loop leaves for the end: a few iterations.
  bool follows_vectors() const {
    std::vector<BlockId> near{before_};
    for (usize n = 0; n < near.size() && n < 6; ++n)
      for (const auto& p : cfg_.predecessors(near[n])) {
        const u32 l = cfg_.loop_of(p.block);
        if (l != Cfg::kNoLoop && l != cfg_.loops()[loop_].parent && has_vectors(l)) return true;
        near.push_back(p.block);
      }
    return false;
  }
  bool has_vectors(u32 loop) const {
    for (const BlockId b : cfg_.loops()[loop].blocks)
      for (const InstId id : g_.blocks[b].instructions)
        if (g_.insts[id].type.is_vector()) return true;
    return false;
  }

  static bool bounds_from_above(Op compare) {
    return compare == Op::ne || compare == Op::ult || compare == Op::ule || compare == Op::slt ||
           compare == Op::sle;
  }

  bool find_counter() {
    inductions_ = find_inductions(g_, cfg_, loop_);
    for (const LoopBound& bound : find_bounds(g_, cfg_, loop_, inductions_)) {
      const Induction& i = inductions_[bound.induction];
      if (i.step != kNoValue || i.constant <= 0 || !bounds_from_above(bound.compare)) continue;
      const Type t = g_.type(i.value);
      if (t != kPtr && t != kI64 && t != Type{Kind::I32}) continue;
      bound_ = bound;
      return true;
    }
    return false;
  }

  u32 back_edge() const { return g_.edges(g_.terminator(b_))[0].block == b_ ? 0 : 1; }

  bool classify() {
    const auto& arguments = g_.blocks[b_].arguments;
    const auto back = g_.arguments(g_.edges(g_.terminator(b_))[back_edge()]);
    roles_.assign(arguments.size(), {});
    for (const Induction& i : inductions_)
      if (i.step == kNoValue) roles_[i.argument] = {Role::Counts, i.constant, kNoInst, kNoValue};
    for (u32 n = 0; n < arguments.size(); ++n) {
      if (roles_[n].role == Role::Counts || back[n] == arguments[n]) continue;
      if (!is_reduction(arguments[n], back[n])) return false;
      roles_[n] = {Role::Reduces, 0, g_.values[back[n]].index, kNoValue};
    }
    return true;
  }

  // Only the operation uses the sum, and only the next iteration uses the result.
  bool is_reduction(ValueId sum, ValueId next) const {
    const Inst* op = g_.definition(next);
    if (!op || op->block != b_ || reduction_of(op->op) == Op::unreachable) return false;
    if (op->op == Op::fadd && !reassoc_) return false;
    if ((g_.operand(*op, 0) == sum) == (g_.operand(*op, 1) == sum)) return false;
    if (g_.type(sum).kind == Kind::I1 || g_.type(sum).is_vector()) return false;
    for (const InstId id : g_.blocks[b_].instructions)
      for (const ValueId v : g_.operands(g_.insts[id]))
        if ((v == sum && &g_.insts[id] != op) || v == next) return false;
    const auto back = g_.arguments(g_.edges(g_.terminator(b_))[back_edge()]);
    return std::count(back.begin(), back.end(), next) == 1 &&
           std::count(back.begin(), back.end(), sum) == 0;
  }

  const Argument* argument(ValueId v) const {
    if (g_.values[v].def != ir::Def::BlockArgument || g_.values[v].index != b_) return nullptr;
    const auto& list = g_.blocks[b_].arguments;
    return &roles_[static_cast<usize>(std::find(list.begin(), list.end(), v) - list.begin())];
  }
  bool inside(ValueId v) const { return g_.block_of(v) == b_; }

  // Scalar operations that addresses and the loop's end are made of.
  static bool is_scalar_arithmetic(const Inst& i) { return movable(i) && !i.type.is_vector(); }

  // Marks what is needed lane by lane: stored values, reduced values, and what they come from.
  bool check_body() {
    wide_.assign(g_.values.size(), false);
    widest_ = 1;
    std::vector<ValueId> work;
    const auto need = [&](ValueId v) {
      if (!inside(v) || wide_[v]) return;
      wide_[v] = true;
      work.push_back(v);
    };
    for (const InstId id : g_.blocks[b_].instructions) {
      const Inst& i = g_.insts[id];
      if (i.op == Op::store) {
        need(g_.operand(i, 0));
        note_type(g_.type(g_.operand(i, 0)));
        if (!elementary(g_.type(g_.operand(i, 0)))) return false;
      } else if (i.op != Op::load && !movable(i) &&
                 ir::op_info(i.op).effects != ir::Effects::Ends) {
        return false;
      }
    }
    for (const Argument& a : roles_) {
      if (a.role != Role::Reduces) continue;
      if (!vectorisable(g_.insts[a.next])) return false;
      note_type(g_.insts[a.next].type);
      reductions_.push_back(a.next);
      for (const ValueId v : g_.operands(g_.insts[a.next]))
        if (const Argument* of = argument(v); !of || of->role != Role::Reduces) need(v);
    }
    while (!work.empty()) {
      const ValueId v = work.back();
      work.pop_back();
      if (g_.type(v) != kI1 && !elementary(g_.type(v))) return false;
      note_type(g_.type(v));
      const Inst* i = g_.definition(v);
      if (!i) {
        const Argument* a = argument(v);
        if (g_.type(v) == kI1 || !a || a->role == Role::Reduces || g_.type(v) == kPtr) return false;
        continue;
      }
      if (i->op == Op::load) {
        if (g_.type(v) == kI1) return false;
        continue;
      }
      if (!vectorisable(*i)) return false;
      for (const ValueId o : g_.operands(*i)) {
        note_type(g_.type(o));
        need(o);
      }
    }
    lanes_ = machine_width(features_) / widest_;
    return lanes_ >= 2 && any_memory();
  }

  bool vectorisable(const Inst& i) const {
    const ValueId first = g_.operand(i, i.op == Op::select ? 1 : 0);
    if (!has_vector_form(i.op, g_.type(first), i.type, features_)) return false;
    // Conditions come from comparisons in the loop; a select may also be decided before it.
    const auto operands = g_.operands(i);
    for (usize n = 0; n < operands.size(); ++n) {
      if (elementary(g_.type(operands[n]))) continue;
      if (g_.type(operands[n]) != kI1) return false;
      if (i.op == Op::select ? n != 0 || i.type == kI1 : !inside(operands[n])) return false;
      if (is_compare(i.op)) return false;
    }
    return i.type == kI1 || elementary(i.type);
  }

  static bool elementary(Type t) {
    return !t.is_vector() && t.kind != Kind::I1 && (t.is_int() || t.is_arithmetic_float());
  }
  void note_type(Type t) {
    if (t != kI1) widest_ = std::max(widest_, t.element_bytes());
  }
  bool any_memory() const {
    for (const InstId id : g_.blocks[b_].instructions)
      if (g_.insts[id].op == Op::load || g_.insts[id].op == Op::store) return true;
    return false;
  }

  // ---- Memory ---------------------------------------------------------------------------------

  // How far an address moves from one iteration to the next; false if that is not a constant.
  bool stride_of(const Address& a, i64& stride) const {
    stride = 0;
    const auto add = [&](ValueId v, u64 scale) {
      if (!inside(v)) return true;
      const Argument* of = argument(v);
      if (!of || of->role == Role::Reduces) return false;
      stride += static_cast<i64>(static_cast<u64>(of->step) * scale);
      return true;
    };
    if (!add(a.base, 1)) return false;
    for (u32 n = 0; n < a.term_count; ++n)
      if (!add(a.terms[n].value, a.terms[n].scale)) return false;
    return true;
  }

  bool check_memory() {
    u32 position = 0;
    for (const InstId id : g_.blocks[b_].instructions) {
      const Inst& i = g_.insts[id];
      ++position;
      if (i.op != Op::load && i.op != Op::store) continue;
      const Type t = i.op == Op::load ? i.type : g_.type(g_.operand(i, 0));
      Access access{id, address_of(g_, i), t.bytes(), i.op == Op::store, position};
      i64 stride;
      if (!elementary(t) || !stride_of(access.address, stride) || stride != t.bytes()) return false;
      if (!computable(g_.operand(i, access.store))) return false;
      accesses_.push_back(access);
    }
    for (const Access& s : accesses_)
      for (const Access& a : accesses_)
        if (s.store && a.inst != s.inst && !(a.store && a.position < s.position) && !apart(s, a))
          return false;
    return checks_.size() <= kMaxChecks;
  }

  // Whether a pointer comes from counters by scalar arithmetic, so that the twin can compute it.
  bool computable(ValueId v) const {
    if (!inside(v)) return true;
    if (const Argument* a = argument(v)) return a->role != Role::Reduces;
    const Inst* i = g_.definition(v);
    if (!i || !is_scalar_arithmetic(*i)) return false;
    for (const ValueId o : g_.operands(*i))
      if (!computable(o)) return false;
    return true;
  }

  // Whether a store and another access may be done `lanes` iterations at once.
  bool apart(const Access& s, const Access& a) {
    if (!same_place(s.address, a.address)) {
      if (may_overlap(g_, s.address, 1, a.address, 1)) checks_.push_back({s, a});
      return true;
    }
    const i64 distance = a.address.offset - s.address.offset;
    if (s.bytes != a.bytes) return false;
    if (distance == 0) return true;
    if (distance >= static_cast<i64>(lanes_ * s.bytes) ||
        -distance >= static_cast<i64>(lanes_ * s.bytes))
      return true;
    // What is read ahead of where it is written is read before that either way.
    return !a.store && distance > 0 && a.position < s.position;
  }

  // ---- The twin -------------------------------------------------------------------------------

  void build() {
    const Induction& counter = inductions_[bound_.induction];
    const auto into = g_.arguments(g_.edges(g_.terminator(before_))[0]);
    starts_.assign(into.begin(), into.end());
    const ValueId count = certain_iterations(counter);
    const ValueId lanes = g_.constant(kI64, lanes_);
    // Short loops are not worth setting up for.
    ValueId good = emit(before_, Op::ugt, kI1, {count, g_.constant(kI64, u64{2} * lanes_)});
    good = both(good, counts_up(counter));
    // One iteration at least is left for the loop.
    const ValueId most = emit(before_, Op::sub, kI64, {count, g_.constant(kI64, 1)});
    const ValueId done = emit(before_, Op::and_, kI64, {most, g_.constant(kI64, ~u64{lanes_ - 1})});
    for (const auto& [s, a] : checks_) good = both(good, disjoint(s, a, done));

    const BlockId setup = setup_ = g_.add_block();
    twin_ = g_.add_block();
    const BlockId after = g_.add_block();
    base_ = g_.add_argument(twin_, kI64);
    std::vector<ValueId> entry{g_.constant(kI64, 0)}, again, rest;
    g_.append(setup, g_.make(Op::unreachable, {}, std::span<const ValueId>{}));
    for (Argument& a : roles_) start_argument(a, entry);
    g_.append(twin_, g_.make(Op::unreachable, {}, std::span<const ValueId>{}));
    make_body();
    const ValueId next = emit(twin_, Op::add, kI64, {base_, lanes});
    again.push_back(next);
    for (const Argument& a : roles_)
      if (a.role == Role::Reduces) again.push_back(vector_of(g_.insts[a.next].result));
    const ValueId more = emit(twin_, Op::ult, kI1, {next, done});
    const Graph::Jump loops[] = {{twin_, again}, {after, {}}};
    end(twin_, g_.make_jump(Op::br_if, {&more, 1}, loops));
    const Graph::Jump start{twin_, entry};
    end(setup, g_.make_jump(Op::br, {}, {&start, 1}));
    g_.append(after, g_.make(Op::unreachable, {}, std::span<const ValueId>{}));
    for (usize n = 0; n < roles_.size(); ++n) rest.push_back(value_after(n, after, done));
    const Graph::Jump on{b_, rest};
    end(after, g_.make_jump(Op::br, {}, {&on, 1}));
    const Graph::Jump ways[] = {{setup, {}}, {b_, starts_}};
    end(before_, g_.make_jump(Op::br_if, {&good, 1}, ways));
  }

  ValueId emit(BlockId where, Op op, Type type, std::initializer_list<ValueId> operands,
               u32 aux = 0, i64 imm = 0) {
    return g_.emit_before_end(where, op, type, operands, aux, imm, location_);
  }
  ValueId both(ValueId a, ValueId b) {
    if (b == kNoValue) return a;
    return emit(before_, Op::and_, kI1, {a, b});
  }
  void end(BlockId b, InstId terminator) {
    auto& list = g_.blocks[b].instructions;
    g_.insts[list.back()].block = kNoBlock;
    list.pop_back();
    g_.append(b, terminator);
  }
  ValueId number(BlockId where, ValueId v) {  // as 64 bits
    const Type t = g_.type(v);
    if (t == kI64) return v;
    return emit(where, t == kPtr ? Op::bitcast : Op::zext, kI64, {v});
  }

  // (limit - start) / step: the counter does not reach the limit before. One more where it is
  // tested before it is advanced; but that does not matter.
  ValueId certain_iterations(const Induction& i) {
    const Type t = g_.type(i.value);
    ValueId distance;
    if (t == kPtr) {
      distance =
          emit(before_, Op::sub, kI64, {number(before_, bound_.limit), number(before_, i.start)});
    } else {
      distance = number(before_, emit(before_, Op::sub, t, {bound_.limit, i.start}));
    }
    if (i.constant == 1) return distance;
    return emit(before_, Op::udiv, kI64,
                {distance, g_.constant(kI64, static_cast<u64>(i.constant))});
  }

  // With an order, that holds only if the start lies before the limit.
  ValueId counts_up(const Induction& i) {
    if (bound_.compare == Op::ne) return kNoValue;
    return emit(before_, bound_.compare, kI1, {i.start, bound_.limit});
  }

  // The address of an access in the first iteration.
  ValueId first_address(const Access& access) {
    clones_.clear();
    at_start_ = true;
    const Inst i = g_.insts[access.inst];
    const ValueId pointer = number(before_, scalar(g_.operand(i, access.store), before_));
    at_start_ = false;
    return i.imm == 0 ? pointer
                      : emit(before_, Op::add, kI64,
                             {pointer, g_.constant(kI64, static_cast<u64>(i.imm))});
  }

  // Both move by their elements' size, so they touch [first, first + done * size).
  ValueId disjoint(const Access& s, const Access& a, ValueId done) {
    const ValueId x = first_address(s), y = first_address(a);
    const auto end_of = [&](ValueId first, u32 bytes) {
      return emit(before_, Op::add, kI64,
                  {first, emit(before_, Op::mul, kI64, {done, g_.constant(kI64, bytes)})});
    };
    const ValueId x_first = emit(before_, Op::ule, kI1, {end_of(x, s.bytes), y});
    const ValueId y_first = emit(before_, Op::ule, kI1, {end_of(y, a.bytes), x});
    return emit(before_, Op::or_, kI1, {x_first, y_first});
  }

  Type widened(Type t) const { return {t.kind, static_cast<u8>(lanes_)}; }

  void start_argument(Argument& a, std::vector<ValueId>& entry) {
    if (a.role != Role::Reduces) return;
    const Type type = g_.insts[a.next].type;
    a.vector = g_.add_argument(twin_, widened(type));
    entry.push_back(g_.splat_constant(widened(type), neutral(g_.insts[a.next].op, type)));
  }

  ValueId value_after(usize n, BlockId after, ValueId done) {
    const Argument& a = roles_[n];
    if (a.role == Role::Same) return starts_[n];
    const Type t = g_.type(g_.blocks[b_].arguments[n]);
    if (a.role == Role::Counts) return advanced(after, starts_[n], t, a.step, done);
    const Op op = g_.insts[a.next].op;
    const ValueId sums = vector_of(g_.insts[a.next].result);
    if (op == Op::fadd) return emit(after, Op::reduce_fadd, t, {starts_[n], sums});
    return emit(after, op, t, {starts_[n], emit(after, reduction_of(op), t, {sums})});
  }

  // start + iterations * step
  ValueId advanced(BlockId where, ValueId start, Type t, i64 step, ValueId iterations) {
    ValueId n = iterations;
    if (t == kPtr) {
      if (step != 1) n = emit(where, Op::mul, kI64, {n, g_.constant(kI64, static_cast<u64>(step))});
      return emit(where, Op::ptradd, kPtr, {start, n});
    }
    if (t != kI64) n = emit(where, Op::trunc, t, {n});
    if (step != 1) n = emit(where, Op::mul, t, {n, g_.constant(t, static_cast<u64>(step))});
    return emit(where, Op::add, t, {start, n});
  }

  // A scalar value in the first of the iterations that are done at once; or in the first one of
  // all.
  ValueId scalar(ValueId v, BlockId where) {
    if (!inside(v)) return v;
    for (const auto& [old, clone] : clones_)
      if (old == v) return clone;
    ValueId made;
    if (const Argument* a = argument(v)) {
      const ValueId start = starts_[static_cast<usize>(a - roles_.data())];
      made = a->role == Role::Same || at_start_
                 ? start
                 : advanced(where, start, g_.type(v), a->step, base_);
    } else {
      const Inst i = *g_.definition(v);
      std::vector<ValueId> operands;
      const auto from = g_.operands(i);
      const std::vector<ValueId> old(from.begin(), from.end());
      for (const ValueId o : old) operands.push_back(scalar(o, where));
      const InstId copy = g_.make(i.op, i.type, operands, i.aux, i.imm, i.location);
      g_.insert(where, g_.blocks[where].instructions.size() - 1, copy);
      made = g_.insts[copy].result;
    }
    clones_.push_back({v, made});
    return made;
  }

  // Of a value in all the iterations: what has been made, or something the same for all.
  ValueId vector_of(ValueId v) {
    for (const auto& [old, vector] : vectors_)
      if (old == v) return vector;
    const Type t = g_.type(v);
    ValueId made;
    if (g_.is_constant(v)) {
      made = g_.splat_constant(widened(t), g_.values[v].bits);
    } else if (!inside(v)) {
      made = emit(setup_, Op::splat, widened(t), {v});
    } else if (const Argument* a = argument(v); a && a->role == Role::Reduces) {
      return a->vector;
    } else {
      made = emit(twin_, Op::splat, widened(t), {scalar(v, twin_)});
      if (a && a->role == Role::Counts) {
        u8 bytes[ir::kMaxVectorBytes] = {};
        for (u32 k = 0; k < lanes_; ++k)
          for (u32 byte = 0; byte < t.bytes(); ++byte)
            bytes[k * t.bytes() + byte] =
                static_cast<u8>(static_cast<u64>(a->step) * k >> (8 * byte));
        const ValueId steps = g_.vector_constant(widened(t), {bytes, widened(t).bytes()});
        made = emit(twin_, Op::add, widened(t), {made, steps});
      }
    }
    vectors_.push_back({v, made});
    return made;
  }

  void make_body() {
    clones_.clear();
    const std::vector<InstId> body = g_.blocks[b_].instructions;
    for (const InstId id : body) {
      const Inst i = g_.insts[id];
      location_ = i.location;
      if (i.op == Op::load) {
        if (!wide_[i.result]) continue;
        const ValueId at = scalar(g_.operand(i, 0), twin_);
        vectors_.push_back({i.result, emit(twin_, Op::load, widened(i.type), {at}, i.aux, i.imm)});
      } else if (i.op == Op::store) {
        const ValueId what = vector_of(g_.operand(i, 0));
        emit(twin_, Op::store, {}, {what, scalar(g_.operand(i, 1), twin_)}, i.aux, i.imm);
      } else if (i.result != kNoValue && (wide_[i.result] || reduces(id))) {
        vectors_.push_back({i.result, make_operation(i)});
      }
    }
  }
  bool reduces(InstId id) const {
    return std::find(reductions_.begin(), reductions_.end(), id) != reductions_.end();
  }

  // Lanes of a mask are as wide as what was compared; a select's must be as wide as what it
  // selects.
  ValueId mask(ValueId condition, Type lanes) {
    const ValueId m = vector_of(condition);
    const Type to = ir::compare_result(lanes);
    const Type from = g_.type(m);
    if (from == to) return m;
    return emit(twin_, from.element_bits() < to.element_bits() ? Op::sext : Op::trunc, to, {m});
  }

  ValueId make_operation(const Inst& i) {
    const auto from = g_.operands(i);
    const std::vector<ValueId> operands(from.begin(), from.end());
    const ir::Signature signature = ir::op_info(i.op).signature;
    if (i.op == Op::select) {
      const ValueId a = vector_of(operands[1]), b = vector_of(operands[2]);
      if (!inside(operands[0])) return emit(twin_, Op::select, g_.type(a), {operands[0], a, b});
      return emit(twin_, Op::select, g_.type(a), {mask(operands[0], g_.type(a)), a, b});
    }
    if (signature == ir::Signature::IntExtend && g_.type(operands[0]) == kI1) {
      const Type t = widened(i.type);
      const ValueId m = mask(operands[0], t);
      if (i.op == Op::sext) return m;
      return emit(twin_, Op::and_, t, {m, g_.splat_constant(t, 1)});
    }
    std::vector<ValueId> wide;
    for (const ValueId v : operands) wide.push_back(vector_of(v));
    Type type = widened(i.type);
    if (is_compare(i.op)) {
      type = ir::compare_result(g_.type(wide[0]));
    } else if (i.type == kI1) {  // of two conditions
      type = g_.type(wide[0]);
      wide[1] = mask(operands[1], type);
    }
    const InstId made = g_.make(i.op, type, wide, i.aux, i.imm, i.location);
    g_.insert(twin_, g_.blocks[twin_].instructions.size() - 1, made);
    return g_.insts[made].result;
  }

  Graph& g_;
  const Cfg& cfg_;
  const u32 loop_;
  const BlockId b_;
  const platform::CpuFeatures& features_;
  const bool reassoc_;
  BlockId before_ = kNoBlock, setup_ = kNoBlock, twin_ = kNoBlock;
  ir::Location location_ = 0;
  std::vector<Induction> inductions_;
  LoopBound bound_{};
  std::vector<Argument> roles_;  // of the header's arguments
  std::vector<bool> wide_;       // values needed lane by lane
  std::vector<InstId> reductions_;
  std::vector<Access> accesses_;
  std::vector<std::pair<Access, Access>> checks_;
  u32 widest_ = 1, lanes_ = 0;
  std::vector<ValueId> starts_;
  ValueId base_ = kNoValue;  // iterations done so far
  bool at_start_ = false;
  std::vector<std::pair<ValueId, ValueId>> clones_, vectors_;
};

// One loop, if there is one that can be. The graph's shape changes then.
bool vectorise_one(Graph& graph, const Context& context) {
  const Cfg cfg(graph);
  for (u32 l = 0; l < cfg.loops().size(); ++l)
    if (cfg.loops()[l].blocks.size() == 1 && Vectoriser(graph, cfg, l, context.features).run())
      return true;
  return false;
}

}  // namespace

bool vectorise(Graph& graph, const Context& context) {
  constexpr u32 kMostLoops = 16;
  if (Cfg(graph).loops().empty()) return false;
  bool changed = make_preheaders(graph);
  for (u32 n = 0; n < kMostLoops && vectorise_one(graph, context); ++n) changed = true;
  return changed;
}

}  // namespace bf::passes
