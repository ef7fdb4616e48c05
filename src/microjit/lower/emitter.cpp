#include "microjit/lower/emitter.h"

#include <algorithm>
#include <bit>

namespace bf::lower {

u32 round_up_power(u32 n) {
  return std::bit_ceil(n);
}
u32 log2_of(u64 power) {
  return static_cast<u32>(std::countr_zero(power));
}

u32 lanes_per_part(Kind kind, u32 padded_lanes) {
  return std::min(padded_lanes, ir::kMaxVectorBytes / Type{kind}.element_bytes());
}

Kind container(u32 bits) {
  return bits == 1 ? Kind::I1 : ir::int_kind(std::max(8u, round_up_power(bits)));
}

Kind bits_mask_kind(u32 lanes) {
  return container(std::clamp(lanes, 8u, 64u));
}

namespace {

constexpr u64 low_mask(u32 bits) {
  return bits >= 64 ? ~u64{0} : (u64{1} << bits) - 1;
}

constexpr u64 sign_extended(u64 value, u32 bits) {
  const u64 sign = u64{1} << (bits - 1);
  return ((value & low_mask(bits)) ^ sign) - sign;
}

u64 folded_cast(Op op, u64 value, u32 from_bits) {
  return op == Op::sext ? sign_extended(value, from_bits) : value;
}

bool folds(Op op) {
  return op == Op::trunc || op == Op::zext || op == Op::sext;
}

}  // namespace

std::optional<u64> Emitter::constant_bits(ValueId value) const {
  const ir::Value& v = function_.values[value];
  if (v.def != ir::Def::Constant || v.type.is_vector()) return std::nullopt;
  return v.bits;
}

ValueId Emitter::cast(Op op, Kind to, ValueId value) {
  const Type from = type(value);
  if (const auto bits = constant_bits(value); bits && folds(op))
    return constant({to}, folded_cast(op, *bits, from.element_bits()));
  return emit(op, from.with_kind(to), {value});
}

ValueId Emitter::resize(ValueId value, Kind to, bool is_signed) {
  const Type from = type(value);
  const u32 to_bits = Type{to}.element_bits();
  if (to_bits == from.element_bits()) return value;
  if (to_bits < from.element_bits()) return cast(Op::trunc, to, value);
  return cast(is_signed ? Op::sext : Op::zext, to, value);
}

ValueId Emitter::bitcast(ValueId value, Type to) {
  if (type(value) == to) return value;
  if (const auto bits = constant_bits(value); bits && !to.is_vector()) return constant(to, *bits);
  return emit(Op::bitcast, to, {value});
}

ValueId Emitter::as_integer(ValueId value) {
  const Type from = type(value);
  return from.is_int() ? value : bitcast(value, from.with_kind(ir::int_kind(from.element_bits())));
}

ValueId Emitter::from_integer(ValueId value, Kind to) {
  return bitcast(value, type(value).with_kind(to));
}

ValueId Emitter::clear_above(ValueId value, u32 bits) {
  const Type t = type(value);
  if (bits == t.element_bits()) return value;
  if (const auto c = constant_bits(value)) return constant(t, *c & low_mask(bits));
  return binary(Op::and_, value, constant(t, low_mask(bits)));
}

ValueId Emitter::sign_above(ValueId value, u32 bits) {
  const Type t = type(value);
  if (bits == t.element_bits()) return value;
  if (const auto c = constant_bits(value)) return constant(t, sign_extended(*c, bits));
  const ValueId distance = constant(t, t.element_bits() - bits);
  return binary(Op::ashr, binary(Op::shl, value, distance), distance);
}

ValueId Emitter::advance(ValueId pointer, i64 bytes) {
  if (bytes == 0) return pointer;
  return emit(Op::ptradd, kPtr, {pointer, constant(kI64, static_cast<u64>(bytes))});
}

// ---- Vectors in parts --------------------------------------------------------------------------

ValueId Emitter::sub_vector(ValueId vector, u32 first, u32 lanes) {
  const Type from = type(vector);
  if (from.lanes == lanes) return vector;
  if (lanes == 1) return emit(Op::extract, from.element(), {vector, constant(kI32, first)});
  u8 mask[ir::kMaxVectorBytes];
  for (u32 i = 0; i < lanes; ++i) mask[i] = static_cast<u8>(first + i);
  return builder_.shuffle({from.kind, static_cast<u8>(lanes)}, vector, vector, {mask, lanes});
}

Parts Emitter::relane(const Parts& parts, u32 lanes) {
  const u32 have = type(parts[0]).lanes;
  if (have == lanes) return parts;
  Parts result;
  if (have > lanes) {
    for (const ValueId part : parts)
      for (u32 first = 0; first < have; first += lanes)
        result.push_back(sub_vector(part, first, lanes));
    return result;
  }
  const Type twice{type(parts[0]).kind, static_cast<u8>(have * 2)};
  u8 mask[ir::kMaxVectorBytes];
  for (u32 i = 0; i < have * 2; ++i) mask[i] = static_cast<u8>(i);
  for (usize i = 0; i + 1 < parts.size(); i += 2)
    result.push_back(builder_.shuffle(twice, parts[i], parts[i + 1], {mask, have * 2}));
  return relane(result, lanes);
}

Parts Emitter::convert(Op op, Kind to, const Parts& parts) {
  const Type from = type(parts[0]);
  const u32 total = from.lanes * static_cast<u32>(parts.size());
  const u32 wanted = lanes_per_part(to, total);
  Parts result;
  for (const ValueId part : relane(parts, std::min<u32>(from.lanes, wanted)))
    result.push_back(cast(op, to, part));
  return relane(result, wanted);
}

Parts Emitter::convert_integers(const Parts& parts, Kind to, bool is_signed) {
  const u32 have = type(parts[0]).element_bits(), want = Type{to}.element_bits();
  if (have == want) return parts;
  return convert(want < have ? Op::trunc : is_signed ? Op::sext : Op::zext, to, parts);
}

// Parts differ in number only if one side has i64 pieces of a wide integer, or padding.
Parts Emitter::bitcast_parts(const Parts& parts, Type to, u32 count) {
  const Type from = type(parts[0]);
  Parts result;
  if (from.bytes() == to.bytes()) {
    for (const ValueId part : parts) result.push_back(bitcast(part, to));
    return result;
  }
  // Through vectors of the smaller part's size.
  const u32 step = std::min(from.bytes(), to.bytes());
  const Kind piece = ir::int_kind(std::min(step, 8u) * 8);
  const u32 piece_bytes = Type{piece}.bytes();
  const Type from_pieces{piece, static_cast<u8>(from.bytes() / piece_bytes)};
  const Type to_pieces{piece, static_cast<u8>(to.bytes() / piece_bytes)};
  Parts pieces;
  for (const ValueId part : parts) pieces.push_back(bitcast(part, from_pieces));
  if (from_pieces.lanes == 1 && to_pieces.lanes > 1) {
    for (u32 k = 0; k < count; ++k) {
      ValueId whole = constant(to_pieces, 0);
      for (u32 i = 0; i < to_pieces.lanes; ++i)
        whole = emit(Op::insert, to_pieces,
                     {whole, pieces[k * to_pieces.lanes + i], constant(kI32, i)});
      result.push_back(bitcast(whole, to));
    }
    return result;
  }
  for (const ValueId part : relane(pieces, to_pieces.lanes)) result.push_back(bitcast(part, to));
  return result;
}

ValueId Emitter::place(Type to, ValueId source, std::span<const u8> lanes) {
  return builder_.shuffle(to, source, source, lanes);
}

// One part of a shuffle's result. Two sources are one operation; more are placed one by one.
ValueId Emitter::shuffle_part(Type to, const Parts& sources, std::span<const int> mask) {
  const u32 lanes = type(sources[0]).lanes;
  std::vector<u32> used;
  for (const int lane : mask)
    if (lane >= 0 &&
        std::find(used.begin(), used.end(), static_cast<u32>(lane) / lanes) == used.end())
      used.push_back(static_cast<u32>(lane) / lanes);
  if (used.empty()) return constant(to, 0);

  const auto lane_in = [&](u32 i, u32 source) -> i64 {
    if (mask[i] < 0 || static_cast<u32>(mask[i]) / lanes != source) return -1;
    return static_cast<u32>(mask[i]) % lanes;
  };
  u8 picks[ir::kMaxVectorBytes];
  if (used.size() <= 2) {
    const u32 first = used[0], second = used.back();
    bool same = to == type(sources[first]) && used.size() == 1;
    for (u32 i = 0; i < to.lanes; ++i) {
      const i64 a = lane_in(i, first), b = lane_in(i, second);
      // A lane that may be anything goes on from the one before it: runs are cheap.
      const i64 next = i == 0 ? 0 : (picks[i - 1] + 1) % (2 * lanes);
      picks[i] = static_cast<u8>(a >= 0 ? a : b >= 0 ? b + lanes : next);
      same = same && (mask[i] < 0 || picks[i] == i);
    }
    if (same) return sources[first];
    return builder_.shuffle(to, sources[first], sources[second], {picks, to.lanes});
  }
  ValueId result = ir::kNoValue;
  for (const u32 source : used) {
    for (u32 i = 0; i < to.lanes; ++i)
      picks[i] = static_cast<u8>(std::max<i64>(0, lane_in(i, source)));
    const ValueId placed = place(to, sources[source], {picks, to.lanes});
    if (result == ir::kNoValue) {
      result = placed;
      continue;
    }
    for (u32 i = 0; i < to.lanes; ++i)
      picks[i] = static_cast<u8>(lane_in(i, source) >= 0 ? i + to.lanes : i);
    result = builder_.shuffle(to, result, placed, {picks, to.lanes});
  }
  return result;
}

Parts Emitter::shuffle(Type to, u32 count, const Parts& a, const Parts& b,
                       std::span<const int> mask) {
  Parts sources = a;
  sources.insert(sources.end(), b.begin(), b.end());
  std::vector<int> padded(mask.begin(), mask.end());
  padded.resize(u64{count} * to.lanes, -1);
  Parts result;
  const u32 lanes = type(sources[0]).lanes;
  for (u32 k = 0; k < count; ++k) {
    const std::span part(padded.data() + u64{k} * to.lanes, to.lanes);
    if (lanes > 1 && to.lanes > 1) {
      result.push_back(shuffle_part(to, sources, part));
      continue;
    }
    // <1 x T> on one side: lane by lane.
    ValueId whole = constant(to, 0);
    for (u32 i = 0; i < to.lanes; ++i) {
      if (part[i] < 0) continue;
      const u32 lane = static_cast<u32>(part[i]);
      const ValueId scalar = sub_vector(sources[lane / lanes], lane % lanes, 1);
      whole = to.lanes == 1 ? scalar : emit(Op::insert, to, {whole, scalar, constant(kI32, i)});
    }
    result.push_back(whole);
  }
  return result;
}

ValueId Emitter::extract(const Parts& parts, ValueId lane) {
  const Type part = type(parts[0]);
  if (part.lanes == 1) return parts[0];
  if (const auto index = constant_bits(lane)) {
    const u64 which = *index / part.lanes < parts.size() ? *index / part.lanes : 0;
    return sub_vector(parts[which], static_cast<u32>(*index % part.lanes), 1);
  }
  ValueId result = emit(Op::extract, part.element(), {parts[0], lane});
  for (u32 k = 1; k < parts.size(); ++k) {
    const ValueId here = emit(Op::extract, part.element(), {parts[k], lane});
    const ValueId below = compare(Op::ult, lane, constant(kI32, k * part.lanes));
    result = select(below, result, here);
  }
  return result;
}

Parts Emitter::insert(const Parts& parts, ValueId scalar, ValueId lane) {
  const Type part = type(parts[0]);
  if (part.lanes == 1) return {scalar};
  Parts result = parts;
  if (const auto index = constant_bits(lane)) {
    if (*index / part.lanes >= parts.size()) return result;
    ValueId& target = result[*index / part.lanes];
    target = emit(Op::insert, part, {target, scalar, constant(kI32, *index % part.lanes)});
    return result;
  }
  for (u32 k = 0; k < parts.size(); ++k) {
    const ValueId changed = emit(Op::insert, part, {parts[k], scalar, lane});
    if (parts.size() == 1) return {changed};
    const ValueId which = binary(Op::lshr, lane, constant(kI32, log2_of(part.lanes)));
    result[k] = select(compare(Op::eq, which, constant(kI32, k)), changed, parts[k]);
  }
  return result;
}

Parts Emitter::splat(Type to, u32 count, ValueId scalar) {
  if (const auto bits = constant_bits(scalar)) return Parts(count, constant(to, *bits));
  return Parts(count, to.is_vector() ? emit(Op::splat, to, {scalar}) : scalar);
}

Parts Emitter::fill_padding(const Parts& parts, u32 lanes, u64 bits) {
  const Type part = type(parts[0]);
  const u32 total = part.lanes * static_cast<u32>(parts.size());
  if (lanes == total) return parts;
  std::vector<int> mask(total);
  for (u32 i = 0; i < total; ++i) mask[i] = static_cast<int>(i < lanes ? i : total);
  return shuffle(part, static_cast<u32>(parts.size()), parts, {constant(part, bits)}, mask);
}

// ---- Lane masks --------------------------------------------------------------------------------

Parts Emitter::mask_to_bits(const Parts& mask, u32 lanes) {
  const u32 per_part = type(mask[0]).lanes;
  const Kind kind = container(std::clamp(lanes, 8u, 64u));
  const u32 words = (lanes + 63) / 64;
  Parts result(words, ir::kNoValue);
  for (u32 k = 0; k < mask.size(); ++k) {
    ValueId bits =
        per_part == 1
            ? resize(mask[k], kind)
            : resize(emit(Op::mask_bits, {container(std::max(8u, per_part))}, {mask[k]}), kind);
    const u32 shift = k * per_part % 64;
    ValueId& word = result[k * per_part / 64];
    if (shift != 0) bits = binary(Op::shl, bits, constant(type(bits), shift));
    word = word == ir::kNoValue ? bits : binary(Op::or_, word, bits);
  }
  // A mask's padding lanes are in there, too.
  const u32 last = lanes - (words - 1) * 64;
  if (last < type(result.back()).element_bits()) result.back() = clear_above(result.back(), last);
  return result;
}

Parts Emitter::bits_to_mask(const Parts& bits, u32 lanes) {
  const Kind kind = bits_mask_kind(lanes);
  const u32 padded = round_up_power(lanes);
  if (padded == 1) return {compare(Op::ne, resize(bits[0], kind), constant({kind}, 0))};
  const Type part{kind, static_cast<u8>(lanes_per_part(kind, padded))};
  const u32 element = part.element_bytes();
  Parts result;
  for (u32 first = 0; first < padded; first += part.lanes) {
    u8 bytes[ir::kMaxVectorBytes] = {};
    for (u32 i = 0; i < part.lanes; ++i) {
      const u32 bit = (first + i) % 64;
      bytes[i * element + bit / 8] = static_cast<u8>(1u << bit % 8);
    }
    const ValueId word = resize(bits[std::min<usize>(first / 64, bits.size() - 1)], kind);
    const ValueId tested = binary(Op::and_, emit(Op::splat, part, {word}),
                                  builder_.vector_constant(part, {bytes, part.bytes()}));
    result.push_back(compare(Op::ne, tested, constant(part, 0)));
  }
  return result;
}

}  // namespace bf::lower
