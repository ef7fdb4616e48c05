#include "microjit/lower/types.h"

#include <llvm/Support/raw_ostream.h>

#include <algorithm>

namespace bf::lower {

namespace {

constexpr u32 kMaxParts = 256;
constexpr u32 kMaxWords = 64;  // of an integer

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
  auto* const vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  if (element->isX86_FP80Ty() || (element->isIntegerTy() && leaf.bits > 64)) {
    leaf.form = element->isIntegerTy() ? Leaf::Form::Wide : Leaf::Form::Extended;
    if (vector) leaf.form = Leaf::Form::Lanes;
    leaf.lanes = vector ? vector->getNumElements() : 1;
    leaf.part = kI64;
    const u32 words = (leaf.bits + 63) / 64;
    leaf.parts = leaf.lanes * words;
    return words <= kMaxWords;
  }
  Kind kind = scalar_kind(element);
  if (kind == Kind::Void) return false;
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

constexpr u32 kGeneralRegisters = 6;  // with arguments, in the System V AMD64 ABI

u32 general_registers(const ir::FunctionType& type) {
  const i64 vector = std::count(type.parameters.begin(), type.parameters.end(), Kind::F32) +
                     std::count(type.parameters.begin(), type.parameters.end(), Kind::F64);
  return static_cast<u32>(type.parameters.size() - static_cast<usize>(vector) -
                          type.by_value.size());
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
      result.by_reference |= leaf.form == Leaf::Form::Lanes;
      result.kinds.push_back(passed_kind(leaf.part));
      result.by_reference |= result.kinds.back() == Kind::Void;
    }
  result.by_reference |= is_result && result.kinds.size() > ir::kMaxResults;
  if (result.by_reference) result.kinds = {Kind::Ptr};
  return result;
}

// A parameter of class MEMORY, or one that finds too few registers left for all of it.
Passing Types::parameter(llvm::Type* type, llvm::AttributeSet attributes, Signature& signature) {
  if (attributes.hasAttribute(llvm::Attribute::ByVal)) {
    Passing result;
    const u64 bytes = layout_.getTypeAllocSize(attributes.getByValType());
    const u64 align = attributes.getAlignment().valueOrOne().value();
    if (align > 1024)
      signature.unsupported = "a structure by value aligned to more than 1024 bytes";
    if (bytes > ir::kMaxByValueBytes) signature.unsupported = "a structure by value of over 1 MiB";
    result.kinds = {Kind::Ptr};
    // Nothing is passed of a structure that is empty, but the callee has a parameter.
    result.copied_bytes = static_cast<u32>(bytes);
    result.align_log2 = std::max(3u, log2_of(align));
    result.is_copied = true;
    return result;
  }
  if (attributes.hasAttribute(llvm::Attribute::InAlloca) ||
      attributes.hasAttribute(llvm::Attribute::Preallocated) ||
      attributes.hasAttribute(llvm::Attribute::Nest))
    signature.unsupported = "this way to pass an argument is not supported";
  Passing result = passing(type, false);
  // An integer of 128 bits that finds one register left goes to the stack, and so does what follows
  // it (as LLVM reads the ABI; GCC gives that register to the next one).
  // A long double is always there.
  const bool extended = type->isX86_FP80Ty();
  const bool wide = type->isIntegerTy(128) || extended;
  if (wide && !extended && general_registers(signature.type) + 2 > kGeneralRegisters)
    signature.registers_used_up = true;
  if ((extended || signature.registers_used_up) &&
      passed_kind(shape(type).leaves[0].part) != Kind::F32 &&
      passed_kind(shape(type).leaves[0].part) != Kind::F64) {
    result.is_copied = true;
    result.copied_bytes = wide ? 16 : 8;
    result.align_log2 = wide ? 4 : 3;
    result.passed = std::move(result.kinds);
    result.kinds = {Kind::Ptr};
  }
  return result;
}

Signature Types::make_signature(llvm::FunctionType* type, llvm::AttributeList attributes,
                                llvm::ArrayRef<llvm::Type*> passed) {
  Signature s;
  s.unsupported = shape(type->getReturnType()).unsupported;
  s.type.variadic = type->isVarArg();
  s.result = passing(type->getReturnType(), true);
  s.hidden_result = s.result.by_reference;
  if (s.hidden_result) {
    s.type.parameters.push_back(Kind::Ptr);
  } else {
    s.type.results = s.result.kinds;
  }
  for (u32 i = 0; i < passed.size(); ++i) {
    if (s.unsupported.empty()) s.unsupported = shape(passed[i]).unsupported;
    const llvm::AttributeSet own = attributes.getParamAttrs(i);
    s.parameters.push_back(parameter(passed[i], own, s));
    const Passing& p = s.parameters.back();
    if (p.is_copied)
      s.type.by_value.push_back(
          {static_cast<u32>(s.type.parameters.size()), p.copied_bytes, p.align_log2});
    if (p.by_reference && i >= type->getNumParams())
      s.unsupported = "a vector as an argument of a variadic function is not supported";
    s.type.parameters.insert(s.type.parameters.end(), p.kinds.begin(), p.kinds.end());
    // Who returns a structure through a pointer returns the pointer, too (System V AMD64, 3.2.3).
    if (own.hasAttribute(llvm::Attribute::StructRet)) s.type.results = {Kind::Ptr};
  }
  if (s.type.parameters.size() > ir::kMaxParameters)
    s.unsupported = "more than 256 parameters are not supported";
  return s;
}

const Signature& Types::signature(const llvm::Function& function) {
  std::unique_ptr<Signature>& entry = signatures_[&function];
  if (!entry) {
    llvm::FunctionType* const type = function.getFunctionType();
    entry =
        std::make_unique<Signature>(make_signature(type, function.getAttributes(), type->params()));
  }
  return *entry;
}

Signature Types::signature(const llvm::CallBase& call) {
  std::vector<llvm::Type*> passed;
  for (const llvm::Use& argument : call.args()) passed.push_back(argument->getType());
  return make_signature(call.getFunctionType(), call.getAttributes(), passed);
}

}  // namespace bf::lower
