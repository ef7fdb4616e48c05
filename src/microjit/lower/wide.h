// Integers of more than 64 bits as parts of i64, lowest first; zeros above the type's bits in the
// last part. Knows nothing of LLVM.
#pragma once

#include "microjit/lower/emitter.h"

namespace bf::lower {

class Wide {
 public:
  Wide(Emitter& emitter, u32 bits) : e_(emitter), bits_(bits), words_((bits + 63) / 64) {}

  u32 words() const { return words_; }
  Parts constant(u64 low);
  // add sub mul and_ or_ xor_ shl lshr ashr smin smax umin umax; the amount of a shift is wide too.
  Parts binary(Op op, const Parts& a, const Parts& b);
  // i1; any integer comparison.
  ValueId compare(Op op, const Parts& a, const Parts& b);
  // i1; any of them.
  ValueId overflows(Op op, const Parts& a, const Parts& b);
  // abs ctpop ctlz cttz bswap bitreverse
  Parts unary(Op op, const Parts& a);
  // From parts of an integer of `from` bits, narrower or wider; and to one.
  Parts extend(const Parts& from, u32 from_bits, bool is_signed);
  Parts truncate(const Parts& a, u32 to_bits);
  // sadd uadd ssub usub _sat
  Parts saturating(Op op, const Parts& a, const Parts& b);
  Parts select(ValueId condition, const Parts& a, const Parts& b);

 private:
  u32 top_bits() const { return bits_ - (words_ - 1) * 64; }
  Parts clear_top(Parts a);
  Parts sign_top(Parts a);
  ValueId sign(const Parts& a);
  Parts add(const Parts& a, const Parts& b, ValueId* carry_out = nullptr);
  Parts sub(const Parts& a, const Parts& b, ValueId* borrow_out = nullptr);
  Parts mul(const Parts& a, const Parts& b, u32 words);
  Parts shift(Op op, const Parts& a, ValueId amount);
  Parts move_words(Op op, const Parts& a, ValueId words, ValueId fill);
  ValueId funnel(ValueId low, ValueId high, ValueId bit, bool left);
  ValueId less(const Parts& a, const Parts& b, Op high_op, ValueId* borrow);
  ValueId any_bit(const Parts& a);
  Parts count_zeros(const Parts& a, bool leading);
  Parts reversed(Op op, const Parts& a);

  Emitter& e_;
  u32 bits_, words_;
};

}  // namespace bf::lower
