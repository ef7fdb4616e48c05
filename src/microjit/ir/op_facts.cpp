#include "microjit/ir/op_facts.h"

#include <array>

namespace bf::ir {

namespace {

constexpr Op kCommutative[] = {
    Op::add,
    Op::mul,
    Op::umulh,
    Op::smulh,
    Op::and_,
    Op::or_,
    Op::xor_,
    Op::smin,
    Op::smax,
    Op::umin,
    Op::umax,
    Op::eq,
    Op::ne,
    Op::fadd,
    Op::fmul,
    Op::sadd_sat,
    Op::uadd_sat,
    Op::sadd_overflows,
    Op::uadd_overflows,
    Op::smul_overflows,
    Op::umul_overflows,
};

// Each is what the other one becomes.
struct Pair {
  Op one, other;
};
constexpr Pair kInverted[] = {
    {Op::eq, Op::ne},     {Op::ult, Op::uge},   {Op::ule, Op::ugt},   {Op::slt, Op::sge},
    {Op::sle, Op::sgt},   {Op::foeq, Op::fune}, {Op::fogt, Op::fule}, {Op::foge, Op::fult},
    {Op::folt, Op::fuge}, {Op::fole, Op::fugt}, {Op::fone, Op::fueq}, {Op::ford, Op::funo},
};
constexpr Pair kSwapped[] = {
    {Op::ult, Op::ugt},   {Op::ule, Op::uge},   {Op::slt, Op::sgt},   {Op::sle, Op::sge},
    {Op::fogt, Op::folt}, {Op::foge, Op::fole}, {Op::fugt, Op::fult}, {Op::fuge, Op::fule},
};

using Table = std::array<Op, kOpCount>;

template <usize n>
constexpr Table table(const Pair (&pairs)[n]) {
  Table to{};
  for (u32 op = 0; op < kOpCount; ++op) to[op] = static_cast<Op>(op);
  for (const Pair& p : pairs) {
    to[static_cast<u8>(p.one)] = p.other;
    to[static_cast<u8>(p.other)] = p.one;
  }
  return to;
}
constexpr Table kInvertedTo = table(kInverted), kSwappedTo = table(kSwapped);

constexpr std::array<bool, kOpCount> kCommutes = [] {
  std::array<bool, kOpCount> table{};
  for (const Op op : kCommutative) table[static_cast<u8>(op)] = true;
  return table;
}();

}  // namespace

bool commutes(Op op) {
  return kCommutes[static_cast<u8>(op)];
}
Op inverted(Op compare) {
  return kInvertedTo[static_cast<u8>(compare)];
}
Op swapped(Op compare) {
  return kSwappedTo[static_cast<u8>(compare)];
}

}  // namespace bf::ir
