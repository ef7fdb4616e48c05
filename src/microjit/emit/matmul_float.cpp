#include "microjit/emit/matmul_float.h"

namespace bf::microjit::emit {

namespace {

constexpr u32 kMostUnits = 16;  // of a round

constexpr FloatFormat kFormats[] = {
    {"matmul_f32", 1, 4,
     [](Simd& s, V to, const x86::Mem& unit, u32, EmittedFunction&) { s.load(to, unit); }},
    {"matmul_f16", 1, 2,
     [](Simd& s, V to, const x86::Mem& unit, u32, EmittedFunction&) {
       s.halves_to_float(to, unit);
     }},
    // A BF16 is the upper half of a float.
    {"matmul_bf16", 2, 4,
     [](Simd& s, V to, const x86::Mem& unit, u32 column, EmittedFunction& function) {
       s.load(to, unit);
       if (column == 0)
         s.shift_left32(to, to, 16);
       else
         s.bit_and(to, to, function.splat(0xffff0000));
     }},
};

}  // namespace

// As many as divide the row.
u32 FloatMatmul::units() const {
  const u64 all = columns() / f_.unit_columns;
  u32 units = kMostUnits;
  while (all % units != 0) units /= 2;
  return units;
}

void FloatMatmul::block() {
  const V weights{accumulators(s_.set())}, scratch{weights.n + 1};
  const u32 from = block_of_round() * activation_step();
  prefetch(0, 1);
  for (u32 column = 0; column < block_columns(); ++column)
    for (u32 p = 0; p < row_parts(); ++p) {
      const u32 unit = column / f_.unit_columns * f_.unit_bytes * kGroupRows;
      f_.load(s_, weights, packed(unit, f_.unit_bytes, first_row_part() + p),
              column % f_.unit_columns, *this);
      for (u32 t = 0; t < tile(); ++t) {
        s_.multiply_word(scratch, weights, token(0, t, from + column * 4), scratch);
        s_.add(sum(p, t), sum(p, t), scratch);
      }
    }
}

const FloatFormat* find_float_matmul(std::string_view name) {
  for (const FloatFormat& format : kFormats)
    if (name == format.name) return &format;
  return nullptr;
}

}  // namespace bf::microjit::emit
