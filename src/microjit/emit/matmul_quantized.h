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
  // The unit at an offset of the block, in `to` or where it is already.
  V unit(u32 offset, u32 row_part, V to);
  // The halves at an offset of the block as floats, in `to` or where they are throughout the block.
  V block_halves(u32 offset, u32 row_part, V to);
  // Whether the weights of a section have to be 16 times as large.
  bool is_times_16(u32 section) const { return grouped_ && f_.times_16 && f_.times_16(section); }

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
  void move_on(u32 blocks) override;
  V product(u32 p, u32 t) const { return {sums() + p * tile() + t + further_product_}; }
  x86::Mem value(u32 t, u32 column) const;
  enum Meta : u8 { Scale, Sum, Halves };
  x86::Mem meta(u32 t, Meta kind, u32 section) const;

  bool can_group() const { return dots() && is_512(s_.set()) && tile() == 1 && f_.group > 1; }
  void group(u32 first);
  void one_section(u32 section);
  void take_product(u32 section, u32 part) {
    further_product_ = grouped_ ? section % f_.group * f_.parts() + part : 0;
  }
  void load_block_halves();
  void part(u32 section, u32 part);
  void add_products(u32 section, u32 part, u32 pair);
  void subtract_or_add_minimum(u32 section);
  bool keeps_block_halves() const { return dots() && is_512(s_.set()); }
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
  bool grouped_ =
      false;  // sections of a group are multiplied together, each in registers of its own
  u32 further_product_ = 0;  // of these, the one that product() means
  static constexpr u32 kMostUnits = 8;
  u32 unit_offsets_[kMostUnits];  // of a group's units that are in registers
  u32 unit_count_ = 0;
};

}  // namespace bf::microjit::emit
