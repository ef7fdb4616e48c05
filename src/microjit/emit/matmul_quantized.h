// Matrix products of quantised weights: integer products of 32 columns at a time, scaled and added.
//
// A tile of T tokens keeps a float and an integer accumulator for each of them in registers.
#pragma once

#include "microjit/emit/matmul_format.h"
#include "microjit/emit/matmul_loops.h"

namespace bf::microjit::emit {

class QuantizedMatmul : public MatmulLoops {
 public:
  QuantizedMatmul(const MatmulFormat& format, Set set, asmjit::CodeHolder& code);

  // ---- For formats ----
  // Scratch vector `n` of a row part.
  x86::Mem scratch(u32 n, u32 row_part) const;
  // Registers that hold splat words throughout, those of the format first.
  V constant(u32 n) const { return {first_constant_ + n}; }
  void load_constant(u32 n, u32 word);
  V temporary(u32 n) const { return {first_temporary_ + n}; }

  // How many registers there are for accumulators.
  static u32 accumulators(Set set);

 protected:
  u32 frame_bytes() const override;

 private:
  u32 block_columns() const override { return f_.block_elements; }
  u32 block_bytes() const override { return f_.block_bytes; }
  u64 activation_bytes() const override;
  u32 activation_step() const override { return f_.block_elements; }
  bool fits(u32 row_parts, u32 tokens) const override {
    return row_parts * tokens * 2 <= accumulators(s_.set());
  }
  void load_constants() override;
  void place_bases() override;
  void block() override;
  V product(u32 p, u32 t) const { return {(row_parts() + p) * tile() + t}; }
  x86::Mem value(u32 t, u32 column) const;
  enum Meta : u8 { Scale, Sum, Halves };
  x86::Mem meta(u32 t, Meta kind, u32 section) const;

  void part(u32 section, u32 part);
  void start_products(u32 section, u32 part);
  void multiply_pair(u32 p, V first, V second, u32 section, u32 pair, bool begins);
  void multiply_unsigned(u32 p, V first, V second, u32 column0, u32 column1, bool begins);
  void multiply_signed(u32 p, V weights, u32 column, bool begins);
  void widen(V v);
  u32 offset_word(u32 part) const;
  Source offset_constant(u32 part);
  void finish_products(u32 section, u32 part);
  void add_scaled(u32 section, u32 part);
  void add_minimum(u32 section);
  void add_minimum_pairs(u32 section);


  bool dots() const { return has_dot(s_.set()); }
  bool keeps_i16() const;
  bool starts_with_offset() const;

  const MatmulFormat& f_;
  u32 first_temporary_ = 0, first_constant_ = 0;
};

}  // namespace bf::microjit::emit
