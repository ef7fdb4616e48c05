// What LLVM types become: parts (emitter.h) with their places in memory, and signatures.
#pragma once

#include <llvm/ADT/DenseMap.h>
#include <llvm/IR/DataLayout.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/InstrTypes.h>

#include <memory>
#include <string>

#include "microjit/lower/emitter.h"

namespace bf::lower {

// One scalar or vector of an LLVM type; aggregates have several.
struct Leaf {
  enum class Form : u8 {
    Scalar,    // one part: an integer of up to 64 bits, a float, a pointer, <1 x T>
    Wide,      // an integer of more than 64 bits
    Vector,    // of anything but i1; pointers are i64 lanes
    Lanes,     // a vector of what is Wide or Extended: lane after lane
    Extended,  // x86_fp80: as an integer of 80 bits
    Mask,      // <N x i1>: parts depend on the value (FunctionLowering::mask_kind)
  };
  Form form = Form::Scalar;
  Type part;  // of each part; masks: as parameters, phis of unknown kind and in aggregates
  u32 parts = 1;
  u32 first = 0;   // index of its first part among the type's
  u32 lanes = 1;   // of the LLVM type
  u32 bits = 0;    // of an element of the LLVM type
  u64 offset = 0;  // in memory

  bool is_int() const { return part.is_int(); }
  u32 padded_lanes() const { return part.lanes * parts; }
  // Words of something bigger, which mean nothing alone.
  bool is_words() const {
    return form == Form::Wide || form == Form::Extended || form == Form::Lanes;
  }
  u32 parts_per_lane() const { return parts / lanes; }
  // A vector whose lanes are narrower than what they are kept in, or several parts.
  bool has_odd_lanes() const {
    return form == Form::Lanes || (form == Form::Vector && part.element_bits() != bits);
  }
};

struct Shape {
  std::vector<Leaf> leaves;
  u32 parts = 0;
  std::string unsupported;  // why the type cannot be lowered; empty: it can
};

// How one parameter or the result is passed (ir::FunctionType allows i32, i64, f32, f64 and ptr).
struct Passing {
  bool by_reference = false;  // a pointer to memory with its parts in a row
  bool is_copied = false;     // what the pointer points to is passed on the stack (ir::ByValue)
  u32 copied_bytes = 0;
  u32 align_log2 = 3;        // of that copy
  std::vector<Kind> kinds;   // of its parts, or Ptr
  std::vector<Kind> passed;  // of what is copied, in words, where that is the value itself
};

struct Signature {
  ir::FunctionType type;
  Passing result;
  bool registers_used_up = false;  // of the general ones
  bool hidden_result = false;      // the first parameter points to where the result goes
  std::vector<Passing> parameters;
  std::string unsupported;
};

class Types {
 public:
  explicit Types(const llvm::DataLayout& layout) : layout_(layout) {}

  const Shape& shape(llvm::Type* type);
  // Of a function, for its definition and for those who import it.
  const Signature& signature(const llvm::Function& function);
  // Of a call: all that is passed, which for a variadic callee is more than its type lists.
  Signature signature(const llvm::CallBase& call);
  const llvm::DataLayout& layout() const { return layout_; }

 private:
  void flatten(llvm::Type* type, u64 offset, Shape& shape);
  void add_leaf(llvm::Type* type, u64 offset, Shape& shape);
  Passing passing(llvm::Type* type, bool is_result);
  Passing parameter(llvm::Type* type, llvm::AttributeSet attributes, Signature& signature);
  Signature make_signature(llvm::FunctionType* type, llvm::AttributeList attributes,
                           llvm::ArrayRef<llvm::Type*> passed);

  const llvm::DataLayout& layout_;
  llvm::DenseMap<llvm::Type*, std::unique_ptr<Shape>> shapes_;
  llvm::DenseMap<const llvm::Function*, std::unique_ptr<Signature>> signatures_;
};

// The parts of a mask with that many lanes, of lanes of a kind.
Leaf mask_leaf(u32 lanes, Kind kind);

// The kind a part is passed as, or Void: too big for a register.
Kind passed_kind(Type part);

std::string print(const llvm::Type& type);

}  // namespace bf::lower
