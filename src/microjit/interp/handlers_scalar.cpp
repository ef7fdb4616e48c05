// Integers, addresses and conditions, with operands and results in the accumulator.
#include "microjit/interp/form_access.h"

namespace bf::microjit::interp {

using ir::Kind;
using ir::Op;
using ir::Type;

namespace {

#define BF_OPERATIONS(row) \
  row(add) row(sub) row(mul) row(and_) row(or_) row(xor_) row(shl) row(lshr) row(ashr) row(rotl) \
      row(rotr) row(smin) row(smax) row(umin) row(umax) row(udiv) row(sdiv) row(urem) row(srem)
#define BF_COMPARES(row) \
  row(eq) row(ne) row(ult) row(ule) row(ugt) row(uge) row(slt) row(sle) row(sgt) row(sge)

template <class F, class T, Form form, bool keep>
BF_HANDLER(binary) {
  acc = static_cast<T>(F::apply(left<form, T>(cell, frame, acc), right<form, T>(cell, frame, acc)));
  if constexpr (keep) put<u64>(frame, cell->a, acc);
  BF_NEXT(cell + 1);
}

template <class F, class T, Form form, bool back>
BF_HANDLER(compare_branch) {
  const bool taken =
      F::apply(left<form, T>(cell, frame, acc), right<form, T>(cell, frame, acc));
  if constexpr (back) {
    if (!taken) BF_NEXT(at_distance(cell, cell->d));
    constexpr bool has_imm = form == Form::SlotImm || form == Form::AccImm;
    BF_NEXT_BACK(at_distance(cell, cell->a), has_imm ? cell->c : cell->imm);
  } else {
    if (taken) BF_NEXT(at_distance(cell, cell->a));
    BF_NEXT(at_distance(cell, cell->d));
  }
}

template <class F>
Handler* of_form(Kind kind, Form form, bool keep) {
  const auto handler = [&]<class T>() {
    return with_form(form, [&]<Form f>() -> Handler* {
      return keep ? binary<F, T, f, true> : binary<F, T, f, false>;
    });
  };
  if (kind == Kind::I8 || kind == Kind::I1) return handler.template operator()<u8>();
  if (kind == Kind::I32) return handler.template operator()<u32>();
  if (kind == Kind::I64) return handler.template operator()<u64>();
  return nullptr;
}

template <class F>
Handler* branch_of_form(Kind kind, Form form, bool back) {
  if (form == Form::SlotAcc) return nullptr;
  return with_integer(kind, [&]<class T>() -> Handler* {
    return with_form(form, [&]<Form f>() -> Handler* {
      if constexpr (f == Form::SlotAcc) return nullptr;
      else return back ? compare_branch<F, T, f, true> : compare_branch<F, T, f, false>;
    });
  });
}

// ---- One operand --------------------------------------------------------------------------------

template <class F, class T, bool from_acc, bool keep>
BF_HANDLER(unary) {
  acc = static_cast<T>(F::apply(from_acc ? static_cast<T>(acc) : get<T>(frame, cell->b)));
  if constexpr (keep) put<u64>(frame, cell->a, acc);
  BF_NEXT(cell + 1);
}

// Widening or narrowing; `bit`: the result is an i1.
template <class To, class From, bool bit, bool from_acc, bool keep>
BF_HANDLER(convert) {
  const From value = from_acc ? static_cast<From>(acc) : get<From>(frame, cell->b);
  acc = static_cast<std::make_unsigned_t<To>>(static_cast<To>(value));
  if constexpr (bit) acc &= 1;
  if constexpr (keep) put<u64>(frame, cell->a, acc);
  BF_NEXT(cell + 1);
}

// The sign of an i1 is its one bit.
template <class To, bool from_acc, bool keep>
BF_HANDLER(sign_of_bit) {
  const u64 bit = (from_acc ? acc : get<u8>(frame, cell->b)) & 1;
  acc = static_cast<To>(u64{0} - bit);
  if constexpr (keep) put<u64>(frame, cell->a, acc);
  BF_NEXT(cell + 1);
}

#define BF_PLACES(handler, ...)                                                          \
  (from_acc ? (keep ? handler<__VA_ARGS__, true, true> : handler<__VA_ARGS__, true, false>) \
            : (keep ? handler<__VA_ARGS__, false, true> : handler<__VA_ARGS__, false, false>))

template <class F>
Handler* unary_of(Kind kind, bool from_acc, bool keep) {
  if (kind == Kind::I32) return BF_PLACES(unary, F, u32);
  if (kind == Kind::I64) return BF_PLACES(unary, F, u64);
  return nullptr;
}

template <class From>
Handler* widen(Type to, bool from_acc, bool keep) {
  return with_integer(to.kind, [&]<class To>() -> Handler* {
    if constexpr (std::is_signed_v<From>) return BF_PLACES(convert, std::make_signed_t<To>, From, false);
    else return BF_PLACES(convert, To, From, false);
  });
}

template <bool sign>
Handler* extend(Type from, Type to, bool from_acc, bool keep) {
  if (sign && from.kind == Kind::I1)
    return with_integer(to.kind, [&]<class To>() -> Handler* { return BF_PLACES(sign_of_bit, To); });
  return with_integer(from.kind, [&]<class From>() -> Handler* {
    return widen<std::conditional_t<sign, std::make_signed_t<From>, From>>(to, from_acc, keep);
  });
}

}  // namespace

Handler* integer_form(Op op, Kind kind, Form form, bool keep) {
  switch (op) {
#define BF_CASE(name) \
  case Op::name:      \
    return of_form<sem::name>(kind, form, keep);
    BF_OPERATIONS(BF_CASE)
#undef BF_CASE
    default:
      return nullptr;
  }
}

Handler* compare_branch_form(Op op, Kind kind, Form form, bool back) {
  switch (op) {
#define BF_CASE(name) \
  case Op::name:      \
    return branch_of_form<sem::name>(kind, form, back);
    BF_COMPARES(BF_CASE)
#undef BF_CASE
    default:
      return nullptr;
  }
}

Handler* integer_unary_form(Op op, Type from, Type to, bool from_acc, bool keep) {
  switch (op) {
    case Op::trunc:
      if (to.kind != Kind::I1) return nullptr;  // the same bits: no cell
      return BF_PLACES(convert, u8, u8, true);
    case Op::zext:
      return extend<false>(from, to, from_acc, keep);
    case Op::sext:
      return extend<true>(from, to, from_acc, keep);
    case Op::abs:
      return unary_of<sem::abs>(to.kind, from_acc, keep);
    case Op::ctpop:
      return unary_of<sem::ctpop>(to.kind, from_acc, keep);
    case Op::ctlz:
      return unary_of<sem::ctlz>(to.kind, from_acc, keep);
    case Op::cttz:
      return unary_of<sem::cttz>(to.kind, from_acc, keep);
    case Op::bswap:
      return unary_of<sem::bswap>(to.kind, from_acc, keep);
    default:
      return nullptr;
  }
}

}  // namespace bf::microjit::interp
