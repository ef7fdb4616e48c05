#include "microjit/emit/matmul_quantized.h"

#include "microjit/emit/quantize_q8.h"

namespace bf::microjit::emit {

namespace {

constexpr u32 kSection = 32;  // columns that share an activation scale
constexpr u32 kPairs = 4;     // pairs of units of a section
constexpr u32 kLargestI8 = 127;
constexpr u32 kMetaBases = 4;  // of what comes with the values of activations

// Constants that the kernel wants behind those of the format.
constexpr u32 kFormatConstants = 2;
constexpr u32 kOffset = kFormatConstants, kOffsetOfSecond = kOffset + 1, kOnes = kOffset + 2,
              kZero = kOffset + 3, kConstants = kOffset + 4;
constexpr u32 kTemporaries = 4;  // two for weights

}  // namespace

u32 QuantizedMatmul::accumulators(Set set) {
  const u32 registers = is_512(set) ? 32 : 16;
  return registers - kTemporaries - (is_512(set) ? kConstants : kFormatConstants);
}

QuantizedMatmul::QuantizedMatmul(const MatmulFormat& format, Set set, asmjit::CodeHolder& code)
    : MatmulLoops(set, code), f_(format) {
  first_temporary_ = accumulators(set);
  first_constant_ = first_temporary_ + kTemporaries;
}

u32 QuantizedMatmul::frame_bytes() const {
  return kLocals * 8 + f_.scratch_vectors * 2 * s_.bytes();
}

x86::Mem QuantizedMatmul::scratch(u32 n, u32 row_part) const {
  return x86::ptr(x86::rsp, static_cast<i32>((n * 2 + row_part) * s_.bytes()));
}

void QuantizedMatmul::load_constant(u32 n, u32 word) {
  s_.broadcast(constant(n), splat(word));
}

u64 QuantizedMatmul::activation_bytes() const {
  return q8_row_bytes(columns());
}

x86::Mem QuantizedMatmul::value(u32 t, u32 column) const {
  return token(0, t, block_of_round() * f_.block_elements + column);
}
x86::Mem QuantizedMatmul::meta(u32 t, Meta kind, u32 section) const {
  const u64 kind_bytes = columns() / kSection * 4;
  const u32 at = (block_of_round() * f_.sections() + section) * 4;
  return token(kMetaBases, t, static_cast<i64>(kind * kind_bytes + at));
}

void QuantizedMatmul::load_constants() {
  f_.set_up(*this);
  if (!is_512(s_.set())) return;  // the rest has no registers there
  for (u32 part = 0; part < f_.parts() && starts_with_offset(); ++part)
    load_constant(kOffset + part, offset_word(part));
  if (dots()) return;
  load_constant(kOnes, 0x00010001);
  s_.zero(constant(kZero));
}

void QuantizedMatmul::place_bases() {
  MatmulLoops::place_bases();
  for (u32 t = 0; t < tile(); t += kTokensOfBase)
    a_.lea(base(kMetaBases + t / kTokensOfBase),
           x86::ptr(x86::rdx, static_cast<i32>(activation_bytes() * t + columns())));
}

void QuantizedMatmul::block() {
  load_block_halves();
  if (f_.open_block) f_.open_block(*this);
  grouped_ = can_group();
  for (u32 n = 0; n < f_.sections(); n += grouped_ ? f_.group : 1) {
    grouped_ ? group(n) : one_section(n);
  }
  grouped_ = false;
}

void QuantizedMatmul::move_on(u32 blocks) {
  move_bases(0, blocks * f_.block_elements);
  move_bases(kMetaBases, blocks * f_.sections() * 4);
}

void QuantizedMatmul::one_section(u32 section) {
  prefetch(section, f_.sections());
  for (u32 p = 0; p < f_.parts(); ++p) {
    part(section, p);
    add_scaled(section, p);
  }
  subtract_or_add_minimum(section);
}

// One token leaves registers free: each unit is loaded once for all sections that have weights in it.
// Sums are added up in the order of sections, as they are one by one.
void QuantizedMatmul::group(u32 first) {
  const u32 end = first + f_.group;
  for (u32 n = first; n < end; ++n)
    for (u32 p = 0; p < f_.parts(); ++p) {
      take_product(n, p);
      start_products(n, p);
    }
  for (u32 pair = 0; pair < kPairs; ++pair) {
    unit_count_ = 0;
    for (u32 n = first; n < end; ++n) {
      // A line or two at a time: loads would wait for more than the line fill buffers have room for.
      prefetch(first * kPairs + pair * f_.group + n - first, f_.sections() * kPairs);
      add_products(n, pair / (kPairs / f_.parts()), pair);
    }
  }
  for (u32 n = first; n < end; ++n) {
    for (u32 p = 0; p < f_.parts(); ++p) {
      take_product(n, p);
      if (is_times_16(n)) s_.shift_right32_signed(product(0, 0), product(0, 0), 4);
      add_scaled(n, p);
    }
    subtract_or_add_minimum(n);
  }
  further_product_ = 0;
}

V QuantizedMatmul::unit(u32 offset, u32 row_part, V to) {
  if (!grouped_) {
    s_.load(to, packed(offset, 4, row_part));
    return to;
  }
  const u32 first = sums() + f_.group * f_.parts();  // behind sums and products
  for (u32 n = 0; n < unit_count_; ++n)
    if (unit_offsets_[n] == offset) return {first + n};
  BF_ASSERT(unit_count_ < kMostUnits && first + unit_count_ < first_temporary_);
  const V kept{first + unit_count_};
  unit_offsets_[unit_count_++] = offset;
  s_.load(kept, packed(offset, 4, row_part));
  return kept;
}

// Registers that only those without dot products need otherwise.
void QuantizedMatmul::load_block_halves() {
  if (!keeps_block_halves()) return;
  for (u32 n = 0; n < kMostHalves && f_.halves[n] != kNoHalves; ++n)
    s_.halves_to_float(constant(kOnes + n), packed(f_.halves[n], 2, 0));
}

V QuantizedMatmul::block_halves(u32 offset, u32 row_part, V to) {
  for (u32 n = 0; n < kMostHalves && keeps_block_halves(); ++n)
    if (f_.halves[n] == offset) return constant(kOnes + n);
  s_.halves_to_float(to, packed(offset, 2, row_part));
  return to;
}

// ---- Integer products ----

bool QuantizedMatmul::keeps_i16() const {
  const u32 units = f_.part_columns / 4;
  return !dots() && f_.largest != 0 && f_.largest * kLargestI8 * 2 * units <= 32767;
}

bool QuantizedMatmul::starts_with_offset() const {
  return f_.offset != 0 && (dots() || f_.largest != 0);
}

void QuantizedMatmul::part(u32 section, u32 part) {
  if (dots()) start_products(section, part);
  const u32 pairs = kPairs / f_.parts();
  for (u32 pair = part * pairs; pair < (part + 1) * pairs; ++pair) add_products(section, part, pair);
  if (!dots()) finish_products(section, part);
}

void QuantizedMatmul::add_products(u32 section, u32 part, u32 pair) {
  take_product(section, part);
  for (u32 p = 0; p < row_parts(); ++p) {
    const V first = temporary(0), second = temporary(1);
    f_.weights(*this, section, pair, first_row_part() + p, first, second);
    multiply_pair(p, first, second, section, pair, pair == part * (kPairs / f_.parts()));
  }
}

// Each product starts with -offset times the sum of the values that it will meet.
void QuantizedMatmul::start_products(u32 section, u32 part) {
  for (u32 p = 0; p < row_parts(); ++p)
    for (u32 t = 0; t < tile(); ++t) {
      const V to = product(p, t);
      if (!starts_with_offset()) {
        s_.zero(to);
        continue;
      }
      s_.broadcast(to, meta(t, Halves, section));
      s_.multiply_add_pairs(to, to, offset_constant(part));
    }
}

// -offset for each half whose sum counts, as pairs of i16.
u32 QuantizedMatmul::offset_word(u32 part) const {
  const u32 offset = (0u - f_.offset) & 0xffff;
  if (f_.parts() == 1) return offset << 16 | offset;
  return part == 0 ? offset : offset << 16;
}

Source QuantizedMatmul::offset_constant(u32 part) {
  if (is_512(s_.set())) return constant(part == 0 ? kOffset : kOffsetOfSecond);
  return splat(offset_word(part));
}

void QuantizedMatmul::multiply_pair(u32 p, V first, V second, u32 section, u32 pair, bool begins) {
  const u32 column = section * kSection + (f_.nibbles_apart ? pair * 4 : pair * 8);
  const u32 next = column + (f_.nibbles_apart ? kSection / 2 : 4);
  if (dots()) {
    for (u32 t = 0; t < tile(); ++t)
      s_.dot_word(product(p, t), first, value(t, column), temporary(2));
    for (u32 t = 0; t < tile(); ++t)
      s_.dot_word(product(p, t), second, value(t, next), temporary(2));
  } else if (f_.largest != 0) {
    multiply_unsigned(p, first, second, column, next, begins);
  } else {
    multiply_signed(p, first, column, begins);
    multiply_signed(p, second, next, false);
  }
}

// Two products of a byte and a signed one fit i16, and so do as many pairs as keeps_i16() says, or
// two. What is widened takes a multiplication by ones.
void QuantizedMatmul::multiply_unsigned(u32 p, V first, V second, u32 column0, u32 column1,
                                     bool begins) {
  const V one = temporary(2), two = temporary(3);
  for (u32 t = 0; t < tile(); ++t) {
    s_.broadcast(one, value(t, column0));
    s_.broadcast(two, value(t, column1));
    s_.multiply_add_bytes(one, first, one);
    s_.multiply_add_bytes(two, second, two);
    if (keeps_i16()) {
      if (begins) {
        s_.add16(product(p, t), one, two);
      } else {
        s_.add16(product(p, t), product(p, t), one);
        s_.add16(product(p, t), product(p, t), two);
      }
      continue;
    }
    s_.add16(one, one, two);
    widen(one);
    if (begins)
      s_.move(product(p, t), one);
    else
      s_.add32(product(p, t), product(p, t), one);
  }
}

void QuantizedMatmul::multiply_signed(u32 p, V weights, u32 column, bool begins) {
  constexpr u32 kMask = 1;
  const V x = temporary(2), size = temporary(3);
  s_.note_signs(kMask, weights);
  s_.absolute_bytes(size, weights);
  for (u32 t = 0; t < tile(); ++t) {
    s_.broadcast(x, value(t, column));
    s_.take_signs(x, x, weights, constant(kZero), kMask);
    s_.multiply_add_bytes(x, size, x);
    widen(x);
    if (begins)
      s_.move(product(p, t), x);
    else
      s_.add32(product(p, t), product(p, t), x);
  }
}

// Sums of neighbouring i16 as i32.
void QuantizedMatmul::widen(V v) {
  constexpr u32 kOnesWord = 0x00010001;
  s_.multiply_add_pairs(v, v, is_512(s_.set()) ? Source(constant(kOnes)) : splat(kOnesWord));
}

void QuantizedMatmul::finish_products(u32 section, u32 part) {
  for (u32 p = 0; p < row_parts(); ++p)
    for (u32 t = 0; t < tile(); ++t) {
      const V v = product(p, t), x = temporary(2);
      if (keeps_i16()) widen(v);
      if (!starts_with_offset()) continue;
      s_.broadcast(x, meta(t, Halves, section));
      s_.multiply_add_pairs(x, x, offset_constant(part));
      s_.add32(v, v, x);
    }
}

// ---- Scales ----

void QuantizedMatmul::add_scaled(u32 section, u32 part) {
  const V scale = temporary(0), both = temporary(2);
  for (u32 p = 0; p < row_parts(); ++p) {
    f_.scale(*this, section, part, first_row_part() + p, scale);
    for (u32 t = 0; t < tile(); ++t) {
      s_.to_float(product(p, t), product(p, t));
      s_.multiply_word(both, scale, meta(t, Scale, section), both);
      s_.multiply(both, product(p, t), both);
      s_.add(sum(p, t), sum(p, t), both);
    }
  }
}

void QuantizedMatmul::subtract_or_add_minimum(u32 section) {
  if (f_.minimum == MatmulFormat::SubtractedByPart)
    add_minimum_pairs(section);
  else if (f_.minimum != MatmulFormat::None)
    add_minimum(section);
}

void QuantizedMatmul::add_minimum(u32 section) {
  const V minimum = temporary(1), scratch = temporary(2);
  for (u32 p = 0; p < row_parts(); ++p) {
    f_.minimum_scale(*this, section, first_row_part() + p, minimum);
    for (u32 t = 0; t < tile(); ++t) {
      s_.multiply_word(scratch, minimum, meta(t, Sum, section), scratch);
      if (f_.minimum == MatmulFormat::Added)
        s_.add(sum(p, t), sum(p, t), scratch);
      else
        s_.subtract(sum(p, t), sum(p, t), scratch);
    }
  }
}

// Minima of both parts as pairs of i16, against pairs of sums; what they have in common comes with
// the second of the block's scales.
void QuantizedMatmul::add_minimum_pairs(u32 section) {
  const V pairs = temporary(0), common = temporary(1), x = temporary(2), both = temporary(3);
  for (u32 p = 0; p < row_parts(); ++p) {
    f_.minimum_scale(*this, section, first_row_part() + p, pairs);
    s_.load(common, scratch(kCommonMinimum, first_row_part() + p));
    for (u32 t = 0; t < tile(); ++t) {
      s_.broadcast(x, meta(t, Halves, section));
      s_.multiply_add_pairs(x, x, pairs);
      s_.to_float(x, x);
      s_.multiply_word(both, common, meta(t, Scale, section), both);
      s_.multiply(x, x, both);
      s_.subtract(sum(p, t), sum(p, t), x);
    }
  }
}

}  // namespace bf::microjit::emit
