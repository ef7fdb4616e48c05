#include "microjit/interp/cell_access.h"

namespace bf::microjit::interp {

using ir::Kind;
using ir::Op;
using ir::Type;

namespace {

struct truncate_ {
  template <class To, class From>
  static To apply(From a) {
    return static_cast<To>(a);
  }
};
struct zext_ {
  template <class To, class From>
  static To apply(From a) {
    return static_cast<To>(a);
  }
};
struct sext_ {
  template <class To, class From>
  static To apply(From a) {
    return static_cast<To>(static_cast<sem::Signed<From>>(a));
  }
};
struct fptosi_ {
  template <class To, class From>
  static To apply(From a) {
    return sem::fptosi<To>(a);
  }
};
struct fptoui_ {
  template <class To, class From>
  static To apply(From a) {
    return sem::fptoui<To>(a);
  }
};
struct sitofp_ {
  template <class To, class From>
  static To apply(From a) {
    return static_cast<To>(static_cast<sem::Signed<From>>(a));
  }
};
struct uitofp_ {
  template <class To, class From>
  static To apply(From a) {
    return static_cast<To>(a);
  }
};
struct float_cast_ {
  template <class To, class From>
  static To apply(From a) {
    return static_cast<To>(a);
  }
};

// Any number of lanes, one by one (`imm`).
template <class F, class To, class From>
BF_HANDLER(lanes) {
#pragma clang loop vectorize(disable) unroll(disable)
  for (u32 i = 0; i < cell->imm; ++i)
    put<To>(frame, cell->a + i * static_cast<u32>(sizeof(To)),
            F::template apply<To>(get<From>(frame, cell->b + i * static_cast<u32>(sizeof(From)))));
  BF_NEXT(cell + 1);
}

template <class F, class To, class From>
BF_HANDLER(scalar) {
  put<To>(frame, cell->a, F::template apply<To>(get<From>(frame, cell->b)));
  BF_NEXT(cell + 1);
}

// Groups of lanes whose wider side fills 16 bytes; `imm` groups.
template <class To, class From>
BF_HANDLER(groups) {
  constexpr u32 wider = sizeof(To) > sizeof(From) ? sizeof(To) : sizeof(From);
  constexpr u32 lanes = 16 / wider;
  typedef To Target __attribute__((ext_vector_type(lanes)));
  typedef From Source __attribute__((ext_vector_type(lanes)));
  u32 to = cell->a, from = cell->b;
#pragma clang loop unroll(disable)
  for (i64 i = cell->imm; i > 0; --i) {
    Source source;
    __builtin_memcpy(&source, frame + from, sizeof(From) * lanes);
    const Target target = __builtin_convertvector(source, Target);
    __builtin_memcpy(frame + to, &target, sizeof(To) * lanes);
    to += sizeof(To) * lanes;
    from += sizeof(From) * lanes;
  }
  BF_NEXT(cell + 1);
}

template <class F, class To, class From>
Choice by_lane(Type type) {
  if (!type.is_vector()) return {scalar<F, To, From>};
  return {lanes<F, To, From>, type.lanes};
}

template <class F, class To, class From>
Choice grouped(Type type) {
  constexpr u32 wide = sizeof(To) > sizeof(From) ? sizeof(To) : sizeof(From);
  if (type.lanes * wide % 16 != 0) return by_lane<F, To, From>(type);
  return {groups<To, From>, static_cast<i64>(type.lanes * wide / 16)};
}

// i1 <-> integers, scalars only.
template <class To>
BF_HANDLER(i1_zext) {
  put<To>(frame, cell->a, get<u8>(frame, cell->b) & 1);
  BF_NEXT(cell + 1);
}
template <class To>
BF_HANDLER(i1_sext) {
  put<To>(frame, cell->a, static_cast<To>(0 - (get<u8>(frame, cell->b) & 1)));
  BF_NEXT(cell + 1);
}
template <class From>
BF_HANDLER(i1_trunc) {
  put<u8>(frame, cell->a, get<u8>(frame, cell->b) & 1);
  BF_NEXT(cell + 1);
}

Choice integer_convert(Op op, Type from, Type to) {
  if (from.kind == Kind::I1)
    return with_integer(to.kind, [&]<class To>() -> Choice {
      return {op == Op::zext ? i1_zext<To> : i1_sext<To>};
    });
  if (to.kind == Kind::I1)
    return with_integer(from.kind, [&]<class From>() -> Choice { return {i1_trunc<From>}; });
  return with_integer(to.kind, [&]<class To>() -> Choice {
    return with_integer(from.kind, [&]<class From>() -> Choice {
      if constexpr (sizeof(To) < sizeof(From)) {
        return grouped<truncate_, To, From>(to);
      } else if constexpr (sizeof(To) > sizeof(From)) {
        if (op == Op::zext) return grouped<zext_, To, From>(to);
        if (!to.is_vector()) return {scalar<sext_, To, From>};
        return grouped<sext_, sem::Signed<To>, sem::Signed<From>>(to);
      } else {
        return {};
      }
    });
  });
}

Choice int_to_float(Op op, Type from, Type to) {
  return with_float(to.kind, [&]<class To>() -> Choice {
    return with_integer(from.kind, [&]<class From>() -> Choice {
      if (op == Op::uitofp) return by_lane<uitofp_, To, From>(to);
      // The one that kernels live on; the others are rare.
      if constexpr (sizeof(To) == 4 && sizeof(From) == 4)
        if (to.is_vector()) return grouped<sitofp_, To, i32>(to);
      return by_lane<sitofp_, To, From>(to);
    });
  });
}

Choice float_to_int(Op op, Type from, Type to) {
  return with_integer(to.kind, [&]<class To>() -> Choice {
    return with_float(from.kind, [&]<class From>() -> Choice {
      return op == Op::fptosi ? by_lane<fptosi_, To, From>(to) : by_lane<fptoui_, To, From>(to);
    });
  });
}

// f16 and bf16 live in memory as bit patterns.
template <bool bf16, class To>
BF_HANDLER(widen_small) {
#pragma clang loop vectorize(disable) unroll(disable)
  for (u32 i = 0; i < cell->imm; ++i) {
    const u16 bits = get<u16>(frame, cell->b + i * 2);
    put<To>(frame, cell->a + i * static_cast<u32>(sizeof(To)),
            static_cast<To>(bf16 ? sem::from_bf16(bits) : sem::from_f16(bits)));
  }
  BF_NEXT(cell + 1);
}
template <bool bf16, class From>
BF_HANDLER(narrow_small) {
#pragma clang loop vectorize(disable) unroll(disable)
  for (u32 i = 0; i < cell->imm; ++i) {
    const double value = get<From>(frame, cell->b + i * static_cast<u32>(sizeof(From)));
    put<u16>(frame, cell->a + i * 2, bf16 ? sem::to_bf16(value) : sem::to_f16(value));
  }
  BF_NEXT(cell + 1);
}

Choice float_to_float(Type from, Type to) {
  if (to.kind == Kind::F16 || to.kind == Kind::BF16)
    return with_float(from.kind, [&]<class From>() -> Choice {
      return {to.kind == Kind::BF16 ? narrow_small<true, From> : narrow_small<false, From>,
              to.lanes};
    });
  if (from.kind == Kind::F16 || from.kind == Kind::BF16)
    return with_float(to.kind, [&]<class To>() -> Choice {
      return {from.kind == Kind::BF16 ? widen_small<true, To> : widen_small<false, To>, to.lanes};
    });
  return to.kind == Kind::F64 ? by_lane<float_cast_, double, float>(to)
                              : by_lane<float_cast_, float, double>(to);
}

}  // namespace

Choice convert_handler(Op op, Type from, Type to) {
  switch (op) {
    case Op::trunc:
    case Op::zext:
    case Op::sext:
      return integer_convert(op, from, to);
    case Op::sitofp:
    case Op::uitofp:
      return int_to_float(op, from, to);
    case Op::fptosi:
    case Op::fptoui:
      return float_to_int(op, from, to);
    case Op::fptrunc:
    case Op::fpext:
      return float_to_float(from, to);
    default:
      return {};
  }
}

}  // namespace bf::microjit::interp
