// Shuffles: by the shape of the mask, else lane by lane.
#include <algorithm>

#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Instruction;
using ir::Op;
using ir::ValueId;

bool Compiler::vector_shuffle(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u8* const mask = f_.masks.data() + i.aux;
  const u32 bits = i.type.element_bits(), size = bits / 8;
  const u32 lanes = type_of(operands[0]).lanes;
  const auto source = [&](u32 n) { return operands[mask[n] < lanes ? 0 : 1]; };
  const auto offset = [&](u32 n) { return mask[n] % lanes * size; };
  // One lane everywhere.
  if (std::all_of(mask, mask + i.type.lanes, [&](u8 m) { return m == mask[0]; })) {
    const RegId at = bytes_at(source(0), offset(0));
    const RegId t = vex() ? in_place(i.result) : fresh(i.result);
    broadcast(t, at, bits, info(i.result).part_bytes);
    bind_everywhere(i.result, t);
    return true;
  }
  const bool short_one = info(i.result).part_bytes == 16 && info(operands[0]).part_bytes == 16;
  if (isa_ == Isa::Avx512) return (short_one && shuffle_parts(i)) || shuffle_512(i);
  return shuffle_parts(i);
}

// Any lanes of two registers, with the indices from memory. Both operands are one register here.
bool Compiler::shuffle_512(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u8* const mask = f_.masks.data() + i.aux;
  const u32 size = i.type.element_bytes();
  if (size == 1 && !features_.avx512vbmi) return false;
  static constexpr InstId kPermute[] = {Inst::kIdVpermi2b, Inst::kIdVpermi2w, Inst::kIdVpermi2d,
                                        Inst::kIdVpermi2q};
  const u32 lanes = type_of(operands[0]).lanes;
  const u32 width = std::max<u32>(info(i.result).part_bytes, info(operands[0]).part_bytes);
  u8 indices[ir::kMaxVectorBytes] = {};
  for (u32 n = 0; n < i.type.lanes; ++n)
    indices[n * size] = static_cast<u8>(mask[n] < lanes ? mask[n] : mask[n] - lanes + width / size);
  const RegId a = fetch(operands[0]), b = fetch(operands[1]), t = fresh(i.result);
  load_vec(t, constant(indices, width), width);
  a_.emit(kPermute[__builtin_ctz(size)], vec(t, width), vec(a, width), vec(b, width));
  bind(i.result, 0, t);
  return true;
}

// SSE2 and AVX2: 32- and 64-bit lanes; each part of the result comes from at most two parts.
bool Compiler::shuffle_parts(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u8* const mask = f_.masks.data() + i.aux;
  const u32 size = i.type.element_bytes();
  const u32 lanes = type_of(operands[0]).lanes;
  const ValueInfo& result = info(i.result);
  const u32 from_bytes = info(operands[0]).part_bytes, bytes = result.part_bytes;
  // Every part of the result as pieces of 4 bytes: which part of which operand, which piece there.
  struct Plan {
    ValueId value[2];
    u32 part[2];
    u32 sources = 0;
    u8 of[8] = {};  // 0 or 1
    u8 piece[8] = {};
    bool whole = true;  // a source part as it is
  };
  Plan plans[4];
  for (u32 p = 0; p < result.part_count; ++p) {
    Plan& plan = plans[p];
    const u32 used = std::min(bytes, i.type.bytes() - p * bytes);
    if (used % 4 != 0) return false;
    for (u32 k = 0; k < bytes / 4; ++k) {
      if (k * 4 >= used) {  // means nothing
        plan.of[k] = plan.of[0];
        plan.piece[k] = static_cast<u8>(std::min(k, from_bytes / 4 - 1));
        continue;
      }
      const u32 at = p * bytes + k * 4;
      const u32 first = mask[at / size] % lanes * size + at % size;
      const ValueId v = operands[mask[at / size] < lanes ? 0 : 1];
      for (u32 byte = 1; byte < 4; ++byte) {  // narrow lanes: pieces have to stay together
        const u32 m = mask[(at + byte) / size];
        if (operands[m < lanes ? 0 : 1] != v ||
            m % lanes * size + (at + byte) % size != first + byte)
          return false;
      }
      if (first % 4 != 0) return false;
      u32 s = 0;
      while (s < plan.sources && (plan.value[s] != v || plan.part[s] != first / from_bytes)) ++s;
      if (s == 2) return false;
      if (s == plan.sources) {
        plan.value[s] = v;
        plan.part[s] = first / from_bytes;
        ++plan.sources;
      }
      plan.of[k] = static_cast<u8>(s);
      plan.piece[k] = static_cast<u8>(first % from_bytes / 4);
      plan.whole = plan.whole && s == 0 && plan.piece[k] == k;
    }
    if (!plan.whole && !can_shuffle(plan.of, plan.piece, plan.sources, bytes, from_bytes))
      return false;
  }
  for (u32 p = 0; p < result.part_count; ++p) {
    const Plan& plan = plans[p];
    pinned_ = 0;
    const u32 width = std::max(bytes, from_bytes);
    const RegId a = fetch(plan.value[0], plan.part[0]);
    const RegId b = plan.sources == 2 ? fetch(plan.value[1], plan.part[1]) : a;
    const bool one = vex() && width == 16 && result.part_count == 1;
    const RegId t = one ? in_place(i.result) : fresh(i.result, p);
    if (plan.whole)
      move_vec(t, vec(a, width), width);
    else if (width == 32)
      shuffle_32(plan.of, plan.piece, plan.sources, t, a, b);
    else
      shuffle_16(plan.of, plan.piece, plan.sources, t, a, b);
    bind(i.result, p, t);
  }
  return true;
}

bool Compiler::can_shuffle(const u8* of, const u8* piece, u32 sources, u32 bytes,
                           u32 from_bytes) const {
  if (std::max(bytes, from_bytes) == 32 || sources == 1) return true;
  // Two of one and two of the other (shufps), or one of each in turn (unpcklps, unpckhps).
  if (of[0] == of[1] && of[2] == of[3]) return true;
  const bool in_turn = of[0] != of[1] && of[0] == of[2] && of[1] == of[3];
  return in_turn && piece[0] == piece[1] && piece[2] == piece[3] && piece[2] == piece[0] + 1 &&
         piece[0] % 2 == 0;
}

void Compiler::shuffle_16(const u8* of, const u8* piece, u32 sources, RegId to, RegId a, RegId b) {
  const u32 order = piece[0] | piece[1] << 2 | piece[2] << 4 | piece[3] << 6;
  if (sources == 1) {
    a_.emit(vex() ? Inst::kIdVpshufd : Inst::kIdPshufd, vec(to), vec(a), Imm(order));
    return;
  }
  if (of[0] == of[1]) {
    const RegId first = of[0] == 0 ? a : b, second = of[2] == 0 ? a : b;
    return vec_op(Inst::kIdShufps, Inst::kIdVshufps, to, first, vec(second), 16, order);
  }
  const RegId first = of[0] == 0 ? a : b, second = of[0] == 0 ? b : a;
  if (piece[0] == 0)
    vec_op(Inst::kIdUnpcklps, Inst::kIdVunpcklps, to, first, vec(second), 16);
  else
    vec_op(Inst::kIdUnpckhps, Inst::kIdVunpckhps, to, first, vec(second), 16);
}

// AVX2: any pieces of one register, twice, and the right ones of both.
void Compiler::shuffle_32(const u8* of, const u8* piece, u32 sources, RegId to, RegId a, RegId b) {
  u8 indices[32] = {};
  u32 from_b = 0;
  for (u32 k = 0; k < 8; ++k) {
    indices[4 * k] = piece[k] & 7;
    from_b |= (of[k] == 1 ? 1u : 0u) << k;
  }
  const RegId order = kScratchVec;
  load_vec(order, constant(indices, 32), 32);
  a_.emit(Inst::kIdVpermd, vec(to, 32), vec(order, 32), vec(a, 32));
  if (sources == 1) return;
  a_.emit(Inst::kIdVpermd, vec(order, 32), vec(order, 32), vec(b, 32));
  a_.emit(Inst::kIdVpblendd, vec(to, 32), vec(to, 32), vec(order, 32), Imm(from_b));
}

}  // namespace bf::microjit::baseline
