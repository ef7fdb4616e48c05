// Where values are: the block-local register cache over fixed registers and slots.
#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::kNoValue;
using ir::Op;
using ir::ValueId;

namespace {

constexpr RegMask kGpPool =
    bit(kRax) | bit(kRcx) | bit(kRdx) | bit(kRsi) | bit(kRdi) | bit(kR8) | bit(kR9) | bit(kR10);
constexpr RegMask kVecPool = 0x7fffull << kFirstVec;  // all but the scratch register, 15
constexpr RegMask kHighVecPool = 0xffffull << vec_id(16);  // with AVX-512: taken last, they encode longer
// Wanted by divisions, shifts and calls: taken last.
constexpr RegMask kSpecial = bit(kRax) | bit(kRcx) | bit(kRdx);

RegId lowest(RegMask m) {
  return static_cast<RegId>(__builtin_ctzll(m));
}

}  // namespace

const ir::Instruction* Compiler::definition(ValueId v) const {
  if (f_.values[v].def != ir::Def::Instruction) return nullptr;
  return &f_.instructions[f_.values[v].index];
}

RegId Compiler::register_of(ValueId v, u32 p) {
  const Part& it = part(v, p);
  return it.fixed != kNoReg ? it.fixed : it.cached;
}

RegMask Compiler::pool(Bank bank) const {
  const RegMask vectors = isa_ == Isa::Avx512 ? kVecPool | kHighVecPool : kVecPool;
  return (bank == Bank::Gp ? kGpPool | analysis_.saved : vectors) & ~reserved_;
}

RegId Compiler::allocate(Bank bank, bool survives_calls) {
  const RegMask usable = pool(bank) & ~pinned_;
  if (RegMask free = usable & ~occupied_; free != 0) {
    if (survives_calls && (free & kCalleeSaved) != 0)
      free &= kCalleeSaved;
    else if ((free & ~(kSpecial | kCalleeSaved)) != 0)
      free &= ~(kSpecial | kCalleeSaved);
    else if ((free & ~kCalleeSaved) != 0)
      free &= ~kCalleeSaved;
    const RegId r = lowest(free);
    pin(r);
    return r;
  }
  // Round robin; a value that need not be stored goes first.
  RegId victim = kNoReg;
  for (u32 n = 0; n < kRegCount; ++n) {
    const RegId r = static_cast<RegId>((next_victim_ + n) % kRegCount);
    if ((usable & bit(r)) == 0) continue;
    const Part& it = part(owner_[r], owner_part_[r]);
    if (victim == kNoReg) victim = r;
    if (it.in_slot || info(owner_[r]).remade) {
      victim = r;
      break;
    }
  }
  if (victim == kNoReg && analysis_.registers == Registers::Everywhere) victim = borrow(bank);
  if (victim == kNoReg) {
    first_error_.handleError(1, "no register left", nullptr);
    return bank == Bank::Gp ? kScratchGp : kScratchVec;
  }
  next_victim_ = victim + 1u;
  evict(victim);
  pin(victim);
  return victim;
}

void Compiler::add_registers_of(ValueId v, RegMask& mask) {
  if (info(v).by_user) {
    for (const ValueId operand : f_.operands_of(*definition(v))) add_registers_of(operand, mask);
    return;
  }
  for (u32 p = 0; p < info(v).part_count; ++p)
    if (part(v, p).fixed != kNoReg) mask |= bit(part(v, p).fixed);
}

RegMask Compiler::registers_of(const ir::Instruction& i) {
  RegMask mask = 0;
  for (const ValueId v : f_.operands_of(i)) add_registers_of(v, mask);
  if (i.result != kNoValue) add_registers_of(i.result, mask);
  return mask;
}

// All registers hold values for life: one that this instruction has nothing to do with is saved, and
// restored at its end.
RegId Compiler::borrow(Bank bank) {
  if (ir::op_info(now_->op).effects == ir::Effects::Ends && now_->op != Op::br_if) return kNoReg;
  const RegMask bank_registers = bank == Bank::Gp ? kGpPool | kCalleeSaved : kVecPool;
  const RegMask taken = (pinned_ | registers_of(*now_) | ~read_ |
                         claimed_registers(f_, *now_, features_));
  const RegMask usable = bank_registers & ~taken & (bank == Bank::Vec ? ~RegMask{0} : ~kCalleeSaved | analysis_.saved);
  if (usable == 0) return kNoReg;
  const RegId r = lowest(usable);
  for (const Borrowed& b : borrowed_)
    if (b.reg == r) return r;  // and no longer pinned
  save_register(r);
  borrowed_.push_back({r, borrow_slots_[r]});
  return r;
}

void Compiler::save_register(RegId r) {
  const u32 bytes = r < kFirstVec ? 8 : analysis_.wide_vectors ? chunk_bytes(isa_) : 16;
  if (borrow_slots_[r] < 0) borrow_slots_[r] = new_slot(bytes);
  if (r < kFirstVec)
    a_.mov(frame(borrow_slots_[r]), gp64(r));
  else
    store_vec(frame(borrow_slots_[r], bytes), r, bytes);
}

void Compiler::load_register(RegId r) {
  const u32 bytes = r < kFirstVec ? 8 : analysis_.wide_vectors ? chunk_bytes(isa_) : 16;
  if (r < kFirstVec)
    a_.mov(gp64(r), frame(borrow_slots_[r]));
  else
    load_vec(r, frame(borrow_slots_[r], bytes), bytes);
}

void Compiler::give_back() {
  for (const Borrowed& b : borrowed_) {
    if ((occupied_ & bit(b.reg)) != 0) evict(b.reg);
    load_register(b.reg);
  }
  borrowed_.clear();
}

void Compiler::evict(RegId r) {
  if ((occupied_ & bit(r)) == 0) return;
  const ValueId v = owner_[r];
  Part& it = part(v, owner_part_[r]);
  if (!it.in_slot && !info(v).remade && info(v).uses != 0) store_part(v, owner_part_[r], r);
  it.cached = kNoReg;
  occupied_ &= ~bit(r);
}

void Compiler::evict_all(RegMask registers) {
  for (RegMask left = registers & occupied_; left != 0; left &= left - 1) evict(lowest(left));
}

void Compiler::claim(RegId r) {
  if (((analysis_.registers == Registers::Everywhere ? read_ : reserved_) & bit(r)) != 0) {
    first_error_.handleError(1, "a register is claimed that is taken", nullptr);
    return;
  }
  pin(r);
  if ((occupied_ & bit(r)) == 0) return;
  const ValueId v = owner_[r];
  const u8 p = owner_part_[r];
  const Bank bank = info(v).bank;
  if ((pool(bank) & ~pinned_ & ~occupied_) != 0 && info(v).uses != 0) {
    const RegId to = allocate(bank, info(v).crosses_calls);
    if (bank == Bank::Gp)
      move_gp(to, gp64(r), 8);
    else
      move_vec(to, vec(r), info(v).part_bytes);
    occupied_ &= ~bit(r);
    cache(to, v, p);
    unpin(to);
  } else {
    evict(r);
  }
}

void Compiler::forget_cache(RegMask registers) {
  for (RegMask left = registers & occupied_; left != 0; left &= left - 1) {
    const RegId r = lowest(left);
    part(owner_[r], owner_part_[r]).cached = kNoReg;
  }
  occupied_ &= ~registers;
}

void Compiler::cache(RegId r, ValueId v, u32 p) {
  owner_[r] = v;
  owner_part_[r] = static_cast<u8>(p);
  occupied_ |= bit(r);
  part(v, p).cached = r;
}

void Compiler::store_part(ValueId v, u32 p, RegId r) {
  const x86::Mem to = slot(v, p);
  if (info(v).bank == Bank::Gp)
    a_.mov(to, gp64(r));
  else if (!type_of(v).is_vector())
    store_vec(to, r, 8);
  else
    store_vec(to, r, info(v).part_bytes);
  part(v, p).in_slot = true;
}

void Compiler::load_part(RegId r, ValueId v, u32 p) {
  if (info(v).remade) return make_again(r, v, p);
  const Part& it = part(v, p);
  if (!it.in_slot) {
    first_error_.handleError(1, "a value is nowhere", nullptr);
    return;
  }
  if (info(v).bank == Bank::Gp) {
    // Upper halves mean nothing, so 32 bits do for narrow values.
    const u32 bytes = type_of(v).bytes() == 8 ? 8 : 4;
    a_.mov(gp(r, bytes), slot(v, p, bytes));
  } else if (!type_of(v).is_vector()) {
    load_vec(r, slot(v, p), type_of(v).bytes());
  } else {
    load_vec(r, slot(v, p), info(v).part_bytes);
  }
}

void Compiler::make_again(RegId r, ValueId v, u32 p) {
  if (is_constant(v)) {
    const ir::Value& value = f_.values[v];
    if (info(v).bank == Bank::Gp) {
      // Flags stay as they are: compares may be waiting.
      if (value.bits <= 0xffffffff)
        a_.mov(gp32(r), Imm(value.bits));
      else
        a_.mov(gp64(r), Imm(static_cast<i64>(value.bits)));
    } else if (!value.type.is_vector()) {
      if (value.bits == 0)
        zero_vec(r, 16);
      else
        load_vec(r, get_memory(v), value.type.bytes());
    } else if (u64 lane; same_lanes(v, lane) && lane == 0) {
      zero_vec(r, info(v).part_bytes);
    } else {
      load_vec(r, get_memory(v, p), info(v).part_bytes);
    }
    return;
  }
  const ir::Instruction& i = *definition(v);
  switch (i.op) {
    case Op::data_addr:
      return reloc(r, RelocKind::Data, i.aux, i.imm);
    case Op::func_addr:
      return reloc(r, RelocKind::Stub, i.aux);
    case Op::import_addr:
      return reloc(r, RelocKind::Import, i.aux);
    default:
      for (const auto& [value, offset] : stack_allocs_)
        if (value == v) {
          a_.lea(gp64(r), frame(offset));
          return;
        }
      first_error_.handleError(1, "a value that cannot be made again", nullptr);
  }
}

RegId Compiler::fetch(ValueId v, u32 p) {
  RegId r = register_of(v, p);
  if (r == kNoReg) {
    r = allocate(info(v).bank, info(v).crosses_calls && !info(v).crosses_blocks);
    load_part(r, v, p);
    cache(r, v, p);
  }
  pin(r);
  return r;
}

bool Compiler::immediate(ValueId v, i64& value) const {
  if (!is_constant(v) || bank_of(type_of(v)) != Bank::Gp) return false;
  const u64 bits = f_.values[v].bits;
  const u32 width = type_of(v).element_bits();
  if (width == 1)
    value = static_cast<i64>(bits & 1);
  else
    value = static_cast<i64>(bits << (64 - width)) >> (64 - width);
  return value == static_cast<i32>(value);
}

Operand Compiler::get(ValueId v, u32 p) {
  i64 value;
  if (immediate(v, value)) return Imm(value);
  return get_rm(v, p);
}

Operand Compiler::get_rm(ValueId v, u32 p) {
  const ValueInfo& it = info(v);
  if (it.by_user) {  // a load
    const ir::Instruction& i = *definition(v);
    return address(f_.operands_of(i)[0], i.imm, i.type.bytes());
  }
  RegId r = register_of(v, p);
  if (r == kNoReg) {
    if (it.bank == Bank::Vec && is_constant(v)) return get_memory(v, p);
    const bool in_memory = part(v, p).in_slot && !it.remade;
    // Vectors of several parts fill the registers soon enough without being cached.
    if (in_memory && (it.uses <= 1 || it.part_count > 1)) return slot(v, p);
    r = fetch(v, p);
  }
  pin(r);
  if (it.bank == Bank::Gp) return gp64(r);
  return vec(r, it.part_bytes);
}

x86::Mem Compiler::get_memory(ValueId v, u32 p) {
  const ValueInfo& it = info(v);
  if (is_constant(v) && it.bank == Bank::Vec) {
    const ir::Value& value = f_.values[v];
    if (!value.type.is_vector()) {
      const u64 bits[2] = {value.bits, 0};  // 16 bytes: operand of packed instructions too
      return constant(bits, 16);
    }
    u8 bytes[ir::kMaxVectorBytes] = {};
    const auto all = f_.vector_bytes(value);
    for (usize k = 0; k < all.size(); ++k) bytes[k] = all[k];
    return constant(bytes + p * it.part_bytes, it.part_bytes);
  }
  Part& at = part(v, p);
  if (!at.in_slot) {
    store_part(v, p, fetch(v, p));
    // Not its home: another block may come here without having stored it.
    if (at.fixed != kNoReg || it.remade) at.in_slot = false;
  }
  return slot(v, p);
}

RegId Compiler::define(ValueId result, u32 p, ValueId in_place_of) {
  const Part& it = part(result, p);
  if (it.fixed != kNoReg) return it.fixed;
  if (in_place_of != kNoValue && info(in_place_of).uses == 1 && p < info(in_place_of).part_count) {
    Part& old = part(in_place_of, p);
    if (old.fixed == kNoReg && old.cached != kNoReg &&
        info(in_place_of).bank == info(result).bank) {
      const RegId r = old.cached;
      old.cached = kNoReg;
      cache(r, result, p);
      pin(r);
      return r;
    }
  }
  const ValueInfo& value = info(result);
  const RegId r = allocate(value.bank, value.crosses_calls && !value.crosses_blocks);
  cache(r, result, p);
  return r;
}

RegId Compiler::fresh(ValueId result, u32 p) {
  const RegId fixed = part(result, p).fixed;
  return fixed != kNoReg && (pinned_ & bit(fixed)) == 0 ? fixed : allocate(info(result).bank);
}

RegId Compiler::in_place(ValueId result) {
  const RegId fixed = part(result, 0).fixed;
  return fixed != kNoReg && info(result).part_count == 1 ? fixed : fresh(result);
}

void Compiler::bind(ValueId result, u32 p, RegId r) {
  const Part& it = part(result, p);
  if (it.fixed != kNoReg) {
    if (info(result).bank == Bank::Gp)
      move_gp(it.fixed, gp64(r), 8);
    else
      move_vec(it.fixed, vec(r, info(result).part_bytes), info(result).part_bytes);
    return;
  }
  cache(r, result, p);
}

void Compiler::define_in_slot(ValueId result) {
  for (u32 p = 0; p < info(result).part_count; ++p) {
    Part& it = part(result, p);
    it.in_slot = true;
    if (it.fixed == kNoReg) continue;
    load_part(it.fixed, result, p);
    it.in_slot = false;
  }
}

void Compiler::complete(ValueId result) {
  const ValueInfo& value = info(result);
  for (u32 p = 0; p < value.part_count; ++p) {
    Part& it = part(result, p);
    if (it.fixed != kNoReg || it.cached == kNoReg) continue;
    if (value.uses == 0) {
      occupied_ &= ~bit(it.cached);
      it.cached = kNoReg;
    } else if (value.crosses_blocks && !it.in_slot) {
      store_part(result, p, it.cached);
    }
  }
}

void Compiler::release(ValueId v) {
  ValueInfo& value = info(v);
  if (value.by_user) {
    for (const ValueId operand : f_.operands_of(*definition(v))) release(operand);
    return;
  }
  if (--value.uses != 0) return;
  for (u32 p = 0; p < value.part_count; ++p) {
    Part& it = part(v, p);
    if (it.cached == kNoReg) continue;
    occupied_ &= ~bit(it.cached);
    it.cached = kNoReg;
  }
  if (value.slot >= 0 && !value.crosses_blocks) {
    const u32 bytes = value.part_count * value.part_bytes;
    free_slots_[bytes == 8 ? 0 : bytes == 16 ? 1 : bytes == 32 ? 2 : 3].push_back(value.slot);
    value.slot = -1;
  }
}

}  // namespace bf::microjit::baseline
