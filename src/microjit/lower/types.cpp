#include "microjit/lower/types.h"

#include <llvm/Support/raw_ostream.h>

namespace bf::lower {

namespace {

constexpr u32 kMaxParts = 256;

// The kind of a scalar; Void: there is none.
Kind scalar_kind(llvm::Type* type) {
  if (type->isIntegerTy() && type->getIntegerBitWidth() <= 64)
    return container(type->getIntegerBitWidth());
  switch (type->getTypeID()) {
    case llvm::Type::HalfTyID:
      return Kind::F16;
    case llvm::Type::BFloatTyID:
      return Kind::BF16;
    case llvm::Type::FloatTyID:
      return Kind::F32;
    case llvm::Type::DoubleTyID:
      return Kind::F64;
    case llvm::Type::PointerTyID:
      return type->getPointerAddressSpace() == 0 ? Kind::Ptr : Kind::Void;
    default:
      return Kind::Void;
  }
}

// Fills in the form; false: not supported.
bool describe(llvm::Type* type, Leaf& leaf) {
  llvm::Type* const element = type->getScalarType();
  leaf.bits = element->isPointerTy() ? 64 : element->getPrimitiveSizeInBits().getFixedValue();
  if (type->isIntegerTy() && leaf.bits > 64) {
    leaf.form = Leaf::Form::Wide;
    leaf.part = kI64;
    leaf.parts = (leaf.bits + 63) / 64;
    return leaf.parts <= 16;
  }
  Kind kind = scalar_kind(element);
  if (kind == Kind::Void) return false;
  auto* const vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  if (!vector) {
    leaf.part = {kind};
    return !type->isVectorTy();
  }
  if (kind == Kind::I1) {
    leaf = mask_leaf(vector->getNumElements(), Kind::I8);
    return true;
  }
  if (kind == Kind::Ptr) kind = Kind::I64;
  leaf.form = Leaf::Form::Vector;
  leaf.lanes = vector->getNumElements();
  const u32 padded = round_up_power(leaf.lanes);
  const u32 per_part = lanes_per_part(kind, padded);
  leaf.part = {kind, static_cast<u8>(per_part)};
  leaf.parts = padded / per_part;
  return true;
}

}  // namespace

Leaf mask_leaf(u32 lanes, Kind kind) {
  Leaf leaf;
  leaf.form = Leaf::Form::Mask;
  leaf.bits = 1;
  leaf.lanes = lanes;
  const u32 padded = round_up_power(lanes);
  if (padded == 1) {
    leaf.part = kI1;
    return leaf;
  }
  const u32 per_part = lanes_per_part(kind, padded);
  leaf.part = {kind, static_cast<u8>(per_part)};
  leaf.parts = padded / per_part;
  return leaf;
}

Kind passed_kind(Type part) {
  if (part.is_vector()) {
    if (part.bytes() > 8) return Kind::Void;
    return part.bytes() == 8 ? Kind::F64 : Kind::F32;
  }
  switch (part.kind) {
    case Kind::I1:
    case Kind::I8:
    case Kind::I16:
      return Kind::I32;
    case Kind::F16:
    case Kind::BF16:
      return Kind::F32;
    default:
      return part.kind;
  }
}

std::string print(const llvm::Type& type) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  type.print(stream, false, true);
  return text;
}

void Types::add_leaf(llvm::Type* type, u64 offset, Shape& shape) {
  Leaf leaf;
  if (!describe(type, leaf)) {
    shape.unsupported = "the type " + print(*type) + " is not supported";
    return;
  }
  leaf.offset = offset;
  leaf.first = shape.parts;
  shape.parts += leaf.parts;
  shape.leaves.push_back(leaf);
}

void Types::flatten(llvm::Type* type, u64 offset, Shape& shape) {
  if (shape.parts > kMaxParts) {
    shape.unsupported = "an aggregate value of that many elements is not supported";
  } else if (auto* const record = llvm::dyn_cast<llvm::StructType>(type)) {
    const llvm::StructLayout* const places = layout_.getStructLayout(record);
    for (u32 i = 0; i < record->getNumElements(); ++i)
      flatten(record->getElementType(i), offset + places->getElementOffset(i), shape);
  } else if (auto* const array = llvm::dyn_cast<llvm::ArrayType>(type)) {
    const u64 stride = layout_.getTypeAllocSize(array->getElementType());
    for (u64 i = 0; i < array->getNumElements() && shape.parts <= kMaxParts; ++i)
      flatten(array->getElementType(), offset + i * stride, shape);
  } else {
    add_leaf(type, offset, shape);
  }
}

const Shape& Types::shape(llvm::Type* type) {
  std::unique_ptr<Shape>& entry = shapes_[type];
  if (!entry) {
    entry = std::make_unique<Shape>();
    if (!type->isVoidTy()) flatten(type, 0, *entry);
  }
  return *entry;
}

Passing Types::passing(llvm::Type* type, bool is_result) {
  Passing result;
  for (const Leaf& leaf : shape(type).leaves)
    for (u32 i = 0; i < leaf.parts; ++i) {
      result.kinds.push_back(passed_kind(leaf.part));
      result.by_reference |= result.kinds.back() == Kind::Void;
    }
  result.by_reference |= is_result && result.kinds.size() > ir::kMaxResults;
  if (result.by_reference) result.kinds = {Kind::Ptr};
  return result;
}

const Signature& Types::signature(llvm::FunctionType* type) {
  std::unique_ptr<Signature>& entry = signatures_[type];
  if (entry) return *entry;
  entry = std::make_unique<Signature>();
  Signature& s = *entry;
  if (type->isVarArg()) s.unsupported = "variadic functions are not supported";
  for (llvm::Type* const t : type->subtypes())
    if (s.unsupported.empty()) s.unsupported = shape(t).unsupported;
  s.result = passing(type->getReturnType(), true);
  s.hidden_result = s.result.by_reference;
  if (s.hidden_result) {
    s.type.parameters.push_back(Kind::Ptr);
  } else {
    s.type.results = s.result.kinds;
  }
  for (llvm::Type* const t : type->params()) {
    s.parameters.push_back(passing(t, false));
    const std::vector<Kind>& kinds = s.parameters.back().kinds;
    s.type.parameters.insert(s.type.parameters.end(), kinds.begin(), kinds.end());
  }
  if (s.type.parameters.size() > ir::kMaxParameters)
    s.unsupported = "more than 64 parameters are not supported";
  return *entry;
}

}  // namespace bf::lower
