// Vector operations one lane after the other, through the frame: for what the machine has no
// instruction for. Always correct, never fast.
#include <algorithm>

#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Instruction;
using ir::Kind;
using ir::Op;
using ir::Signature;
using ir::ValueId;

// A lane of a vector that is in memory (spill_for_lanes, or a result).
x86::Mem Compiler::lane(ValueId v, u32 n) {
  const u32 bytes = type_of(v).element_bytes();
  return frame(slot_of(v) + static_cast<i32>(n * bytes), bytes);
}

// The whole vector in its slot, constants too. No register of it stays pinned.
void Compiler::spill_for_lanes(ValueId v) {
  const RegMask pinned = pinned_;
  for (u32 p = 0; p < info(v).part_count; ++p) {
    if (part(v, p).in_slot) continue;
    const RegId r = fetch(v, p);
    store_part(v, p, r);
    if (part(v, p).fixed != kNoReg || info(v).remade) part(v, p).in_slot = false;
    pinned_ = pinned;
  }
}

void Compiler::load_lane(RegId to, const x86::Mem& from, Kind kind) {
  const u32 bytes = ir::Type{kind}.bytes();
  if (bank_of({kind}) == Bank::Vec)
    load_vec(to, from, bytes);
  else if (bytes < 4)
    a_.emit(Inst::kIdMovzx, gp32(to), sized(from, bytes));
  else
    a_.emit(Inst::kIdMov, gp(to, bytes), sized(from, bytes));
}

void Compiler::store_lane(const x86::Mem& to, RegId from, Kind kind) {
  const u32 bytes = ir::Type{kind}.bytes();
  if (bank_of({kind}) == Bank::Vec)
    store_vec(to, from, bytes);
  else
    a_.emit(Inst::kIdMov, sized(to, bytes), gp(from, bytes));
}

void Compiler::by_lanes(const Instruction& i) {
  if (is_call(f_, i, features_)) save_before_call(i);
  if (i.op != Op::splat)
    for (const ValueId v : f_.operands_of(i))
      if (type_of(v).is_vector()) spill_for_lanes(v);
  switch (ir::op_info(i.op).signature) {
    case Signature::IntBinary:
      lanes_binary(i);
      break;
    case Signature::IntUnary:
      lanes_unary(i);
      break;
    case Signature::IntCompare:
    case Signature::FloatCompare:
      lanes_compare(i);
      break;
    case Signature::FloatBinary:
    case Signature::FloatUnary:
    case Signature::FloatTernary:
      lanes_float(i);
      break;
    case Signature::Select:
      lanes_select(i);
      break;
    case Signature::Splat:
      lanes_splat(i);
      break;
    case Signature::Extract:
      return lanes_extract(i);
    case Signature::Insert:
      lanes_insert(i);
      break;
    case Signature::Shuffle:
      lanes_shuffle(i);
      break;
    case Signature::IntReduce:
      return lanes_reduce(i);
    case Signature::FloatReduce:
      return lanes_reduce_float(i);
    case Signature::MaskBits:
      return lanes_mask_bits(i);
    case Signature::Dot4:
      lanes_dot4(i);
      break;
    default:
      lanes_convert(i);
  }
  if (is_call(f_, i, features_)) forget_cache(~kCalleeSaved);
  define_in_slot(i.result);
}

void Compiler::lanes_binary(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const Kind kind = i.type.kind;
  const u32 bits = i.type.element_bits();
  prepare_binary(i.op, bits, false);
  const RegId a = allocate_gp(), b = allocate_gp(), t = allocate_gp();
  for (u32 n = 0; n < i.type.lanes; ++n) {
    load_lane(a, lane(operands[0], n), kind);
    load_lane(b, lane(operands[1], n), kind);
    store_lane(lane(i.result, n), binary(i.op, bits, t, gp64(a), gp64(b)), kind);
  }
}

void Compiler::lanes_unary(const Instruction& i) {
  const RegId a = allocate_gp(), t = allocate_gp();
  for (u32 n = 0; n < i.type.lanes; ++n) {
    load_lane(a, lane(f_.operands_of(i)[0], n), i.type.kind);
    unary(i.op, i.type.element_bits(), t, gp64(a));
    store_lane(lane(i.result, n), t, i.type.kind);
  }
}

void Compiler::lanes_compare(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const ir::Type from = type_of(operands[0]);
  const bool floats = from.is_float();
  const RegId t = allocate_gp();
  const RegId a = floats ? allocate_vec() : allocate_gp();
  const RegId b = floats ? allocate_vec() : allocate_gp();
  for (u32 n = 0; n < i.type.lanes; ++n) {
    load_lane(a, lane(operands[0], n), from.kind);
    load_lane(b, lane(operands[1], n), from.kind);
    const Condition c = floats ? float_compare(i.op, from.element_bytes(), a, b)
                               : integer_compare(i.op, from.element_bytes(), gp64(a), gp64(b));
    set_from(t, c);
    extend(t, gp64(t), 1, 64, true);
    store_lane(lane(i.result, n), t, i.type.kind);
  }
}

// The mask's lanes are 0 or -1.
void Compiler::lanes_select(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const RegId mask = allocate_gp(), yes = allocate_gp(), no = allocate_gp();
  const u32 bytes = i.type.element_bytes();
  const Kind kind = ir::int_kind(bytes * 8);
  for (u32 n = 0; n < i.type.lanes; ++n) {
    load_lane(mask, lane(operands[0], n), kind);
    load_lane(yes, lane(operands[1], n), kind);
    load_lane(no, lane(operands[2], n), kind);
    a_.and_(gp64(yes), gp64(mask));
    a_.not_(gp64(mask));
    a_.and_(gp64(no), gp64(mask));
    a_.or_(gp64(yes), gp64(no));
    store_lane(lane(i.result, n), yes, kind);
  }
}

void Compiler::lanes_convert(const Instruction& i) {
  const ValueId v = f_.operands_of(i)[0];
  const Kind from = type_of(v).kind, to = i.type.kind;
  const bool calls = is_call(f_, i, features_);
  const Signature s = ir::op_info(i.op).signature;
  // Helpers take rdi or xmm0 and give rax or xmm0.
  RegId a, t;
  if (calls) {
    forget_cache(~kCalleeSaved);
    a = bank_of({from}) == Bank::Gp ? kRdi : vec_id(0);
    t = bank_of({to}) == Bank::Gp ? kRax : vec_id(0);
  } else {
    a = allocate(bank_of({from}));
    t = allocate(bank_of({to}));
  }
  for (u32 n = 0; n < i.type.lanes; ++n) {
    load_lane(a, lane(v, n), from);
    if (s == Signature::FloatToInt)
      to_integer(i.op, to, from, t, a);
    else if (s == Signature::IntToFloat)
      to_float(i.op, to, from, t, gp64(a));
    else if (s == Signature::IntExtend || s == Signature::IntTruncate)
      extend(t, gp64(a), std::min(i.type.element_bits(), type_of(v).element_bits()),
             i.type.element_bits(), i.op == Op::sext);
    else
      resize_float(i.op, to, from, t, a);
    store_lane(lane(i.result, n), t, to);
  }
}

void Compiler::lanes_float(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u32 bytes = i.type.element_bytes();
  const Kind kind = i.type.kind;
  if (float_calls(i.op)) {
    forget_cache(~kCalleeSaved);
    for (u32 n = 0; n < i.type.lanes; ++n) {
      for (u32 k = 0; k < operands.size(); ++k) load_lane(vec_id(k), lane(operands[k], n), kind);
      float_helper(i.op, bytes);
      store_lane(lane(i.result, n), vec_id(0), kind);
    }
    return;
  }
  RegId r[3];
  for (RegId& it : r) it = allocate_vec();
  const RegId t = allocate_vec();
  for (u32 n = 0; n < i.type.lanes; ++n) {
    for (u32 k = 0; k < operands.size(); ++k) load_lane(r[k], lane(operands[k], n), kind);
    switch (i.op) {
      case Op::fadd:
      case Op::fsub:
      case Op::fmul:
      case Op::fdiv:
        float_binary(i.op, bytes, t, r[0], vec(r[1]), 0);
        break;
      case Op::fminnum:
      case Op::fmaxnum:
        float_min_max(i.op, bytes, t, r[0], r[1], 0);
        break;
      case Op::copysign:
        copy_sign(bytes, t, r[0], r[1], 0);
        break;
      case Op::fma:
        fused_multiply_add(bytes, t, r[0], r[1], vec(r[2]), 0);
        break;
      default:
        float_unary(i.op, bytes, t, vec(r[0]), 0);
    }
    store_lane(lane(i.result, n), t, kind);
  }
}

void Compiler::lanes_splat(const Instruction& i) {
  const RegId v = fetch(f_.operands_of(i)[0]);
  for (u32 n = 0; n < i.type.lanes; ++n) store_lane(lane(i.result, n), v, i.type.kind);
}

void Compiler::lanes_extract(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const ir::Type from = type_of(operands[0]);
  x86::Mem at = lane(operands[0], 0);
  if (is_constant(operands[1])) {
    at = lane(operands[0], static_cast<u32>(f_.values[operands[1]].bits) % from.lanes);
  } else {
    move_gp(kScratchGp, get(operands[1]), 4);
    a_.and_(x86::r11d, from.lanes - 1);
    at = x86::ptr(frame_base(), x86::r11, static_cast<u32>(__builtin_ctz(from.element_bytes())),
                  static_cast<i32>(at.offset()), from.element_bytes());
  }
  load_lane(define(i.result, 0), at, from.kind);
}

void Compiler::lanes_insert(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const RegId v = fetch(operands[1]);
  const u32 size = std::max(16u, i.type.bytes());
  for (u32 k = 0; k < size; k += 16) {
    load_vec(kScratchVec, frame(slot_of(operands[0]) + static_cast<i32>(k), 16), 16);
    store_vec(frame(slot_of(i.result) + static_cast<i32>(k), 16), kScratchVec, 16);
  }
  if (is_constant(operands[2])) {
    const u32 n = static_cast<u32>(f_.values[operands[2]].bits) % i.type.lanes;
    return store_lane(lane(i.result, n), v, i.type.kind);
  }
  const RegId t = allocate_gp();
  move_gp(t, get(operands[2]), 4);
  a_.and_(gp32(t), i.type.lanes - 1);
  const x86::Mem first = lane(i.result, 0);
  store_lane(x86::ptr(frame_base(), gp64(t), static_cast<u32>(__builtin_ctz(i.type.element_bytes())),
                      static_cast<i32>(first.offset()), i.type.element_bytes()),
             v, i.type.kind);
}

void Compiler::lanes_shuffle(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u32 lanes = type_of(operands[0]).lanes;
  const Kind kind = ir::int_kind(i.type.element_bits());
  const RegId t = allocate_gp();
  for (u32 n = 0; n < i.type.lanes; ++n) {
    const u32 from = f_.masks[i.aux + n];
    load_lane(t, from < lanes ? lane(operands[0], from) : lane(operands[1], from - lanes), kind);
    store_lane(lane(i.result, n), t, kind);
  }
}

void Compiler::lanes_reduce(const Instruction& i) {
  const ValueId v = f_.operands_of(i)[0];
  const RegId all = allocate_gp(), b = allocate_gp();
  load_lane(all, lane(v, 0), i.type.kind);
  for (u32 n = 1; n < type_of(v).lanes; ++n) {
    load_lane(b, lane(v, n), i.type.kind);
    binary(ir::combining_op(i.op), i.type.element_bits(), all, gp64(all), gp64(b));
  }
  bind(i.result, 0, all);
}

void Compiler::lanes_reduce_float(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u32 bytes = i.type.bytes();
  const Operand start = get_rm(operands[0]);
  const RegId all = allocate_vec();
  move_vec(all, start, start.isMem() ? bytes : 16);
  for (u32 n = 0; n < type_of(operands[1]).lanes; ++n)
    float_binary(Op::fadd, bytes, all, all, lane(operands[1], n), 0);
  bind(i.result, 0, all);
}

void Compiler::lanes_mask_bits(const Instruction& i) {
  const ValueId v = f_.operands_of(i)[0];
  const ir::Type from = type_of(v);
  const RegId all = allocate_gp(), t = allocate_gp();
  a_.mov(gp32(all), Imm(0));
  for (u32 n = from.lanes; n-- > 0;) {
    load_lane(t, lane(v, n), from.kind);
    a_.shr(gp64(t), from.element_bits() - 1);  // loads of narrow lanes clear what is above them
    a_.lea(gp64(all), x86::ptr(gp64(t), gp64(all), 1));
  }
  bind(i.result, 0, all);
}

void Compiler::lanes_dot4(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const RegId a = allocate_gp(), b = allocate_gp(), sum = allocate_gp();
  for (u32 n = 0; n < i.type.lanes; ++n) {
    a_.mov(gp32(sum), Imm(0));
    for (u32 k = 0; k < 4; ++k) {
      extend(a, lane(operands[0], 4 * n + k), 8, 32, i.op == Op::dot4_ss);
      extend(b, lane(operands[1], 4 * n + k), 8, 32, true);
      a_.imul(gp32(a), gp32(b));
      a_.add(gp32(sum), gp32(a));
    }
    store_lane(lane(i.result, n), sum, Kind::I32);
  }
}

}  // namespace bf::microjit::baseline
