// Addresses, loads, stores, stack memory.
#include <llvm/IR/Constants.h>

#include <bit>

#include "microjit/lower/function_lowering.h"

namespace bf::lower {

namespace {

// Offsets that every machine's addressing takes, with room to spare.
constexpr i64 kMaxFoldedOffset = i64{1} << 30;

bool folds(i64 offset) {
  return offset > -kMaxFoldedOffset && offset < kMaxFoldedOffset;
}

// Clang promises 2^32 bytes for a null pointer; the IR knows pages at most.
u32 known_align(llvm::Align align) {
  return std::min(log2_of(align.value()), 12u);
}

u32 align_at(u32 align_log2, i64 offset) {
  if (offset == 0) return align_log2;
  return std::min(align_log2, log2_of(static_cast<u64>(offset) & -static_cast<u64>(offset)));
}

}  // namespace

// The constant part of the address goes into the access.
FunctionLowering::Address FunctionLowering::address(const llvm::Value& pointer, llvm::Align align) {
  llvm::APInt offset(64, 0);
  const llvm::Value* const base =
      pointer.stripAndAccumulateConstantOffsets(types_.layout(), offset, true, true);
  if (!folds(offset.getSExtValue()) || !base->getType()->isPointerTy())
    return {one(pointer), 0, known_align(align)};
  // The alignment is that of the whole address, and so bounds nothing at the base.
  return {one(*base), offset.getSExtValue(), known_align(align)};
}

// Of a size, or at a place, that is not fixed.
void FunctionLowering::lower_variable_alloca(const llvm::AllocaInst& i) {
  const u64 element = types_.layout().getTypeAllocSize(i.getAllocatedType());
  ValueId bytes = e_.resize(get(*i.getArraySize())[0], Kind::I64);
  if (element != 1) bytes = e_.binary(Op::mul, bytes, e_.constant(kI64, element));
  e_.function().flags |= ir::kGrowsStack;
  set(i, e_.emit(Op::stack_grow, kPtr, {bytes}, log2_of(i.getAlign().value())));
}

void FunctionLowering::lower_alloca(const llvm::AllocaInst& i) {
  if (i.getAlign().value() > 4096) {
    fail(i, "stack memory aligned to more than 4096 bytes is not supported");
    return set(i, zeros(i.getType()));
  }
  const auto size = i.getAllocationSize(types_.layout());
  if (!i.isStaticAlloca() || !size) return lower_variable_alloca(i);
  // With what calls may need of their own (copies of structures).
  stack_bytes_ += size->getFixedValue() + 64;
  if (stack_bytes_ > ir::kMaxStackBytes - 1024 * 1024) fail(i, "more than 63 MiB of stack memory");
  set(i, e_.stack_alloc(size->getFixedValue(), log2_of(i.getAlign().value())));
}

// ---- GEP ---------------------------------------------------------------------------------------

ValueId FunctionLowering::gep_index(ValueId base, const llvm::Value& index,
                                    const llvm::APInt& scale, i64 offset) {
  const Leaf& type = leaf(index);
  ValueId value = get(index)[0];
  if (type.form != Leaf::Form::Wide) {
    value = e_.resize(e_.sign_above(value, type.bits), Kind::I64, true);
  }
  const i64 stride = scale.getSExtValue();
  if (stride == 1 && offset == 0) return e_.emit(Op::ptradd, kPtr, {base, value});
  if (stride > 0 && stride < i64{1} << 31)
    return e_.emit(Op::index, kPtr, {base, value}, static_cast<u32>(stride), offset);
  value = e_.binary(Op::mul, value, e_.constant(kI64, static_cast<u64>(stride)));
  return e_.emit(Op::index, kPtr, {base, value}, 1, offset);
}

// The lanes of a scalar or vector operand of a GEP, as i64.
Parts FunctionLowering::address_lanes(const llvm::Value& value, const Leaf& to) {
  if (!value.getType()->isVectorTy()) {
    const ValueId scalar =
        e_.bitcast(value.getType()->isPointerTy()
                       ? one(value)
                       : e_.resize(e_.sign_above(one(value), leaf(value).bits), Kind::I64, true),
                   kI64);
    return e_.splat(to.part, to.parts, scalar);
  }
  Parts lanes = get(value);
  for (ValueId& part : lanes) part = e_.sign_above(part, leaf(value).bits);
  return e_.convert_integers(lanes, Kind::I64, true);
}

// Pointers in vectors are i64 lanes.
void FunctionLowering::lower_vector_gep(const llvm::GEPOperator& gep,
                                        const llvm::MapVector<llvm::Value*, llvm::APInt>& indices,
                                        u64 offset) {
  const Leaf& to = leaf(gep);
  Parts result = address_lanes(*gep.getPointerOperand(), to);
  const auto add = [&](usize k, ValueId what) { result[k] = e_.binary(Op::add, result[k], what); };
  for (const auto& [index, scale] : indices) {
    const Parts lanes = address_lanes(*index, to);
    for (usize k = 0; k < result.size(); ++k)
      add(k, e_.binary(Op::mul, lanes[k], e_.constant(to.part, scale.getZExtValue())));
  }
  for (usize k = 0; k < result.size() && offset != 0; ++k) add(k, e_.constant(to.part, offset));
  set(gep, result);
}

void FunctionLowering::lower_gep(const llvm::GEPOperator& gep) {
  llvm::APInt constant(64, 0);
  llvm::MapVector<llvm::Value*, llvm::APInt> variable;
  if (!gep.collectOffset(types_.layout(), 64, variable, constant)) {
    fail(gep, "an address of elements of variable size is not supported");
    return set(gep, zeros(gep.getType()));
  }
  // Constant GEPs below this one are skipped.
  if (gep.getType()->isVectorTy()) return lower_vector_gep(gep, variable, constant.getZExtValue());
  llvm::APInt below(64, 0);
  const llvm::Value* base = gep.getPointerOperand()->stripAndAccumulateConstantOffsets(
      types_.layout(), below, true, true);
  if (!base->getType()->isPointerTy()) {
    base = gep.getPointerOperand();
    below = 0;
  }
  i64 offset = (constant + below).getSExtValue();
  ValueId pointer = one(*base);
  for (const auto& [index, scale] : variable) {
    const bool here = folds(offset);
    pointer = gep_index(pointer, *index, scale, here ? offset : 0);
    if (here) offset = 0;
  }
  set(gep, e_.advance(pointer, offset));
}

// ---- Loads -------------------------------------------------------------------------------------

FunctionLowering::Address FunctionLowering::part_of(const Address& whole, i64 place) {
  return {whole.base, whole.offset + place, align_at(whole.align_log2, place)};
}

void FunctionLowering::lower_load(const llvm::LoadInst& i) {
  if ((i.isAtomic() || i.isVolatile()) && is_one_access(i.getType())) return lower_atomic_load(i);
  set(i, load_shape(shape(i), address(*i.getPointerOperand(), i.getAlign())));
}

Parts FunctionLowering::load_shape(const Shape& form, const Address& from) {
  Parts parts;
  for (const Leaf& leaf : form.leaves) {
    const Parts more = load_leaf(leaf, part_of(from, static_cast<i64>(leaf.offset)));
    parts.insert(parts.end(), more.begin(), more.end());
  }
  return parts;
}

// An integer of up to 8 bytes, in pieces where their number is no power of two.
ValueId FunctionLowering::load_bytes(u32 bytes, Kind kind, const Address& from) {
  ValueId value = ir::kNoValue;
  for (u32 done = 0; done < bytes;) {
    const u32 piece = std::bit_floor(bytes - done);
    ValueId part = e_.load({ir::int_kind(piece * 8)}, from.base, from.offset + done,
                           align_at(from.align_log2, done));
    part = e_.resize(part, kind);
    if (done > 0) part = e_.binary(Op::shl, part, e_.constant({kind}, done * 8));
    value = done == 0 ? part : e_.binary(Op::or_, value, part);
    done += piece;
  }
  return value;
}

Parts FunctionLowering::load_bits(u32 bits, const Address& from) {
  if (bits == 1) return {e_.resize(load_bytes(1, Kind::I8, from), Kind::I1)};
  Parts parts;
  for (u32 done = 0; done < bits; done += 64) {
    const u32 here = std::min(bits - done, 64u);
    const Kind kind = bits > 64 ? Kind::I64 : container(here);
    const ValueId value = load_bytes((here + 7) / 8, kind, part_of(from, done / 8));
    parts.push_back(e_.clear_above(value, here));
  }
  return parts;
}

// The last part of a vector whose lanes are no power of two: only what is there is read.
ValueId FunctionLowering::load_lanes(const Leaf& leaf, u32 lanes, const Address& from) {
  ValueId value = e_.constant(leaf.part, 0);
  for (u32 done = 0; done < lanes;) {
    const u32 piece = std::bit_floor(lanes - done);
    const Type type{leaf.part.kind, static_cast<u8>(piece)};
    const i64 place = i64{done} * type.element_bytes();
    const ValueId part =
        e_.load(type, from.base, from.offset + place, align_at(from.align_log2, place));
    if (piece == 1) {
      value = e_.emit(Op::insert, leaf.part, {value, part, e_.constant(kI32, done)});
    } else {
      std::vector<int> spread(leaf.part.lanes, -1), merge(leaf.part.lanes);
      for (u32 i = 0; i < leaf.part.lanes; ++i) {
        const bool here = i >= done && i < done + piece;
        if (here) spread[i] = static_cast<int>(i - done);
        merge[i] = static_cast<int>(here ? i + leaf.part.lanes : i);
      }
      const Parts placed = e_.shuffle(leaf.part, 1, {part}, {part}, spread);
      value = e_.shuffle(leaf.part, 1, {value}, placed, merge)[0];
    }
    done += piece;
  }
  return value;
}

Parts FunctionLowering::load_leaf(const Leaf& leaf, const Address& from) {
  if (leaf.form == Leaf::Form::Mask) {
    if (leaf.lanes == 1) return load_bits(1, from);
    const Parts mask = e_.bits_to_mask(load_bits(leaf.lanes, from), leaf.lanes);
    return e_.convert_integers(mask, leaf.part.kind, true);
  }
  if (leaf.has_odd_lanes()) return load_odd_lanes(leaf, from);
  if (leaf.is_int() && leaf.form != Leaf::Form::Vector) return load_bits(leaf.bits, from);
  Parts parts;
  for (u32 k = 0; k < leaf.parts; ++k) {
    const Address here = part_of(from, i64{k} * leaf.part.bytes());
    const u32 first = k * leaf.part.lanes;
    if (first + leaf.part.lanes <= leaf.lanes) {
      parts.push_back(e_.load(leaf.part, here.base, here.offset, here.align_log2));
    } else if (first < leaf.lanes) {
      parts.push_back(load_lanes(leaf, leaf.lanes - first, here));
    } else {
      parts.push_back(e_.constant(leaf.part, 0));
    }
  }
  return parts;
}

// ---- Stores ------------------------------------------------------------------------------------

void FunctionLowering::lower_store(const llvm::StoreInst& i) {
  const llvm::Value& value = *i.getValueOperand();
  if ((i.isAtomic() || i.isVolatile()) && is_one_access(value.getType()))
    return lower_atomic_store(i);
  const Parts parts = get(value);
  store_shape(shape(value), parts, address(*i.getPointerOperand(), i.getAlign()));
}

void FunctionLowering::store_shape(const Shape& form, const Parts& parts, const Address& to) {
  for (const Leaf& leaf : form.leaves) {
    const u32 count = form.leaves.size() == 1 ? static_cast<u32>(parts.size()) : leaf.parts;
    const Parts own(parts.begin() + leaf.first, parts.begin() + leaf.first + count);
    store_leaf(leaf, own, part_of(to, static_cast<i64>(leaf.offset)));
  }
}

void FunctionLowering::store_bytes(u32 bytes, ValueId value, const Address& to) {
  for (u32 done = 0; done < bytes;) {
    const u32 piece = std::bit_floor(bytes - done);
    ValueId part = value;
    if (done > 0) part = e_.binary(Op::lshr, value, e_.constant(e_.type(value), done * 8));
    e_.store(e_.resize(part, ir::int_kind(piece * 8)), to.base, to.offset + done,
             align_at(to.align_log2, done));
    done += piece;
  }
}

void FunctionLowering::store_bits(u32 bits, const Parts& parts, const Address& to) {
  for (u32 done = 0; done < bits; done += 64) {
    const u32 here = std::min(bits - done, 64u);
    ValueId value = parts[done / 64];
    if (e_.type(value) == kI1) value = e_.resize(value, Kind::I8);
    store_bytes((here + 7) / 8, value, part_of(to, done / 8));
  }
}

void FunctionLowering::store_lanes(ValueId value, u32 lanes, const Address& to) {
  const Type whole = e_.type(value);
  for (u32 done = 0; done < lanes;) {
    const u32 piece = std::bit_floor(lanes - done);
    const i64 place = i64{done} * whole.element_bytes();
    ValueId part;
    if (piece == 1) {
      part = e_.extract({value}, e_.constant(kI32, done));
    } else {
      std::vector<int> mask(piece);
      for (u32 i = 0; i < piece; ++i) mask[i] = static_cast<int>(done + i);
      part = e_.shuffle({whole.kind, static_cast<u8>(piece)}, 1, {value}, {value}, mask)[0];
    }
    e_.store(part, to.base, to.offset + place, align_at(to.align_log2, place));
    done += piece;
  }
}

void FunctionLowering::store_leaf(const Leaf& leaf, const Parts& parts, const Address& to) {
  if (leaf.form == Leaf::Form::Mask)
    return store_bits(leaf.lanes, leaf.lanes == 1 ? parts : e_.mask_to_bits(parts, leaf.lanes), to);
  if (leaf.has_odd_lanes()) return store_odd_lanes(leaf, parts, to);
  if (leaf.is_int() && leaf.form != Leaf::Form::Vector) return store_bits(leaf.bits, parts, to);
  for (u32 k = 0; k < leaf.parts; ++k) {
    const Address here = part_of(to, i64{k} * leaf.part.bytes());
    const u32 first = k * leaf.part.lanes;
    if (first >= leaf.lanes) break;
    if (first + leaf.part.lanes <= leaf.lanes) {
      e_.store(parts[k], here.base, here.offset, here.align_log2);
    } else {
      store_lanes(parts[k], leaf.lanes - first, here);
    }
  }
}

}  // namespace bf::lower
