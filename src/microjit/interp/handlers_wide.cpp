// Floats and vectors of 16 bytes, with operands and results in the accumulator.
#include <emmintrin.h>

#include "microjit/interp/form_access.h"

namespace bf::microjit::interp {

using ir::Kind;
using ir::Op;
using ir::Type;

namespace {

#define BF_FLOATS(row) row(fadd) row(fsub) row(fmul) row(fdiv)
#define BF_FLOAT_COMPARES(row)                                                              \
  row(foeq) row(fogt) row(foge) row(folt) row(fole) row(fone) row(ford) row(fueq) row(fugt) \
      row(fuge) row(fult) row(fule) row(fune) row(funo)
#define BF_INTEGERS(row) \
  row(add) row(sub) row(mul) row(and_) row(or_) row(xor_) row(shl) row(lshr) row(ashr)

// ---- Scalars
// --------------------------------------------------------------------------------------

template <class F, class T, Form form, bool keep>
BF_HANDLER(float_binary) {
  const Wide a = wide_left<form, T>(cell, frame, wide);
  wide = with_first<T>(a, F::apply(first<T>(a), float_right<form, T>(cell, frame, wide)));
  if constexpr (keep) put<double>(frame, cell->a, wide[0]);
  BF_NEXT(cell + 1);
}

template <class F, class T, Form form, bool back>
BF_HANDLER(float_compare_branch) {
  const bool taken = F::apply(first<T>(wide_left<form, T>(cell, frame, wide)),
                              float_right<form, T>(cell, frame, wide));
  if constexpr (back) {
    if (!taken) BF_NEXT(at_distance(cell, cell->d));
    constexpr bool has_imm = form == Form::SlotImm || form == Form::AccImm;
    BF_NEXT_BACK(at_distance(cell, cell->a), has_imm ? cell->c : cell->imm);
  } else {
    if (taken) BF_NEXT(at_distance(cell, cell->a));
    BF_NEXT(at_distance(cell, cell->d));
  }
}

template <class F, class T>
Handler* float_of_form(Form form, bool keep) {
  return with_form(form, [&]<Form f>() -> Handler* {
    return keep ? float_binary<F, T, f, true> : float_binary<F, T, f, false>;
  });
}

template <class F>
Handler* branch_of_form(Kind kind, Form form, bool back) {
  return with_float(kind, [&]<class T>() -> Handler* {
    return with_form(form, [&]<Form f>() -> Handler* {
      return back ? float_compare_branch<F, T, f, true> : float_compare_branch<F, T, f, false>;
    });
  });
}

// ---- Vectors of 16 bytes
// --------------------------------------------------------------------------

template <class T>
[[gnu::always_inline]] inline sem::Vector<T> lanes_of(Wide wide) {
  return (sem::Vector<T>)wide;
}

template <class F, class T, Form form, bool keep>
BF_HANDLER(vector_binary) {
  using V = sem::Vector<T>;
  const V a = form == Form::AccSlot ? lanes_of<T>(wide) : get<V>(frame, cell->b);
  const V b = form == Form::SlotAcc ? lanes_of<T>(wide) : get<V>(frame, cell->c);
  wide = (Wide)F::apply(a, b);
  if constexpr (keep) put(frame, cell->a, wide);
  BF_NEXT(cell + 1);
}

template <class F, class T>
Handler* vector_of_form(Form form, bool keep) {
  switch (form) {
    case Form::SlotSlot:
      return keep ? vector_binary<F, T, Form::SlotSlot, true>
                  : vector_binary<F, T, Form::SlotSlot, false>;
    case Form::AccSlot:
      return keep ? vector_binary<F, T, Form::AccSlot, true>
                  : vector_binary<F, T, Form::AccSlot, false>;
    case Form::SlotAcc:
      return keep ? vector_binary<F, T, Form::SlotAcc, true>
                  : vector_binary<F, T, Form::SlotAcc, false>;
    default:
      return nullptr;
  }
}

// ---- One operand
// ----------------------------------------------------------------------------------

template <Op op, class T, bool from_acc, bool keep>
BF_HANDLER(float_unary) {
  const Wide a = from_acc ? wide : wide_of(get<T>(frame, cell->b));
  constexpr bool wide64 = sizeof(T) == 8;
  const __m128i sign = wide64 ? _mm_set1_epi64x(static_cast<i64>(1ull << 63))
                              : _mm_set1_epi32(static_cast<i32>(1u << 31));
  if constexpr (op == Op::fneg)
    wide = (Wide)_mm_xor_si128((__m128i)a, sign);
  else if constexpr (op == Op::fabs)
    wide = (Wide)_mm_andnot_si128(sign, (__m128i)a);
  else
    wide = with_first<T>(a, sem::sqrt::apply(first<T>(a)));
  if constexpr (keep) put<double>(frame, cell->a, wide[0]);
  BF_NEXT(cell + 1);
}

// Signed integers to floats and back, floats to floats.
template <class To, class From, bool from_acc, bool keep>
BF_HANDLER(int_to_float) {
  wide = wide_of(static_cast<To>(from_acc ? static_cast<From>(acc) : get<From>(frame, cell->b)));
  if constexpr (keep) put<double>(frame, cell->a, wide[0]);
  BF_NEXT(cell + 1);
}
template <class To, class From, bool from_acc, bool keep>
BF_HANDLER(float_to_int) {
  acc = sem::fptosi<To>(from_acc ? first<From>(wide) : get<From>(frame, cell->b));
  if constexpr (keep) put<u64>(frame, cell->a, acc);
  BF_NEXT(cell + 1);
}
template <class To, class From, bool from_acc, bool keep>
BF_HANDLER(float_to_float) {
  wide = wide_of(static_cast<To>(from_acc ? first<From>(wide) : get<From>(frame, cell->b)));
  if constexpr (keep) put<double>(frame, cell->a, wide[0]);
  BF_NEXT(cell + 1);
}

template <bool of_wide>
BF_HANDLER(save) {
  if constexpr (of_wide)
    put(frame, cell->a, wide);
  else
    put<u64>(frame, cell->a, acc);
  BF_NEXT(cell + 1);
}

#define BF_PLACES(handler, ...)                                                             \
  (from_acc ? (keep ? handler<__VA_ARGS__, true, true> : handler<__VA_ARGS__, true, false>) \
            : (keep ? handler<__VA_ARGS__, false, true> : handler<__VA_ARGS__, false, false>))

template <Op op>
Handler* unary_of(Kind kind, bool from_acc, bool keep) {
  return with_float(kind, [&]<class T>() -> Handler* { return BF_PLACES(float_unary, op, T); });
}

}  // namespace

Handler* wide_form(Op op, Type type, Form form, bool keep) {
  if (type.is_vector()) {
    switch (op) {
#define BF_CASE(name)            \
  case Op::name:                 \
    return with_float(type.kind, \
                      [&]<class T>() { return vector_of_form<sem::name, T>(form, keep); });
      BF_FLOATS(BF_CASE)
#undef BF_CASE
#define BF_CASE(name)              \
  case Op::name:                   \
    return with_integer(type.kind, \
                        [&]<class T>() { return vector_of_form<sem::name, T>(form, keep); });
      BF_INTEGERS(BF_CASE)
#undef BF_CASE
      default:
        return nullptr;
    }
  }
  switch (op) {
#define BF_CASE(name)            \
  case Op::name:                 \
    return with_float(type.kind, \
                      [&]<class T>() { return float_of_form<sem::name, T>(form, keep); });
    BF_FLOATS(BF_CASE)
#undef BF_CASE
    default:
      return nullptr;
  }
}

Handler* wide_unary_form(Op op, Type from, Type to, bool from_acc, bool keep) {
  if (from.is_vector() || to.is_vector()) return nullptr;
  switch (op) {
    case Op::fneg:
      return unary_of<Op::fneg>(to.kind, from_acc, keep);
    case Op::fabs:
      return unary_of<Op::fabs>(to.kind, from_acc, keep);
    case Op::sqrt:
      return unary_of<Op::sqrt>(to.kind, from_acc, keep);
    case Op::sitofp:
      return with_float(to.kind, [&]<class To>() -> Handler* {
        if (from.kind == Kind::I32) return BF_PLACES(int_to_float, To, i32);
        if (from.kind == Kind::I64) return BF_PLACES(int_to_float, To, i64);
        return nullptr;
      });
    case Op::fptosi:
      return with_float(from.kind, [&]<class From>() -> Handler* {
        if (to.kind == Kind::I32) return BF_PLACES(float_to_int, u32, From);
        if (to.kind == Kind::I64) return BF_PLACES(float_to_int, u64, From);
        return nullptr;
      });
    case Op::fpext:
      if (from.kind != Kind::F32 || to.kind != Kind::F64) return nullptr;
      return BF_PLACES(float_to_float, double, float);
    case Op::fptrunc:
      if (from.kind != Kind::F64 || to.kind != Kind::F32) return nullptr;
      return BF_PLACES(float_to_float, float, double);
    default:
      return nullptr;
  }
}

Handler* wide_compare_branch_form(Op op, Kind kind, Form form, bool back) {
  switch (op) {
#define BF_CASE(name) \
  case Op::name:      \
    return branch_of_form<sem::name>(kind, form, back);
    BF_FLOAT_COMPARES(BF_CASE)
#undef BF_CASE
    default:
      return nullptr;
  }
}

Handler* save_form(bool of_wide) {
  return of_wide ? save<true> : save<false>;
}

}  // namespace bf::microjit::interp
