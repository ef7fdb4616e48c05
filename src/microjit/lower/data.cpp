// The initialisers of global variables: bytes and relocations.
#include <llvm/IR/Constants.h>
#include <llvm/IR/Operator.h>

#include "microjit/lower/module_lowering.h"

namespace bf::lower {

namespace {

void write_bits(const llvm::APInt& bits, u64 bytes, u64 offset, ir::Data& data) {
  for (u64 i = 0; i < bytes && i * 8 < bits.getBitWidth(); ++i) {
    const u32 count = std::min<u32>(8, bits.getBitWidth() - static_cast<u32>(i) * 8);
    data.bytes[offset + i] =
        static_cast<u8>(bits.extractBitsAsZExtValue(count, static_cast<u32>(i) * 8));
  }
}

// Lanes that are no whole bytes, bit after bit. False: one of them is no number.
bool write_odd_lanes(const llvm::Constant& vector, u64 bytes, u64 offset, ir::Data& data) {
  auto* const type = llvm::cast<llvm::FixedVectorType>(vector.getType());
  const u32 width = type->getScalarSizeInBits();
  llvm::APInt bits(width * type->getNumElements(), 0);
  for (u32 i = 0; i < type->getNumElements(); ++i) {
    const llvm::Constant* const lane = vector.getAggregateElement(i);
    if (!lane) return false;
    if (const auto* const number = llvm::dyn_cast<llvm::ConstantInt>(lane)) {
      bits.insertBits(number->getValue(), i * width);
    } else if (!llvm::isa<llvm::UndefValue>(lane)) {
      return false;
    }
  }
  write_bits(bits, bytes, offset, data);
  return true;
}

}  // namespace

// A pointer, or an integer made of one: a global plus a constant.
bool ModuleLowering::write_address(const llvm::Constant& constant, u64 offset, ir::Data& data) {
  const llvm::Constant* pointer = &constant;
  if (const auto* const cast = llvm::dyn_cast<llvm::ConstantExpr>(pointer);
      cast && (cast->getOpcode() == llvm::Instruction::PtrToInt ||
               cast->getOpcode() == llvm::Instruction::IntToPtr))
    pointer = cast->getOperand(0);
  if (types_.layout().getTypeStoreSize(constant.getType()) != 8) return false;
  llvm::APInt addend(64, 0);
  const llvm::Value* base = pointer;
  const auto strip = [&](const llvm::Value* from) {
    return from->stripAndAccumulateConstantOffsets(types_.layout(), addend, true, true);
  };
  if (pointer->getType()->isPointerTy()) base = strip(pointer);
  while (const auto* const alias = llvm::dyn_cast<llvm::GlobalAlias>(base))
    base = strip(alias->getAliasee());
  if (llvm::isa<llvm::ConstantPointerNull>(base)) {
    write_bits(addend, 8, offset, data);
    return true;
  }
  if (const auto* const number = llvm::dyn_cast<llvm::ConstantInt>(base)) {
    write_bits(number->getValue() + addend.zextOrTrunc(number->getBitWidth()), 8, offset, data);
    return true;
  }
  const auto* const global = llvm::dyn_cast<llvm::GlobalValue>(base);
  const Place* const where = global ? place(*global) : nullptr;
  if (!where) return false;
  data.relocations.push_back({offset, where->target, where->index, addend.getSExtValue()});
  return true;
}

// False: it contains something that has no place in data.
bool ModuleLowering::write_constant(const llvm::Constant& constant, u64 offset, ir::Data& data) {
  const llvm::DataLayout& layout = types_.layout();
  llvm::Type* const type = constant.getType();
  if (constant.isNullValue() || llvm::isa<llvm::UndefValue>(constant)) return true;
  if (const auto* const number = llvm::dyn_cast<llvm::ConstantInt>(&constant);
      number && !type->isVectorTy()) {
    write_bits(number->getValue(), layout.getTypeStoreSize(type), offset, data);
    return true;
  }
  if (const auto* const number = llvm::dyn_cast<llvm::ConstantFP>(&constant);
      number && !type->isVectorTy()) {
    write_bits(number->getValueAPF().bitcastToAPInt(), layout.getTypeStoreSize(type), offset, data);
    return true;
  }
  if (auto* const record = llvm::dyn_cast<llvm::StructType>(type)) {
    for (u32 i = 0; i < record->getNumElements(); ++i)
      if (!write_constant(*constant.getAggregateElement(i),
                          offset + layout.getStructLayout(record)->getElementOffset(i), data))
        return false;
    return true;
  }
  llvm::Type* element = nullptr;
  u64 count = 0;
  if (auto* const array = llvm::dyn_cast<llvm::ArrayType>(type)) {
    element = array->getElementType();
    count = array->getNumElements();
  } else if (auto* const vector = llvm::dyn_cast<llvm::FixedVectorType>(type)) {
    element = vector->getElementType();
    count = vector->getNumElements();
    // Vectors have their elements packed.
    if (layout.getTypeSizeInBits(element) % 8 != 0)
      return write_odd_lanes(constant, layout.getTypeStoreSize(type), offset, data);
  } else {
    return write_address(constant, offset, data);
  }
  const u64 stride = type->isVectorTy() ? layout.getTypeSizeInBits(element) / 8
                                        : layout.getTypeAllocSize(element).getFixedValue();
  for (u64 i = 0; i < count; ++i) {
    const llvm::Constant* const e = constant.getAggregateElement(static_cast<u32>(i));
    if (!e || !write_constant(*e, offset + i * stride, data)) return false;
  }
  return true;
}

void ModuleLowering::fill_data(const llvm::GlobalVariable& variable) {
  ir::Data& data = module().data[place(variable)->index];
  data.bytes.resize(data.size);
  if (!write_constant(*variable.getInitializer(), 0, data))
    error(nullptr, nullptr,
          "the initialiser of " + variable.getName().str() + " is no constant or address");
  // What is zero at the end costs nothing; a relocation's place must stay.
  u64 used = data.size;
  while (used > 0 && data.bytes[used - 1] == 0) --used;
  for (const ir::Relocation& r : data.relocations) used = std::max(used, r.offset + 8);
  data.bytes.resize(used);
}

}  // namespace bf::lower
