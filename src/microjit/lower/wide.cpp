#include "microjit/lower/wide.h"

namespace bf::lower {

Parts Wide::constant(u64 low) {
  Parts result(words_, e_.constant(kI64, 0));
  result[0] = e_.constant(kI64, low);
  return result;
}

Parts Wide::clear_top(Parts a) {
  a.back() = e_.clear_above(a.back(), top_bits());
  return a;
}

Parts Wide::sign_top(Parts a) {
  a.back() = e_.sign_above(a.back(), top_bits());
  return a;
}

// All bits the sign.
ValueId Wide::sign(const Parts& a) {
  return e_.binary(Op::ashr, e_.sign_above(a.back(), top_bits()), e_.constant(kI64, 63));
}

Parts Wide::add(const Parts& a, const Parts& b, ValueId* carry_out) {
  Parts result;
  ValueId carry = ir::kNoValue;
  for (usize i = 0; i < a.size(); ++i) {
    ValueId sum = e_.binary(Op::add, a[i], b[i]);
    ValueId out = e_.compare(Op::ult, sum, a[i]);
    if (carry != ir::kNoValue) {
      const ValueId more = e_.binary(Op::add, sum, e_.resize(carry, Kind::I64));
      out = e_.binary(Op::or_, out, e_.compare(Op::ult, more, sum));
      sum = more;
    }
    carry = out;
    result.push_back(sum);
  }
  if (carry_out) *carry_out = carry;
  return result;
}

Parts Wide::sub(const Parts& a, const Parts& b, ValueId* borrow_out) {
  Parts result;
  ValueId borrow = ir::kNoValue;
  for (usize i = 0; i < a.size(); ++i) {
    ValueId difference = e_.binary(Op::sub, a[i], b[i]);
    ValueId out = e_.compare(Op::ult, a[i], b[i]);
    if (borrow != ir::kNoValue) {
      const ValueId taken = e_.resize(borrow, Kind::I64);
      out = e_.binary(Op::or_, out, e_.compare(Op::ult, difference, taken));
      difference = e_.binary(Op::sub, difference, taken);
    }
    borrow = out;
    result.push_back(difference);
  }
  if (borrow_out) *borrow_out = borrow;
  return result;
}

// The lowest `words` words of the product, row by row.
Parts Wide::mul(const Parts& a, const Parts& b, u32 words) {
  Parts result(words, e_.constant(kI64, 0));
  for (u32 i = 0; i < a.size() && i < words; ++i)
    for (u32 k = 0; k < b.size() && i + k < words; ++k) {
      Parts row(words - i - k, e_.constant(kI64, 0));
      row[0] = e_.binary(Op::mul, a[i], b[k]);
      if (row.size() > 1) row[1] = e_.binary(Op::umulh, a[i], b[k]);
      const Parts upper(result.begin() + i + k, result.end());
      const Parts sum = i + k == 0 ? row : add(upper, row);
      for (u32 n = 0; n < sum.size(); ++n) result[i + k + n] = sum[n];
    }
  return result;
}

// Whole words moved up (shl) or down by a number of words.
Parts Wide::move_words(Op op, const Parts& a, ValueId words, ValueId fill) {
  Parts result;
  for (u32 i = 0; i < words_; ++i) {
    ValueId moved = fill;
    for (u32 k = words_; k-- > 0;) {
      const i64 from = op == Op::shl ? i64{i} - k : i64{i} + k;
      const ValueId word = from >= 0 && from < words_ ? a[static_cast<usize>(from)] : fill;
      if (word == moved) continue;
      if (const auto c = e_.constant_bits(words)) {
        if (*c == k) moved = word;
      } else {
        moved = e_.select(e_.compare(Op::eq, words, e_.constant(kI64, k)), word, moved);
      }
    }
    result.push_back(moved);
  }
  return result;
}

// The neighbour's bits that a shift by `bit` (0 to 63) brings in; the shift by one apart makes 0 of
// them for 0.
ValueId Wide::funnel(ValueId from, ValueId into, ValueId bit, bool left) {
  const Op away = left ? Op::lshr : Op::shl;
  const ValueId rest = e_.binary(Op::xor_, bit, e_.constant(kI64, 63));
  const ValueId once = e_.binary(away, from, e_.constant(kI64, 1));
  return e_.binary(Op::or_, into, e_.binary(away, once, rest));
}

Parts Wide::shift(Op op, const Parts& value, ValueId amount) {
  const bool left = op == Op::shl;
  const Parts a = op == Op::ashr ? sign_top(value) : value;
  const ValueId fill = op == Op::ashr ? sign(value) : e_.constant(kI64, 0);
  const auto known = e_.constant_bits(amount);
  const ValueId words =
      known ? e_.constant(kI64, *known / 64) : e_.binary(Op::lshr, amount, e_.constant(kI64, 6));
  const ValueId bit =
      known ? e_.constant(kI64, *known % 64) : e_.binary(Op::and_, amount, e_.constant(kI64, 63));
  const Parts moved = move_words(op, a, words, fill);
  if (known && *known % 64 == 0) return clear_top(moved);
  Parts result;
  for (u32 i = 0; i < words_; ++i) {
    const bool last = left ? i == 0 : i + 1 == words_;
    ValueId word = e_.binary(last ? op : left ? Op::shl : Op::lshr, moved[i], bit);
    if (!last) word = funnel(moved[left ? i - 1 : i + 1], word, bit, left);
    result.push_back(word);
  }
  return clear_top(result);
}

Parts Wide::binary(Op op, const Parts& a, const Parts& b) {
  switch (op) {
    case Op::add:
      return clear_top(add(a, b));
    case Op::sub:
      return clear_top(sub(a, b));
    case Op::mul:
      return clear_top(mul(a, b, words_));
    case Op::shl:
    case Op::lshr:
    case Op::ashr:
      return shift(op, a, b[0]);
    case Op::smin:
      return select(compare(Op::slt, a, b), a, b);
    case Op::smax:
      return select(compare(Op::sgt, a, b), a, b);
    case Op::umin:
      return select(compare(Op::ult, a, b), a, b);
    case Op::umax:
      return select(compare(Op::ugt, a, b), a, b);
    default:
      break;
  }
  Parts result;
  for (u32 i = 0; i < words_; ++i) result.push_back(e_.binary(op, a[i], b[i]));
  return result;
}

ValueId Wide::any_bit(const Parts& a) {
  ValueId bits = a[0];
  for (u32 i = 1; i < a.size(); ++i) bits = e_.binary(Op::or_, bits, a[i]);
  return bits;
}

ValueId Wide::compare(Op op, const Parts& left, const Parts& right) {
  switch (op) {
    case Op::eq:
    case Op::ne:
      return e_.compare(op, any_bit(binary(Op::xor_, left, right)), e_.constant(kI64, 0));
    case Op::ugt:
      return compare(Op::ult, right, left);
    case Op::sgt:
      return compare(Op::slt, right, left);
    case Op::ule:
      return e_.logical_not(compare(Op::ult, right, left));
    case Op::sle:
      return e_.logical_not(compare(Op::slt, right, left));
    case Op::uge:
      return e_.logical_not(compare(Op::ult, left, right));
    case Op::sge:
      return e_.logical_not(compare(Op::slt, left, right));
    default:
      break;
  }
  // From the lowest word up: what is above decides, unless it is equal.
  const bool is_signed = op == Op::slt;
  const Parts a = is_signed ? sign_top(left) : left, b = is_signed ? sign_top(right) : right;
  ValueId result = e_.compare(Op::ult, a[0], b[0]);
  for (u32 i = 1; i < words_; ++i) {
    const Op here = is_signed && i + 1 == words_ ? Op::slt : Op::ult;
    result = e_.select(e_.compare(Op::eq, a[i], b[i]), result, e_.compare(here, a[i], b[i]));
  }
  return result;
}

ValueId Wide::overflows(Op op, const Parts& a, const Parts& b) {
  const bool whole = top_bits() == 64;
  ValueId carry = ir::kNoValue;
  switch (op) {
    case Op::uadd_overflows: {
      const Parts sum = add(a, b, &carry);
      if (whole) return carry;
      return compare(Op::ult, clear_top(sum), a);
    }
    case Op::usub_overflows:
      return compare(Op::ult, a, b);
    case Op::sadd_overflows:
    case Op::ssub_overflows: {
      // The sign differs from both of the sum's (from the first and not the second's, of the
      // difference's) operands.
      const bool adds = op == Op::sadd_overflows;
      const Parts result = adds ? add(a, b) : sub(a, b);
      const ValueId one = e_.binary(Op::xor_, result.back(), a.back());
      const ValueId two = e_.binary(Op::xor_, adds ? result.back() : a.back(), b.back());
      const ValueId top = e_.sign_above(e_.binary(Op::and_, one, two), top_bits());
      return e_.compare(Op::slt, top, e_.constant(kI64, 0));
    }
    case Op::smul_overflows: {
      Wide twice(e_, 2 * bits_);
      const Parts product =
          twice.binary(Op::mul, twice.extend(a, bits_, true), twice.extend(b, bits_, true));
      const Parts kept = twice.extend(twice.truncate(product, bits_), bits_, true);
      return twice.compare(Op::ne, kept, product);
    }
    default: {
      const Parts product = mul(a, b, words_ * 2);
      Parts above(product.begin() + words_, product.end());
      if (!whole)
        above.push_back(e_.binary(Op::lshr, product[words_ - 1], e_.constant(kI64, top_bits())));
      return e_.compare(Op::ne, any_bit(above), e_.constant(kI64, 0));
    }
  }
}

Parts Wide::saturating(Op op, const Parts& a, const Parts& b) {
  const bool adds = op == Op::sadd_sat || op == Op::uadd_sat;
  const bool is_signed = op == Op::sadd_sat || op == Op::ssub_sat;
  const Op check = is_signed ? (adds ? Op::sadd_overflows : Op::ssub_overflows)
                             : (adds ? Op::uadd_overflows : Op::usub_overflows);
  Parts limit;
  if (is_signed) {  // the largest for a positive first operand, the smallest for a negative one
    const ValueId flip = e_.binary(Op::xor_, sign(a), e_.constant(kI64, ~u64{0}));
    limit = Parts(words_, flip);
    limit.back() = e_.binary(Op::xor_, flip, e_.constant(kI64, u64{1} << (top_bits() - 1)));
    limit = clear_top(limit);
  } else {
    limit = clear_top(Parts(words_, e_.constant(kI64, adds ? ~u64{0} : 0)));
  }
  return select(overflows(check, a, b), limit, binary(adds ? Op::add : Op::sub, a, b));
}

Parts Wide::select(ValueId condition, const Parts& a, const Parts& b) {
  Parts result;
  for (u32 i = 0; i < a.size(); ++i) result.push_back(e_.select(condition, a[i], b[i]));
  return result;
}

// Words from the end where the counting starts; whole words of zeros let the next one count.
Parts Wide::count_zeros(const Parts& a, bool leading) {
  const u32 unused = leading ? 64 - top_bits() : 0;
  ValueId count = e_.constant(kI64, bits_);
  for (u32 n = words_; n-- > 0;) {
    const u32 i = leading ? words_ - 1 - n : n;
    const ValueId here = e_.binary(Op::add, e_.unary(leading ? Op::ctlz : Op::cttz, a[i]),
                                   e_.constant(kI64, u64{n} * 64 - unused));
    count = e_.select(e_.compare(Op::ne, a[i], e_.constant(kI64, 0)), here, count);
  }
  Parts result = constant(0);
  result[0] = count;
  return result;
}

Parts Wide::reversed(Op op, const Parts& a) {
  Parts result;
  for (u32 i = words_; i-- > 0;) result.push_back(e_.unary(op, a[i]));
  if (top_bits() == 64) return result;
  // The unused bits have come to the bottom.
  Wide whole(e_, words_ * 64);
  return whole.binary(Op::lshr, result, whole.constant(64 - top_bits()));
}

Parts Wide::unary(Op op, const Parts& a) {
  switch (op) {
    case Op::abs: {
      const ValueId s = sign(a);
      const Parts all(words_, s);
      return clear_top(sub(binary(Op::xor_, a, clear_top(all)), clear_top(all)));
    }
    case Op::ctpop: {
      ValueId count = e_.unary(Op::ctpop, a[0]);
      for (u32 i = 1; i < words_; ++i) count = e_.binary(Op::add, count, e_.unary(Op::ctpop, a[i]));
      Parts result = constant(0);
      result[0] = count;
      return result;
    }
    case Op::ctlz:
      return count_zeros(a, true);
    case Op::cttz:
      return count_zeros(a, false);
    default:
      return reversed(op, a);
  }
}

Parts Wide::extend(const Parts& from, u32 from_bits, bool is_signed) {
  if (from_bits <= 64) {
    ValueId low = from[0];
    if (is_signed) low = e_.sign_above(low, from_bits);
    low = e_.resize(low, Kind::I64, is_signed);
    Parts result = constant(0);
    result[0] = low;
    if (!is_signed) return result;
    const ValueId high = e_.binary(Op::ashr, low, e_.constant(kI64, 63));
    for (u32 i = 1; i < words_; ++i) result[i] = high;
    return clear_top(result);
  }
  Wide narrow(e_, from_bits);
  Parts result = is_signed ? narrow.sign_top(from) : from;
  const ValueId high = is_signed ? narrow.sign(from) : e_.constant(kI64, 0);
  result.resize(words_, high);
  return clear_top(result);
}

Parts Wide::truncate(const Parts& a, u32 to_bits) {
  if (to_bits <= 64) return {e_.clear_above(e_.resize(a[0], container(to_bits)), to_bits)};
  const Parts low(a.begin(), a.begin() + (to_bits + 63) / 64);
  return Wide(e_, to_bits).clear_top(low);
}

}  // namespace bf::lower
