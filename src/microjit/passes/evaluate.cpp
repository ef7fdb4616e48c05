#include "microjit/passes/evaluate.h"

#include "microjit/semantics.h"

namespace bf::passes {

namespace {

namespace sem = microjit::sem;
using ir::Signature;

// ---- One element --------------------------------------------------------------------------------

template <class F>
bool with_integer(Kind kind, F f) {
  switch (kind) {
    case Kind::I1:
    case Kind::I8:
      return f(u8{});
    case Kind::I16:
      return f(u16{});
    case Kind::I32:
      return f(u32{});
    case Kind::I64:
    case Kind::Ptr:
      return f(u64{});
    default:
      return false;
  }
}
template <class F>
bool with_float(Kind kind, F f) {
  if (kind == Kind::F32) return f(float{});
  return kind == Kind::F64 && f(double{});
}

template <class T>
T as(u64 bits) {
  if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<float>(static_cast<u32>(bits));
  else if constexpr (std::is_same_v<T, double>)
    return std::bit_cast<double>(bits);
  else
    return static_cast<T>(bits);
}
template <class T>
u64 bits_of(T value) {
  if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<u32>(value);
  else if constexpr (std::is_same_v<T, double>)
    return std::bit_cast<u64>(value);
  else
    return value;
}

template <class T>
bool divides(Op op, T a, T b) {
  const bool is_signed = op == Op::sdiv || op == Op::srem;
  constexpr T minimum = static_cast<T>(T{1} << (sizeof(T) * 8 - 1));
  return b != 0 && !(is_signed && a == minimum && b == static_cast<T>(-1));
}

template <class T>
bool integer(Op op, const u64* in, u64& out) {
  const T a = as<T>(in[0]), b = as<T>(in[1]);
  switch (op) {
#define BF_CASE(name)                         \
  case Op::name:                              \
    out = bits_of<T>(sem::name::apply(a, b)); \
    return true;
    BF_CASE(add)
    BF_CASE(sub) BF_CASE(mul) BF_CASE(umulh) BF_CASE(smulh) BF_CASE(and_) BF_CASE(or_) BF_CASE(xor_)
        BF_CASE(shl) BF_CASE(lshr) BF_CASE(ashr) BF_CASE(rotl) BF_CASE(rotr) BF_CASE(smin)
            BF_CASE(smax) BF_CASE(umin) BF_CASE(umax) BF_CASE(sadd_sat) BF_CASE(uadd_sat)
                BF_CASE(ssub_sat) BF_CASE(usub_sat) BF_CASE(eq) BF_CASE(ne) BF_CASE(ult)
                    BF_CASE(ule) BF_CASE(ugt) BF_CASE(uge) BF_CASE(slt) BF_CASE(sle) BF_CASE(sgt)
                        BF_CASE(sge) BF_CASE(sadd_overflows) BF_CASE(uadd_overflows)
                            BF_CASE(ssub_overflows) BF_CASE(usub_overflows) BF_CASE(smul_overflows)
                                BF_CASE(umul_overflows)
#undef BF_CASE
#define BF_CASE(name)                         \
  case Op::name:                              \
    if (!divides(op, a, b)) return false;     \
    out = bits_of<T>(sem::name::apply(a, b)); \
    return true;
                                    BF_CASE(udiv) BF_CASE(sdiv) BF_CASE(urem) BF_CASE(srem)
#undef BF_CASE
#define BF_CASE(name)                      \
  case Op::name:                           \
    out = bits_of<T>(sem::name::apply(a)); \
    return true;
                                        BF_CASE(abs) BF_CASE(ctpop) BF_CASE(ctlz) BF_CASE(cttz)
                                            BF_CASE(bswap) BF_CASE(bitreverse)
#undef BF_CASE
                                                default : return false;
  }
}

template <class T>
bool floating(Op op, const u64* in, u64& out) {
  const T a = as<T>(in[0]), b = as<T>(in[1]);
  switch (op) {
#define BF_CASE(name, semantics)                   \
  case Op::name:                                   \
    out = bits_of<T>(sem::semantics::apply(a, b)); \
    return true;
  BF_CASE(fadd, fadd)
  BF_CASE(fsub, fsub) BF_CASE(fmul, fmul) BF_CASE(fdiv, fdiv) BF_CASE(frem, frem_)
      BF_CASE(fminnum, fminnum) BF_CASE(fmaxnum, fmaxnum) BF_CASE(copysign, copysign)
#undef BF_CASE
#define BF_CASE(name)                      \
  case Op::name:                           \
    out = bits_of<T>(sem::name::apply(a)); \
    return true;
          BF_CASE(fneg) BF_CASE(fabs) BF_CASE(sqrt) BF_CASE(floor) BF_CASE(ceil) BF_CASE(trunc_f)
              BF_CASE(rint) BF_CASE(round)
#undef BF_CASE
#define BF_CASE(name)             \
  case Op::name:                  \
    out = sem::name::apply(a, b); \
    return true;
                  BF_CASE(foeq) BF_CASE(fogt) BF_CASE(foge) BF_CASE(folt) BF_CASE(fole)
                      BF_CASE(fone) BF_CASE(ford) BF_CASE(fueq) BF_CASE(fugt) BF_CASE(fuge)
                          BF_CASE(fult) BF_CASE(fule) BF_CASE(fune) BF_CASE(funo)
#undef BF_CASE
                              case Op::fma:
    out = bits_of<T>(sem::fma::apply(a, b, as<T>(in[2])));
    return true;
    default:
      return false;
  }
}

bool integer_cast(Op op, Type from, Type to, u64 in, u64& out) {
  const u32 unused = 64 - from.element_bits();
  out = op == Op::sext ? static_cast<u64>(static_cast<i64>(in << unused) >> unused) : in;
  if (to.element_bits() < 64) out &= (u64{1} << to.element_bits()) - 1;
  return true;
}

bool float_cast(Type from, Type to, u64 in, u64& out) {
  if (from.kind == Kind::F16 || from.kind == Kind::BF16) {
    const u16 small = static_cast<u16>(in);
    const float wide = from.kind == Kind::F16 ? sem::from_f16(small) : sem::from_bf16(small);
    out = to.kind == Kind::F32 ? bits_of(wide) : bits_of(static_cast<double>(wide));
    return true;
  }
  const double value = from.kind == Kind::F32 ? static_cast<double>(as<float>(in)) : as<double>(in);
  switch (to.kind) {
    case Kind::F16:
      out = sem::to_f16(value);
      return true;
    case Kind::BF16:
      out = sem::to_bf16(value);
      return true;
    case Kind::F32:
      out = bits_of(static_cast<float>(value));
      return true;
    default:
      out = bits_of(value);
      return true;
  }
}

bool int_to_float(Op op, Type from, Type to, u64 in, u64& out) {
  return with_integer(from.kind, [&]<class From>(From) {
    return with_float(to.kind, [&]<class To>(To) {
      const From a = as<From>(in);
      out = bits_of(op == Op::uitofp ? static_cast<To>(a)
                                     : static_cast<To>(static_cast<sem::Signed<From>>(a)));
      return true;
    });
  });
}

bool float_to_int(Op op, Type from, Type to, u64 in, u64& out) {
  return with_integer(to.kind, [&]<class To>(To) {
    return with_float(from.kind, [&]<class From>(From) {
      const From a = as<From>(in);
      out = op == Op::fptosi ? sem::fptosi<To>(a) : sem::fptoui<To>(a);
      return true;
    });
  });
}

// ---- Vectors ------------------------------------------------------------------------------------

// A constant being put together lane by lane.
struct Lanes {
  u8 bytes[ir::kMaxVectorBytes] = {};

  void put(Type type, u32 lane, u64 bits) {
    __builtin_memcpy(bytes + lane * type.element_bytes(), &bits, type.element_bytes());
  }
  u64 get(Type type, u32 lane) const {
    u64 bits = 0;
    __builtin_memcpy(&bits, bytes + lane * type.element_bytes(), type.element_bytes());
    return bits;
  }
  ValueId constant(Graph& g, Type type) const {
    if (!type.is_vector()) return g.constant(type, get(type, 0));
    return g.vector_constant(type, {bytes, type.bytes()});
  }
};

Lanes lanes_of(const Graph& g, ValueId v) {
  Lanes out;
  const Type t = g.type(v);
  for (u32 i = 0; i < t.lanes; ++i) out.put(t, i, constant_lane(g, v, i));
  return out;
}

ValueId element_by_element(Graph& g, const Inst& i, std::span<const ValueId> ids) {
  const Type from = g.type(ids[0]);
  const bool compares = from.is_vector() && ir::compare_result(from) == i.type &&
                        (ir::op_info(i.op).signature == Signature::IntCompare ||
                         ir::op_info(i.op).signature == Signature::FloatCompare);
  Lanes out;
  for (u32 lane = 0; lane < i.type.lanes; ++lane) {
    u64 in[3] = {}, result = 0;
    for (u32 n = 0; n < ids.size(); ++n) in[n] = constant_lane(g, ids[n], lane);
    if (!evaluate_element(i.op, from.element(), compares ? Type{Kind::I1} : i.type.element(), in,
                          result))
      return kNoValue;
    out.put(i.type, lane, compares ? u64{0} - result : result);
  }
  return out.constant(g, i.type);
}

ValueId fold_select(Graph& g, const Inst& i, std::span<const ValueId> ids) {
  if (!g.type(ids[0]).is_vector()) return constant_lane(g, ids[0], 0) != 0 ? ids[1] : ids[2];
  const Type mask = g.type(ids[0]);
  Lanes out;
  for (u32 lane = 0; lane < i.type.lanes; ++lane) {
    const u64 m = constant_lane(g, ids[0], lane);
    const u64 all = mask.element_bits() == 64 ? ~u64{0} : (u64{1} << mask.element_bits()) - 1;
    if (m != 0 && m != all) return kNoValue;
    out.put(i.type, lane, constant_lane(g, ids[m != 0 ? 1 : 2], lane));
  }
  return out.constant(g, i.type);
}

ValueId fold_shuffle(Graph& g, const Inst& i, std::span<const ValueId> ids) {
  const u32 lanes = g.type(ids[0]).lanes;
  Lanes out;
  for (u32 lane = 0; lane < i.type.lanes; ++lane) {
    const u32 from = g.mask(i)[lane];
    out.put(i.type, lane, constant_lane(g, ids[from / lanes], from % lanes));
  }
  return out.constant(g, i.type);
}

ValueId fold_reduction(Graph& g, const Inst& i, std::span<const ValueId> ids) {
  const bool floats = ir::op_info(i.op).signature == Signature::FloatReduce;
  const ValueId vector = ids[floats ? 1 : 0];
  const Op op = floats ? Op::fadd : ir::combining_op(i.op);
  u64 in[2] = {floats ? constant_lane(g, ids[0], 0) : constant_lane(g, vector, 0), 0};
  for (u32 lane = floats ? 0 : 1; lane < g.type(vector).lanes; ++lane) {
    in[1] = constant_lane(g, vector, lane);
    u64 out = 0;
    if (!evaluate_element(op, i.type, i.type, in, out)) return kNoValue;
    in[0] = out;
  }
  return g.constant(i.type, in[0]);
}

ValueId fold_lane(Graph& g, const Inst& i, std::span<const ValueId> ids) {
  const Type vector = g.type(ids[0]);
  const u32 lane = static_cast<u32>(constant_lane(g, ids.back(), 0)) & (vector.lanes - 1u);
  if (i.op == Op::extract) return g.constant(i.type, constant_lane(g, ids[0], lane));
  Lanes out = lanes_of(g, ids[0]);
  out.put(vector, lane, constant_lane(g, ids[1], 0));
  return out.constant(g, vector);
}

ValueId fold_mask_bits(Graph& g, const Inst& i, std::span<const ValueId> ids) {
  const Type vector = g.type(ids[0]);
  u64 bits = 0;
  for (u32 lane = 0; lane < vector.lanes; ++lane)
    bits |= (constant_lane(g, ids[0], lane) >> (vector.element_bits() - 1)) << lane;
  return g.constant(i.type, bits);
}

}  // namespace

bool evaluate_element(Op op, Type from, Type to, const u64* in, u64& out) {
  switch (ir::op_info(op).signature) {
    case Signature::IntBinary:
    case Signature::IntUnary:
    case Signature::IntCompare:
    case Signature::IntOverflow: {
      const bool good =
          with_integer(from.kind, [&]<class T>(T) { return integer<T>(op, in, out); });
      if (to.element_bits() < 8) out &= 1;
      return good;
    }
    case Signature::FloatBinary:
    case Signature::FloatUnary:
    case Signature::FloatTernary:
    case Signature::FloatCompare:
      return with_float(from.kind, [&]<class T>(T) { return floating<T>(op, in, out); });
    case Signature::IntTruncate:
    case Signature::IntExtend:
      return integer_cast(op, from, to, in[0], out);
    case Signature::FloatTruncate:
    case Signature::FloatExtend:
      return float_cast(from, to, in[0], out);
    case Signature::FloatToInt:
      return float_to_int(op, from, to, in[0], out);
    case Signature::IntToFloat:
      return int_to_float(op, from, to, in[0], out);
    default:
      return false;
  }
}

ValueId evaluate(Graph& g, const Inst& inst, std::span<const ValueId> operands) {
  const Inst i = inst;  // making constants moves nothing of it, but callers hand in parts of graphs
  switch (ir::op_info(i.op).signature) {
    case Signature::Select:
      return fold_select(g, i, operands);
    case Signature::Bitcast:
      return lanes_of(g, operands[0]).constant(g, i.type);
    case Signature::Splat:
      return g.splat_constant(i.type, constant_lane(g, operands[0], 0));
    case Signature::Extract:
    case Signature::Insert:
      return fold_lane(g, i, operands);
    case Signature::Shuffle:
      return fold_shuffle(g, i, operands);
    case Signature::IntReduce:
    case Signature::FloatReduce:
      return fold_reduction(g, i, operands);
    case Signature::MaskBits:
      return fold_mask_bits(g, i, operands);
    case Signature::PtrAdd: {
      const u64 number = constant_lane(g, operands[1], 0);
      const u64 bytes = i.op == Op::ptradd ? number : number * i.aux + static_cast<u64>(i.imm);
      return g.constant(i.type, constant_lane(g, operands[0], 0) + bytes);
    }
    default:
      return operands.empty() || i.type.is_void() ? kNoValue : element_by_element(g, i, operands);
  }
}

u64 constant_lane(const Graph& graph, ValueId constant, u32 lane) {
  const Value& v = graph.values[constant];
  if (!v.type.is_vector()) return v.bits;
  u64 bits = 0;
  const u32 bytes = v.type.element_bytes();
  __builtin_memcpy(&bits, graph.vector_bytes(constant).data() + lane * bytes, bytes);
  return bits;
}

bool is_splat(const Graph& graph, ValueId v, u64& bits) {
  if (!graph.is_constant(v)) return false;
  bits = constant_lane(graph, v, 0);
  for (u32 lane = 1; lane < graph.type(v).lanes; ++lane)
    if (constant_lane(graph, v, lane) != bits) return false;
  return true;
}

bool same_constant(const Graph& graph, ValueId a, ValueId b) {
  if (a == b) return true;
  if (!graph.is_constant(a) || !graph.is_constant(b) || graph.type(a) != graph.type(b))
    return false;
  if (!graph.type(a).is_vector()) return false;  // equal scalars are one
  return __builtin_memcmp(graph.vector_bytes(a).data(), graph.vector_bytes(b).data(),
                          graph.type(a).bytes()) == 0;
}

}  // namespace bf::passes
