// Vectors whose lanes take several parts each (Leaf::Form::Lanes), and lanes of odd widths in
// memory. What computes with the former has been taken apart (prepare_lanes.cpp); here is what
// moves them.
#include "microjit/lower/function_lowering.h"

namespace bf::lower {

// ---- Lanes of several parts --------------------------------------------------------------------

Parts FunctionLowering::lane_parts(const Leaf& leaf, const Parts& whole, u32 lane) {
  if (leaf.form != Leaf::Form::Lanes) return {e_.extract(whole, e_.constant(kI32, lane))};
  const auto first = whole.begin() + lane * leaf.parts_per_lane();
  return {first, first + leaf.parts_per_lane()};
}

void FunctionLowering::set_lane_parts(const Leaf& leaf, Parts& whole, u32 lane,
                                      const Parts& value) {
  if (leaf.form == Leaf::Form::Lanes) {
    std::copy(value.begin(), value.end(), whole.begin() + lane * leaf.parts_per_lane());
  } else {
    whole = e_.insert(whole, value[0], e_.constant(kI32, lane));
  }
}

// The lane with a number that is not known: each in turn.
Parts FunctionLowering::extract_lane(const Leaf& leaf, const Parts& whole, ValueId lane) {
  if (const auto known = e_.constant_bits(lane))
    return lane_parts(leaf, whole, static_cast<u32>(*known < leaf.lanes ? *known : 0));
  Parts result = lane_parts(leaf, whole, 0);
  for (u32 k = 1; k < leaf.lanes; ++k) {
    const ValueId here = e_.compare(Op::eq, lane, e_.constant(kI32, k));
    const Parts other = lane_parts(leaf, whole, k);
    for (usize i = 0; i < result.size(); ++i) result[i] = e_.select(here, other[i], result[i]);
  }
  return result;
}

Parts FunctionLowering::insert_lane(const Leaf& leaf, Parts whole, const Parts& value,
                                    ValueId lane) {
  if (const auto known = e_.constant_bits(lane)) {
    if (*known < leaf.lanes) set_lane_parts(leaf, whole, static_cast<u32>(*known), value);
    return whole;
  }
  for (u32 k = 0; k < leaf.lanes; ++k) {
    const ValueId here = e_.compare(Op::eq, lane, e_.constant(kI32, k));
    Parts chosen = lane_parts(leaf, whole, k);
    for (usize i = 0; i < chosen.size(); ++i) chosen[i] = e_.select(here, value[i], chosen[i]);
    set_lane_parts(leaf, whole, k, chosen);
  }
  return whole;
}

void FunctionLowering::shuffle_lanes(const llvm::ShuffleVectorInst& i) {
  const Leaf& from = leaf(*i.getOperand(0));
  const Parts a = get(*i.getOperand(0)), b = get(*i.getOperand(1));
  Parts result;
  for (const int pick : i.getShuffleMask()) {
    const u32 lane = pick < 0 ? 0 : static_cast<u32>(pick);
    const Parts more =
        lane < from.lanes ? lane_parts(from, a, lane) : lane_parts(from, b, lane - from.lanes);
    result.insert(result.end(), more.begin(), more.end());
  }
  set(i, result);
}

// ---- Odd widths in memory ----------------------------------------------------------------------
// They lie there bit after bit. Eight lanes always end with a byte, so eight at a time are an
// integer.

namespace {

constexpr u32 kGroup = 8;

}  // namespace

Parts FunctionLowering::load_odd_lanes(const Leaf& leaf, const Address& from) {
  Parts result(leaf.parts, e_.constant(leaf.part, 0));
  for (u32 first = 0; first < leaf.lanes; first += kGroup) {
    const u32 count = std::min(kGroup, leaf.lanes - first), bits = count * leaf.bits;
    const Parts group = load_bits(bits, part_of(from, i64{first} * leaf.bits / 8));
    for (u32 k = 0; k < count; ++k) {
      Wide whole(e_, bits);
      Parts lane = group;
      if (bits > 64) {
        lane =
            whole.truncate(whole.binary(Op::lshr, group, whole.constant(k * leaf.bits)), leaf.bits);
      } else {
        lane[0] = e_.binary(Op::lshr, lane[0], e_.constant(e_.type(lane[0]), k * leaf.bits));
        lane[0] = e_.clear_above(e_.resize(lane[0], container(leaf.bits)), leaf.bits);
      }
      set_lane_parts(leaf, result, first + k, lane);
    }
  }
  return result;
}

void FunctionLowering::store_odd_lanes(const Leaf& leaf, const Parts& parts, const Address& to) {
  for (u32 first = 0; first < leaf.lanes; first += kGroup) {
    const u32 count = std::min(kGroup, leaf.lanes - first), bits = count * leaf.bits;
    Wide whole(e_, bits);
    Parts group = bits > 64 ? whole.constant(0) : Parts{e_.constant({container(bits)}, 0)};
    for (u32 k = 0; k < count; ++k) {
      Parts lane = lane_parts(leaf, parts, first + k);
      if (bits > 64) {
        lane = whole.binary(Op::shl, whole.extend(lane, leaf.bits, false),
                            whole.constant(k * leaf.bits));
        group = whole.binary(Op::or_, group, lane);
      } else {
        const ValueId wider = e_.resize(lane[0], container(bits));
        const ValueId moved = e_.binary(Op::shl, wider, e_.constant(e_.type(wider), k * leaf.bits));
        group[0] = e_.binary(Op::or_, group[0], moved);
      }
    }
    store_bits(bits, group, part_of(to, i64{first} * leaf.bits / 8));
  }
}

}  // namespace bf::lower
