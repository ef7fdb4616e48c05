// Lanes, shuffles, reductions; elements of aggregates.
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/Constants.h>

#include "microjit/lower/function_lowering.h"

namespace bf::lower {

ValueId FunctionLowering::lane_index(const llvm::Value& index) {
  if (leaf(index).form == Leaf::Form::Wide) return e_.resize(get(index)[0], Kind::I32);
  return e_.resize(one(index), Kind::I32);
}

void FunctionLowering::lower_extract_element(const llvm::ExtractElementInst& i) {
  const Leaf& from = leaf(*i.getVectorOperand());
  const ValueId index = lane_index(*i.getIndexOperand());
  if (from.form == Leaf::Form::Lanes)
    return set(i, extract_lane(from, get(*i.getVectorOperand()), index));
  const ValueId lane = e_.extract(get(*i.getVectorOperand()), index);
  const Type wanted = leaf(i).part;
  if (wanted == kI1) return set(i, e_.resize(lane, Kind::I1));
  set(i, e_.bitcast(lane, wanted));  // pointers are kept as i64 lanes
}

void FunctionLowering::lower_insert_element(const llvm::InsertElementInst& i) {
  if (leaf(i).form == Leaf::Form::Lanes)
    return set(i, insert_lane(leaf(i), get(*i.getOperand(0)), get(*i.getOperand(1)),
                              lane_index(*i.getOperand(2))));
  const Parts vector = is_mask(i) ? mask_as(*i.getOperand(0), mask_kind(i)) : get(*i.getOperand(0));
  const Type element = e_.type(vector[0]).element();
  ValueId scalar = one(*i.getOperand(1));
  scalar = is_mask(i) ? e_.resize(scalar, element.kind, true) : e_.bitcast(scalar, element);
  set(i, e_.insert(vector, scalar, lane_index(*i.getOperand(2))));
}

// Lanes of the second operand are numbered after the first one's own; here they come after its
// padding.
void FunctionLowering::lower_shuffle(const llvm::ShuffleVectorInst& i) {
  if (leaf(i).form == Leaf::Form::Lanes) return shuffle_lanes(i);
  const llvm::Value &first = *i.getOperand(0), &second = *i.getOperand(1);
  const bool mask = is_mask(i);
  const Kind kind = mask ? mask_kind(i) : Kind::Void;
  const Leaf to = mask ? mask_leaf_of(i) : leaf(i);
  const u32 lanes = leaf(first).lanes;
  // A mask of one lane is an i1: as one lane of the others' kind here.
  const auto operand = [&](const llvm::Value& value) {
    if (!mask) return get(value);
    const Parts parts = mask_as(value, kind);
    return lanes == 1 ? Parts{e_.resize(parts[0], kind, true)} : parts;
  };
  const Parts a = operand(first);

  if (const llvm::Value* const scalar = llvm::getSplatValue(&i); scalar && to.lanes > 1) {
    const Type element = to.part.element();
    const ValueId value =
        mask ? e_.resize(one(*scalar), element.kind, true) : e_.bitcast(one(*scalar), element);
    return set(i, e_.splat(to.part, to.parts, value));
  }
  const Parts b = operand(second);
  const u32 padded = e_.type(a[0]).lanes * static_cast<u32>(a.size());
  std::vector<int> picks;
  for (const int lane : i.getShuffleMask())
    picks.push_back(lane >= static_cast<int>(lanes)
                        ? lane - static_cast<int>(lanes) + static_cast<int>(padded)
                        : lane);
  if (mask && to.lanes == 1)
    return set(i, e_.resize(e_.shuffle({kind}, 1, a, b, picks)[0], Kind::I1));
  set(i, e_.shuffle(to.part, to.parts, a, b, picks));
}

// ---- Aggregates --------------------------------------------------------------------------------

u32 FunctionLowering::part_index(llvm::Type* aggregate, llvm::ArrayRef<unsigned> indices) {
  u32 first = 0;
  for (const unsigned index : indices) {
    if (auto* const array = llvm::dyn_cast<llvm::ArrayType>(aggregate)) {
      aggregate = array->getElementType();
      first += index * types_.shape(aggregate).parts;
      continue;
    }
    auto* const record = llvm::cast<llvm::StructType>(aggregate);
    for (unsigned k = 0; k < index; ++k) first += types_.shape(record->getElementType(k)).parts;
    aggregate = record->getElementType(index);
  }
  return first;
}

void FunctionLowering::lower_extract_value(const llvm::ExtractValueInst& i) {
  const llvm::Value& aggregate = *i.getAggregateOperand();
  const Parts parts = get(aggregate);
  const auto first = parts.begin() + part_index(aggregate.getType(), i.getIndices());
  set(i, Parts(first, first + shape(i).parts));
}

void FunctionLowering::lower_insert_value(const llvm::InsertValueInst& i) {
  Parts parts = get(*i.getAggregateOperand());
  const Parts element = as_passed_masks(*i.getInsertedValueOperand());
  const u32 first = part_index(i.getType(), i.getIndices());
  std::copy(element.begin(), element.end(), parts.begin() + first);
  set(i, parts);
}

// ---- Reductions --------------------------------------------------------------------------------
// Of lanes that are kept as they are; others have been taken apart (prepare_lanes.cpp).

namespace {

// What changes no result: for the padding.
u64 neutral(Op reduce, u32 bits) {
  switch (reduce) {
    case Op::reduce_mul:
      return 1;
    case Op::reduce_and:
    case Op::reduce_umin:
      return ~u64{0};
    case Op::reduce_smin:
      return (u64{1} << (bits - 1)) - 1;
    case Op::reduce_smax:
      return u64{1} << (bits - 1);
    default:
      return 0;
  }
}

}  // namespace

// Of bits: and, or, parity.
void FunctionLowering::lower_mask_reduce(const llvm::CallBase& call, Op op) {
  const llvm::Value& value = *call.getArgOperand(0);
  const u32 lanes = leaf(value).lanes;
  const Parts words = e_.mask_to_bits(get(value), lanes);
  const bool all = op == Op::reduce_and || op == Op::reduce_mul || op == Op::reduce_umin ||
                   op == Op::reduce_smax;
  const bool any = op == Op::reduce_or || op == Op::reduce_umax || op == Op::reduce_smin;
  ValueId result = ir::kNoValue;
  for (u32 k = 0; k < words.size(); ++k) {
    const Type t = e_.type(words[k]);
    const u32 here = std::min(lanes - k * 64, 64u);
    ValueId bit;
    if (all) {
      bit = e_.compare(Op::eq, words[k], e_.clear_above(e_.ones(t), here));
    } else if (any) {
      bit = e_.compare(Op::ne, words[k], e_.constant(t, 0));
    } else {
      bit = e_.resize(e_.unary(Op::ctpop, words[k]), Kind::I1);
    }
    const Op join = all ? Op::and_ : any ? Op::or_ : Op::xor_;
    result = k == 0 ? bit : e_.binary(join, result, bit);
  }
  set(call, result);
}

void FunctionLowering::lower_reduce(const llvm::CallBase& call, Op op) {
  const llvm::Value& value = *call.getArgOperand(0);
  if (is_mask(value) && leaf(value).lanes > 1) return lower_mask_reduce(call, op);
  const Leaf& type = leaf(value);
  if (type.lanes == 1) return set(call, get(value));
  const Parts parts = e_.fill_padding(get(value), type.lanes, neutral(op, type.bits));
  ValueId whole = parts[0];
  for (usize k = 1; k < parts.size(); ++k) whole = e_.binary(ir::combining_op(op), whole, parts[k]);
  set(call, e_.emit(op, type.part.element(), {whole}));
}

// Sums in the order of the lanes; products, minima and maxima lane by lane.
void FunctionLowering::lower_float_reduce(const llvm::CallBase& call, Op op) {
  const bool has_start = op == Op::fadd || op == Op::fmul;
  const llvm::Value& value = *call.getArgOperand(has_start ? 1 : 0);
  const Leaf& type = leaf(value);
  const Parts parts = get(value);
  ValueId result = has_start ? one(*call.getArgOperand(0)) : ir::kNoValue;
  if (op == Op::fadd && type.lanes == type.padded_lanes() && type.part.is_vector()) {
    for (const ValueId part : parts)
      result = e_.emit(Op::reduce_fadd, type.part.element(), {result, part});
    return set(call, result);
  }
  for (u32 lane = 0; lane < type.lanes; ++lane) {
    const ValueId scalar = e_.extract(parts, e_.constant(kI32, lane));
    result = result == ir::kNoValue ? scalar : e_.binary(op, result, scalar);
  }
  set(call, result);
}

}  // namespace bf::lower
