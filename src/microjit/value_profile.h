// What a function's arguments have been: sampled now and then, where its heat is used up at an entry.
//
//   profile.sample(type, general_registers);
//   for (const passes::ConstantArgument& a : profile.constants()) ...
//
// Of the arguments in general registers only: dimensions, strides, strategies, null pointers.
#pragma once

#include "microjit/passes/passes.h"

namespace bf::microjit {

class ArgumentProfile {
 public:
  // `general`: rdi, rsi, rdx, rcx, r8, r9 as the call passed them.
  void sample(const ir::FunctionType& type, const u64* general);

  // What has never changed, once there are enough samples to believe it.
  std::vector<passes::ConstantArgument> constants() const;

  u32 samples() const { return samples_; }
  // Forgets everything: what was believed has turned out wrong.
  void clear() { *this = {}; }

  static constexpr u32 kEnoughSamples = 6;

 private:
  struct Argument {
    u8 parameter = 0;
    bool same = true;
    u64 bits = 0;
  };
  Argument arguments_[6];
  u32 count_ = 0;
  u32 samples_ = 0;
};

}  // namespace bf::microjit
