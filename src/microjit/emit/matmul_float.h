// Matrix products of weights that are numbers by themselves (F32, F16, BF16), with float activations.
#pragma once

#include "microjit/emit/matmul_loops.h"

namespace bf::microjit::emit {

// What a unit of packed weights is: one column of each row, or two.
struct FloatFormat {
  const char* name;  // of the function
  u32 unit_columns, unit_bytes;
  // The weights of a column of the unit, as floats.
  void (*load)(Simd& s, V to, const x86::Mem& unit, u32 column, EmittedFunction& function);
};

class FloatMatmul final : public MatmulLoops {
 public:
  FloatMatmul(const FloatFormat& format, Set set, asmjit::CodeHolder& code)
      : MatmulLoops(set, code), f_(format) {}

  static u32 accumulators(Set set) { return (is_512(set) ? 32 : 16) - kTemporaries; }

 private:
  static constexpr u32 kTemporaries = 2;

  u32 frame_bytes() const override { return kLocals * 8; }
  u32 units() const;
  u32 block_columns() const override { return units() * f_.unit_columns; }
  u32 block_bytes() const override { return units() * f_.unit_bytes; }
  u64 activation_bytes() const override { return (columns() + 15) / 16 * 16 * 4; }
  u32 activation_step() const override { return block_columns() * 4; }
  bool fits(u32 row_parts, u32 tokens) const override {
    return row_parts * tokens <= accumulators(s_.set());
  }
  void block() override;
  void move_on(u32 blocks) override { move_bases(0, blocks * activation_step()); }

  const FloatFormat& f_;
};

// Null if there is none of that name.
const FloatFormat* find_float_matmul(std::string_view name);

}  // namespace bf::microjit::emit
