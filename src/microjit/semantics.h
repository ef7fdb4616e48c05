// What every operation of the IR means, on scalars: the interpreter is made of these, helpers.cpp
// offers them to emitted code, folding passes evaluate constants with them.
//
// Integers are handled as unsigned C++ types; `Signed<T>` is the signed twin. The functors of the
// first part work on scalars and on vectors of 16 bytes alike. Bits beyond an i1 are zero.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>

#include "runtime/platform.h"

namespace bf::microjit::sem {

// ---- Scalars and 16-byte vectors of them ----------------------------------------------------

template <class T>
using Vector = T __attribute__((vector_size(16)));

template <class T>
struct SignedTwin {
  using type = std::make_signed_t<T>;
};
template <>
struct SignedTwin<Vector<u8>> {
  using type = Vector<i8>;
};
template <>
struct SignedTwin<Vector<u16>> {
  using type = Vector<i16>;
};
template <>
struct SignedTwin<Vector<u32>> {
  using type = Vector<i32>;
};
template <>
struct SignedTwin<Vector<u64>> {
  using type = Vector<i64>;
};
template <class T>
using Signed = typename SignedTwin<T>::type;

template <class T>
using Element = std::remove_cvref_t<decltype([] {
  if constexpr (std::is_arithmetic_v<T>) return T{};
  else return T{}[0];
}())>;

template <class T>
inline constexpr u32 kBits = sizeof(Element<T>) * 8;

// `b` modulo the width of its elements.
template <class T>
inline T shift_amount(T b) {
  return static_cast<T>(b & static_cast<Element<T>>(kBits<T> - 1));
}

#define BF_BINARY(name, expression)                          \
  struct name {                                              \
    template <class T>                                       \
    static T apply(T a, T b) {                               \
      using S [[maybe_unused]] = Signed<T>;                  \
      return static_cast<T>(expression);                     \
    }                                                        \
  };
BF_BINARY(add, a + b)
BF_BINARY(sub, a - b)
BF_BINARY(and_, a & b)
BF_BINARY(or_, a | b)
BF_BINARY(xor_, a ^ b)
BF_BINARY(shl, a << shift_amount(b))
BF_BINARY(lshr, a >> shift_amount(b))
BF_BINARY(ashr, (S)a >> (S)shift_amount(b))
BF_BINARY(rotl, (a << shift_amount(b)) | (a >> shift_amount(T(T{} - b))))
BF_BINARY(rotr, (a >> shift_amount(b)) | (a << shift_amount(T(T{} - b))))
BF_BINARY(smin, (S)a < (S)b ? a : b)
BF_BINARY(smax, (S)a > (S)b ? a : b)
BF_BINARY(umin, a < b ? a : b)
BF_BINARY(umax, a > b ? a : b)
#undef BF_BINARY

struct mul {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::is_same_v<T, u16>) return static_cast<T>(u32{a} * b);  // no int overflow
    else return static_cast<T>(a * b);
  }
};

// Comparisons: `bool` for scalars, a lane mask for vectors.
#define BF_COMPARE(name, expression)                         \
  struct name {                                              \
    template <class T>                                       \
    static auto apply(T a, T b) {                            \
      using S [[maybe_unused]] = Signed<T>;                  \
      return expression;                                     \
    }                                                        \
  };
BF_COMPARE(eq, a == b)
BF_COMPARE(ne, a != b)
BF_COMPARE(ult, a < b)
BF_COMPARE(ule, a <= b)
BF_COMPARE(ugt, a > b)
BF_COMPARE(uge, a >= b)
BF_COMPARE(slt, (S)a < (S)b)
BF_COMPARE(sle, (S)a <= (S)b)
BF_COMPARE(sgt, (S)a > (S)b)
BF_COMPARE(sge, (S)a >= (S)b)
#undef BF_COMPARE

// Floats: a comparison with a NaN is false, but for `!=`.
#define BF_FLOAT_COMPARE(name, expression)                   \
  struct name {                                              \
    template <class T>                                       \
    static auto apply(T a, T b) {                            \
      return expression;                                     \
    }                                                        \
  };
BF_FLOAT_COMPARE(foeq, a == b)
BF_FLOAT_COMPARE(fogt, a > b)
BF_FLOAT_COMPARE(foge, a >= b)
BF_FLOAT_COMPARE(folt, a < b)
BF_FLOAT_COMPARE(fole, a <= b)
BF_FLOAT_COMPARE(fone, (a < b) | (a > b))
BF_FLOAT_COMPARE(ford, (a == a) & (b == b))
BF_FLOAT_COMPARE(fueq, (a == b) | (a != a) | (b != b))
BF_FLOAT_COMPARE(fugt, (a > b) | (a != a) | (b != b))
BF_FLOAT_COMPARE(fuge, (a >= b) | (a != a) | (b != b))
BF_FLOAT_COMPARE(fult, (a < b) | (a != a) | (b != b))
BF_FLOAT_COMPARE(fule, (a <= b) | (a != a) | (b != b))
BF_FLOAT_COMPARE(fune, a != b)
BF_FLOAT_COMPARE(funo, (a != a) | (b != b))
#undef BF_FLOAT_COMPARE

#define BF_FLOAT_BINARY(name, expression)                    \
  struct name {                                              \
    template <class T>                                       \
    static T apply(T a, T b) {                               \
      return expression;                                     \
    }                                                        \
  };
BF_FLOAT_BINARY(fadd, a + b)
BF_FLOAT_BINARY(fsub, a - b)
BF_FLOAT_BINARY(fmul, a * b)
BF_FLOAT_BINARY(fdiv, a / b)
#undef BF_FLOAT_BINARY

// ---- Scalars only ---------------------------------------------------------------------------

// What the hardware does on division by zero and on minimum / -1 (the same trap for all widths).
[[noreturn]] void trap_division();

template <class T>
inline void check_signed_division(T a, T b) {
  constexpr T minimum = static_cast<T>(T{1} << (kBits<T> - 1));
  if (b == 0 || (a == minimum && b == static_cast<T>(-1))) trap_division();
}

struct udiv {
  template <class T>
  static T apply(T a, T b) {
    if (b == 0) trap_division();
    return static_cast<T>(a / b);
  }
};
struct urem {
  template <class T>
  static T apply(T a, T b) {
    if (b == 0) trap_division();
    return static_cast<T>(a % b);
  }
};
struct sdiv {
  template <class T>
  static T apply(T a, T b) {
    check_signed_division(a, b);
    return static_cast<T>(static_cast<Signed<T>>(a) / static_cast<Signed<T>>(b));
  }
};
struct srem {
  template <class T>
  static T apply(T a, T b) {
    check_signed_division(a, b);
    return static_cast<T>(static_cast<Signed<T>>(a) % static_cast<Signed<T>>(b));
  }
};
struct umulh {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<unsigned __int128>(a) * b >> kBits<T>);
  }
};
struct smulh {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<__int128>(static_cast<Signed<T>>(a)) *
                              static_cast<Signed<T>>(b) >>
                          kBits<T>);
  }
};

#define BF_OVERFLOW(name, builtin, Type)                     \
  struct name {                                              \
    template <class T>                                       \
    static bool apply(T a, T b) {                            \
      Type result;                                           \
      return builtin(static_cast<Type>(a), static_cast<Type>(b), &result); \
    }                                                        \
  };
BF_OVERFLOW(sadd_overflows, __builtin_add_overflow, Signed<T>)
BF_OVERFLOW(uadd_overflows, __builtin_add_overflow, T)
BF_OVERFLOW(ssub_overflows, __builtin_sub_overflow, Signed<T>)
BF_OVERFLOW(usub_overflows, __builtin_sub_overflow, T)
BF_OVERFLOW(smul_overflows, __builtin_mul_overflow, Signed<T>)
BF_OVERFLOW(umul_overflows, __builtin_mul_overflow, T)
#undef BF_OVERFLOW

struct uadd_sat {
  template <class T>
  static T apply(T a, T b) {
    return uadd_overflows::apply(a, b) ? static_cast<T>(-1) : static_cast<T>(a + b);
  }
};
struct usub_sat {
  template <class T>
  static T apply(T a, T b) {
    return a < b ? T{0} : static_cast<T>(a - b);
  }
};
// The end of the range that the first operand lies towards.
template <class T>
inline T signed_limit(T a) {
  return static_cast<T>((T{1} << (kBits<T> - 1)) - (static_cast<Signed<T>>(a) >= 0 ? 1 : 0));
}
struct sadd_sat {
  template <class T>
  static T apply(T a, T b) {
    return sadd_overflows::apply(a, b) ? signed_limit(a) : static_cast<T>(a + b);
  }
};
struct ssub_sat {
  template <class T>
  static T apply(T a, T b) {
    return ssub_overflows::apply(a, b) ? signed_limit(a) : static_cast<T>(a - b);
  }
};

struct abs {
  template <class T>
  static T apply(T a) {
    return static_cast<Signed<T>>(a) < 0 ? static_cast<T>(T{0} - a) : a;
  }
};
struct ctpop {
  template <class T>
  static T apply(T a) {
    u64 x = a;  // by halves: the compiler's own way may call its library
    x -= x >> 1 & 0x5555555555555555;
    x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return static_cast<T>(x * 0x0101010101010101 >> 56);
  }
};
struct ctlz {
  template <class T>
  static T apply(T a) {
    return static_cast<T>(a == 0 ? kBits<T> : __builtin_clzll(a) - (64 - kBits<T>));
  }
};
struct cttz {
  template <class T>
  static T apply(T a) {
    return static_cast<T>(a == 0 ? kBits<T> : __builtin_ctzll(a));
  }
};
struct bswap {
  template <class T>
  static T apply(T a) {
    return static_cast<T>(__builtin_bswap64(a) >> (64 - kBits<T>));
  }
};
struct bitreverse {
  template <class T>
  static T apply(T a) {
    return static_cast<T>(__builtin_bitreverse64(a) >> (64 - kBits<T>));
  }
};

// ---- Floats ---------------------------------------------------------------------------------

// If the operands are equal (zeros of either sign) the result is the second one, as with minss.
struct fminnum {
  template <class T>
  static T apply(T a, T b) {
    return b != b ? a : a < b ? a : b;
  }
};
struct fmaxnum {
  template <class T>
  static T apply(T a, T b) {
    return b != b ? a : a > b ? a : b;
  }
};

template <class T>
struct FloatBits;
template <>
struct FloatBits<float> {
  using type = u32;
};
template <>
struct FloatBits<double> {
  using type = u64;
};
template <class T>
using Bits = typename FloatBits<T>::type;
template <class T>
inline constexpr Bits<T> kSignBit = Bits<T>{1} << (sizeof(T) * 8 - 1);
// 2^52 or 2^23: from here on every number is an integer.
template <class T>
inline constexpr T kIntegral = sizeof(T) == 8 ? static_cast<T>(0x1p52) : static_cast<T>(0x1p23);

struct copysign {
  template <class T>
  static T apply(T a, T b) {
    return std::bit_cast<T>((std::bit_cast<Bits<T>>(a) & ~kSignBit<T>) |
                            (std::bit_cast<Bits<T>>(b) & kSignBit<T>));
  }
};
struct fneg {
  template <class T>
  static T apply(T a) {
    return std::bit_cast<T>(std::bit_cast<Bits<T>>(a) ^ kSignBit<T>);
  }
};
struct fabs {
  template <class T>
  static T apply(T a) {
    return std::bit_cast<T>(std::bit_cast<Bits<T>>(a) & ~kSignBit<T>);
  }
};
struct sqrt {
  template <class T>
  static T apply(T a) {
    if constexpr (sizeof(T) == 8) asm("sqrtsd %1, %0" : "=x"(a) : "x"(a));
    else asm("sqrtss %1, %0" : "=x"(a) : "x"(a));
    return a;
  }
};
// The sign is kept, also of results that are zero. NaNs and big numbers come back as they are.
struct trunc_f {
  template <class T>
  static T apply(T a) {
    if (!(fabs::apply(a) < kIntegral<T>)) return a;
    return copysign::apply(static_cast<T>(static_cast<i64>(a)), a);
  }
};
struct floor {
  template <class T>
  static T apply(T a) {
    const T t = trunc_f::apply(a);
    return t > a ? t - 1 : t;
  }
};
struct ceil {
  template <class T>
  static T apply(T a) {
    const T t = trunc_f::apply(a);
    return t < a ? copysign::apply(t + 1, a) : t;
  }
};
struct round {
  template <class T>
  static T apply(T a) {
    const T t = trunc_f::apply(a);
    return fabs::apply(a - t) >= T{0.5} ? t + copysign::apply(T{1}, a) : t;
  }
};
struct rint {
  template <class T>
  static T apply(T a) {
    if (!(fabs::apply(a) < kIntegral<T>)) return a;
    volatile T shifted = fabs::apply(a) + kIntegral<T>;  // rounds to an integer, ties to even
    return copysign::apply(shifted - kIntegral<T>, a);
  }
};

// Not inline: exact, and rarely on a hot path (float_ops.cpp).
float fma_soft(float a, float b, float c);
double fma_soft(double a, double b, double c);
float frem(float a, float b);
double frem(double a, double b);
u16 to_f16(double a);
u16 to_bf16(double a);
float from_f16(u16 bits);
inline float from_bf16(u16 bits) { return std::bit_cast<float>(static_cast<u32>(bits) << 16); }

struct fma {
  template <class T>
  static T apply(T a, T b, T c) {
    if (!platform::cpu_features().fma) return fma_soft(a, b, c);
    if constexpr (sizeof(T) == 8) asm("vfmadd213sd %2, %1, %0" : "+x"(a) : "x"(b), "x"(c));
    else asm("vfmadd213ss %2, %1, %0" : "+x"(a) : "x"(b), "x"(c));
    return a;
  }
};
struct frem_ {
  template <class T>
  static T apply(T a, T b) {
    return frem(a, b);
  }
};

// Float to integer, see ops.def for what happens out of range.
inline i64 to_i64(double a) {
  i64 r;
  asm("cvttsd2si %1, %0" : "=r"(r) : "x"(a));
  return r;
}
inline i32 to_i32(double a) {
  i32 r;
  asm("cvttsd2si %1, %0" : "=r"(r) : "x"(a));
  return r;
}
template <class To, class From>
inline To fptosi(From a) {
  if constexpr (sizeof(To) == 8) return static_cast<To>(to_i64(a));
  else return static_cast<To>(to_i32(a));
}
template <class To, class From>
inline To fptoui(From a) {
  if constexpr (sizeof(To) == 4) return static_cast<To>(to_i64(a));
  else if constexpr (sizeof(To) < 4) return static_cast<To>(to_i32(a));
  else if (a >= From{0x1p63}) return static_cast<To>(to_i64(a - From{0x1p63})) ^ (u64{1} << 63);
  else return static_cast<To>(to_i64(a));
}

}  // namespace bf::microjit::sem
