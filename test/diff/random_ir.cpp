#include "random_ir.h"

#include <algorithm>

#include "microjit/ir/dominators.h"

namespace bf::test {

using ir::BlockId;
using ir::Kind;
using ir::Op;
using ir::Signature;
using ir::Type;
using ir::ValueId;

namespace {

constexpr Type kI1{Kind::I1}, kI32{Kind::I32}, kI64{Kind::I64}, kPtr{Kind::Ptr};
constexpr u32 kPointerRange = 1024;  // pointers at hand point below this
constexpr u32 kMostVisible = 400;    // values that a block chooses from
constexpr u32 kStackAccess = 128;    // bytes that may be accessed at a pointer to the stack
constexpr u32 kDeepest = 3;          // loops in loops
constexpr u32 kNestFuelLog2 = 5;     // nests get so many times as much fuel
constexpr BlockId kBehind = 0;       // what a planned block leaves a loop for, until that is known

}  // namespace

Type RandomModule::random_vector() {
  static constexpr Kind kKinds[] = {Kind::I8,  Kind::I16,  Kind::I32, Kind::I64,
                                    Kind::F16, Kind::BF16, Kind::F32, Kind::F64};
  for (;;) {
    Type t{kKinds[below(8)], static_cast<u8>(1u << (1 + below(6)))};
    if (t.bytes() <= ir::kMaxVectorBytes) return t;
  }
}

Type RandomModule::random_int(bool vectors) {
  static constexpr Kind kKinds[] = {Kind::I8, Kind::I16, Kind::I32, Kind::I64};
  Type t{kKinds[below(4)]};
  if (!vectors || chance(60)) return t;
  do t.lanes = static_cast<u8>(1u << (1 + below(6)));
  while (t.bytes() > ir::kMaxVectorBytes);
  return t;
}

Type RandomModule::random_float(bool vectors) {
  Type t{chance(50) ? Kind::F32 : Kind::F64};
  if (!vectors || chance(50)) return t;
  do t.lanes = static_cast<u8>(1u << (1 + below(4)));
  while (t.bytes() > ir::kMaxVectorBytes);
  return t;
}

Type RandomModule::random_type() {
  switch (below(10)) {
    case 0:
      return kI1;
    case 1:
      return {chance(50) ? Kind::F16 : Kind::BF16};
    case 2:
    case 3:
      return random_vector();
    case 4:
    case 5:
      return random_float(false);
    case 6:
      return kPtr;
    default:
      return random_int(false);
  }
}

u64 RandomModule::odd_bits(Type element) {
  const u32 bits = element.element_bits();
  const u64 mask = bits == 64 ? ~u64{0} : (u64{1} << bits) - 1;
  if (bits == 1) return below(2);
  if (element.kind == Kind::F32) {
    static constexpr u32 kOdd[] = {0,          0x80000000, 0x3f800000, 0xbf800000, 0x7fc00000,
                                   0x7f800000, 0xff800000, 1,          0x807fffff, 0x7f7fffff,
                                   0x4f000000, 0xcf000000, 0x5f000000, 0x3f000000, 0x40200000,
                                   0x4b800001, 0x42f6e666};
    return chance(70) ? kOdd[below(17)] : random_() & mask;
  }
  if (element.kind == Kind::F64) {
    static constexpr u64 kOdd[] = {0,
                                   u64{1} << 63,
                                   0x3ff0000000000000,
                                   0xbff0000000000000,
                                   0x7ff8000000000000,
                                   0x7ff0000000000000,
                                   0xfff0000000000000,
                                   1,
                                   0x800fffffffffffff,
                                   0x7fefffffffffffff,
                                   0x41e0000000000000,
                                   0xc1e0000000000000,
                                   0x43e0000000000000,
                                   0x3fe0000000000000,
                                   0x4004000000000000,
                                   0x4340000000000001,
                                   0x405edccccccccccc};
    return chance(70) ? kOdd[below(17)] : random_();
  }
  const u64 minimum = u64{1} << (bits - 1);
  const u64 kOdd[] = {0, 1, mask, minimum, minimum - 1, 2, 7, 8, 31, 63, 64, 0x55555555, 100, 0xff};
  return (chance(70) ? kOdd[below(14)] : random_() >> below(64)) & mask;
}

ValueId RandomModule::constant(Type t) {
  if (!t.is_vector()) return b_->constant(t, odd_bits(t));
  u8 bytes[ir::kMaxVectorBytes];
  const u32 size = t.element_bytes();
  const u64 same = odd_bits(t.element());
  const bool splat = chance(40);
  for (u32 n = 0; n < t.lanes; ++n) {
    const u64 bits = splat ? same : odd_bits(t.element());
    for (u32 k = 0; k < size; ++k) bytes[n * size + k] = static_cast<u8>(bits >> (8 * k));
  }
  return b_->vector_constant(t, {bytes, t.bytes()});
}

// Something at hand of that type, or a constant.
ValueId RandomModule::value(Type t) {
  if (t == kPtr) return pointer();
  if (chance(85)) {
    const u32 count = static_cast<u32>(own_.size());
    // Late ones first now and then: chains are what registers are about.
    const u32 start = chance(50) && count > 6 ? count - 6 + below(6) : below(count);
    for (u32 n = 0; n < count; ++n) {
      const ValueId v = own_[(start + n) % count];
      if (b_->type(v) == t) return v;
    }
  }
  return constant(t);
}

ValueId RandomModule::small(u64 mask) {
  const ValueId v = value(kI64);
  return b_->emit(Op::and_, kI64, {v, b_->constant(kI64, mask)});
}

// Somewhere into the scratch data, kPointerRange bytes and more from its end.
ValueId RandomModule::pointer() {
  if (chance(50))
    for (usize n = own_.size(); n-- > 0;)
      if (b_->type(own_[n]) == kPtr && chance(50)) return own_[n];
  const ValueId base =
      b_->emit(Op::data_addr, kPtr, std::initializer_list<ValueId>{}, 0, below(256));
  if (chance(30)) return base;
  if (chance(50)) return b_->emit(Op::ptradd, kPtr, {base, small(kPointerRange / 2 - 1)});
  static constexpr u32 kSteps[] = {1, 2, 4, 8, 3, 12};
  return b_->emit(Op::index, kPtr, {base, small(31)}, kSteps[below(6)], below(256));
}

// NaNs may carry any sign and payload: all become the same before they are looked at as bits.
ValueId RandomModule::without_nan(ValueId v) {
  const Type t = b_->type(v);
  if (!t.is_arithmetic_float()) return v;
  const ValueId nan = b_->constant(t, t.kind == Kind::F32 ? 0x7fc00000 : 0x7ff8000000000000);
  const ValueId unordered = b_->emit(Op::funo, ir::compare_result(t), {v, v});
  return b_->emit(Op::select, t, {unordered, nan, v});
}

void RandomModule::store(ValueId v) {
  const ValueId seen = without_nan(v);
  if (b_->type(v) == kPtr) return;
  b_->emit(Op::store, {}, {seen, pointer()}, 0, below(128));
}

void RandomModule::stack_memory() {
  const ValueId at = stack_[below(static_cast<u32>(stack_.size()))];
  const Type t = chance(50) ? random_vector() : random_int(false);
  const u32 offset = below(nest_ ? 24 : 64);
  if (chance(50)) {
    b_->emit(Op::store, {}, {without_nan(value(t)), at}, 0, offset);
    return;
  }
  const ValueId loaded = b_->emit(Op::load, t, {at}, 0, offset);
  push(loaded);
  if (nest_ && chance(60)) store(loaded);  // or it would seldom be seen
}

void RandomModule::memory() {
  switch (calls_ ? below(8) : 3 + below(5)) {
    case 0: {
      const ValueId from =
          b_->emit(Op::data_addr, kPtr, std::initializer_list<ValueId>{}, 0, below(1024));
      const ValueId to =
          b_->emit(Op::data_addr, kPtr, std::initializer_list<ValueId>{}, 0, 2048 + below(1024));
      const ValueId size = chance(70) ? b_->constant(kI64, below(200)) : small(255);
      b_->emit(Op::memcopy, {}, {to, from, size});
      return;
    }
    case 1: {
      const ValueId from = pointer(), to = pointer();
      b_->emit(Op::memmove, {},
               {to, from, chance(50) ? b_->constant(kI64, below(200)) : small(127)});
      return;
    }
    case 2: {
      const ValueId to = pointer(), v = value({Kind::I8});
      b_->emit(Op::memfill, {}, {to, v, chance(50) ? b_->constant(kI64, below(200)) : small(127)});
      return;
    }
    case 3:
      if (!stack_.empty()) {
        stack_memory();
        return;
      }
      [[fallthrough]];
    case 4:
    case 5: {
      Type t = random_type();
      if (t == kI1 || t == kPtr) t = random_int();
      push(b_->emit(Op::load, t, {pointer()}, 0, below(128)));
      return;
    }
    default:
      store(value(random_type()));
  }
}

// Single accesses, updates and fences. Nobody else looks, so they are deterministic.
void RandomModule::atomic(Op op) {
  const Type t = random_int(false);
  // Aligned to 8: what x86 does at once.
  const ValueId at =
      b_->emit(Op::data_addr, kPtr, std::initializer_list<ValueId>{}, 0, 8 * below(64));
  const i64 offset = 8 * below(8);
  switch (ir::op_info(op).signature) {
    case Signature::AtomicLoad:
      return push(b_->emit(op, t, {at}, 0, offset));
    case Signature::AtomicStore:
      b_->emit(op, {}, {value(t), at}, 0, offset);
      return;
    case Signature::AtomicUpdate:
      return push(b_->emit(op, t, {value(t), at}, 0, offset));
    case Signature::AtomicCompare: {
      // What is there, so that it is equal now and then.
      const ValueId expected = chance(60) ? b_->emit(Op::load, t, {at}, 0, offset) : value(t);
      return push(b_->emit(op, t, {expected, value(t), at}, 0, offset));
    }
    default:
      b_->emit(op, {}, std::initializer_list<ValueId>{}, below(2));
  }
}

// Space of a size that is not fixed: used at once, and given back or left to the return.
void RandomModule::grown_stack() {
  const bool restored = nest_ || chance(50);  // a nest has too many rounds to keep it all
  const ValueId before =
      restored ? b_->emit(Op::stack_save, kPtr, std::initializer_list<ValueId>{}) : ir::kNoValue;
  constexpr u64 kFilled = 128;
  const ValueId bytes = b_->emit(Op::add, kI64, {small(255), b_->constant(kI64, kFilled)});
  const ValueId at = b_->emit(Op::stack_grow, kPtr, {bytes}, chance(10) ? below(8) : 4);
  b_->emit(Op::memfill, {}, {at, value({Kind::I8}), b_->constant(kI64, kFilled)});
  b_->emit(Op::store, {}, {without_nan(value(random_vector())), at}, 0, below(64));
  push(b_->emit(Op::load, random_vector(), {at}, 0, below(64)));
  if (restored) b_->emit(Op::stack_restore, {}, {before});
}

// The address of a function: in one that has fuel to burn and the choice, another one from some
// time on, after a guard may have counted on the first.
ValueId RandomModule::changing_callee(u32 callee) {
  const auto address = [&](u32 function) {
    return b_->emit(Op::func_addr, kPtr, std::initializer_list<ValueId>{}, function);
  };
  const ValueId first = address(callee);
  const u32 other = 1 - callee;
  if (index_ < 2 || module_.functions[0].type != module_.functions[1].type || chance(20))
    return first;
  const u32 most = nest_ ? 1023 << kNestFuelLog2 : 1023;
  const ValueId late = b_->emit(Op::slt, kI1, {fuel_, b_->constant(kI32, below(most))});
  return b_->emit(Op::select, kPtr, {late, address(other), first});
}

void RandomModule::call() {
  if (chance(20) || index_ == 0) {
    std::vector<ValueId> arguments;
    for (const Kind k : module_.types[import_type_].parameters) arguments.push_back(value({k}));
    for (ValueId& v : arguments) v = without_nan(v);
    if (chance(70)) return push(b_->emit(Op::call_import, kI64, arguments, 0));
    arguments.insert(arguments.begin(),
                     b_->emit(Op::import_addr, kPtr, std::initializer_list<ValueId>{}, 0));
    return push(b_->emit(Op::call_indirect, kI64, arguments, import_type_));
  }
  const u32 callee = below(index_);
  const ir::FunctionType& type = module_.types[module_.functions[callee].type];
  std::vector<ValueId> arguments;
  const bool indirect = chance(30);
  for (const Kind k : type.parameters) arguments.push_back(value({k}));
  arguments[0] = b_->constant(kI32, below(4));  // fuel
  if (indirect) arguments.insert(arguments.begin(), changing_callee(callee));
  const Type result = type.results.empty() ? Type{} : Type{type.results[0]};
  const Op op = indirect ? Op::call_indirect : Op::call;
  const ValueId first =
      b_->emit(op, result, arguments, indirect ? module_.functions[callee].type : callee);
  if (type.results.size() == 2 && chance(80))
    push(b_->emit(Op::second, {type.results[1]}, std::initializer_list<ValueId>{}));
  push(first);
}

void RandomModule::instruction() {
  if (nest_ && chance(6)) return store(value(random_type()));
  if (nest_ && chance(10) && !stack_.empty()) return stack_memory();
  if (chance(12)) return memory();
  if (chance(5) && calls_) return call();
  const Op op = static_cast<Op>(below(ir::kOpCount));
  const Signature s = ir::op_info(op).signature;
  if (!calls_ && (s == Signature::FloatTernary || s == Signature::FloatTruncate || op == Op::frem ||
                  op == Op::round || op == Op::floor || op == Op::ceil || op == Op::trunc_f ||
                  op == Op::rint || s == Signature::FloatExtend))
    return;
  switch (s) {
    case Signature::IntBinary: {
      Type t = random_int();
      if ((op == Op::and_ || op == Op::or_ || op == Op::xor_) && chance(15)) t = kI1;
      const ValueId a = value(t);
      ValueId b = value(t);
      if (ir::op_info(op).effects == ir::Effects::Traps) {
        if (chance(50)) {
          b = b_->emit(Op::and_, t, {b, b_->constant(t, 0x3e)});
          b = b_->emit(Op::or_, t, {b, b_->constant(t, 1)});
        } else {
          u64 bits = random_() >> below(64);
          if (chance(50)) bits = u64{1} << below(t.element_bits());
          bits |= op == Op::sdiv || op == Op::srem ? 0 : 0;
          const u64 mask = t.element_bits() == 64 ? ~u64{0} : (u64{1} << t.element_bits()) - 1;
          if ((bits & mask) == 0 || (bits & mask) == mask) bits = 3;
          b = b_->constant(t, bits);
        }
      } else if (chance(30)) {
        b = constant(t);
      }
      return push(b_->emit(op, t, {a, b}));
    }
    case Signature::IntUnary: {
      const Type t = random_int();
      return push(b_->emit(op, t, {value(t)}));
    }
    case Signature::IntCompare: {
      const Type t = chance(10) ? kPtr : chance(10) && op < Op::slt ? kI1 : random_int();
      const ValueId a = value(t), b = chance(30) && t != kPtr ? constant(t) : value(t);
      return push(b_->emit(op, ir::compare_result(t), {a, b}));
    }
    case Signature::IntOverflow: {
      const Type t = random_int(false);
      return push(b_->emit(op, kI1, {value(t), value(t)}));
    }
    case Signature::FloatBinary: {
      const Type t = random_float();
      const ValueId a = value(t);
      ValueId b = value(t);
      if (op == Op::copysign) b = without_nan(b);
      return push(b_->emit(op, t, {a, b}));
    }
    case Signature::FloatUnary: {
      const Type t = random_float();
      return push(b_->emit(op, t, {value(t)}));
    }
    case Signature::FloatTernary: {
      const Type t = random_float();
      return push(b_->emit(op, t, {value(t), value(t), value(t)}));
    }
    case Signature::FloatCompare: {
      const Type t = random_float();
      return push(b_->emit(op, ir::compare_result(t), {value(t), value(t)}));
    }
    case Signature::Select: {
      Type t = random_type();
      if (chance(50)) t = random_vector();
      if (t.is_vector() && chance(70)) {
        const Type m = ir::compare_result(t);
        const ValueId mask = b_->emit(Op::slt, m, {value(m), value(m)});
        return push(b_->emit(op, t, {mask, value(t), value(t)}));
      }
      return push(b_->emit(op, t, {value(kI1), value(t), value(t)}));
    }
    case Signature::IntTruncate:
    case Signature::IntExtend: {
      Type wide = random_int();
      if (wide.kind == Kind::I8 && (wide.is_vector() || chance(50))) wide.kind = Kind::I16;
      if (!wide.valid()) return;
      Type narrow = wide;
      const u32 log2 = static_cast<u32>(__builtin_ctz(wide.element_bits()));
      narrow.kind = ir::int_kind(8u << below(log2 - 3));
      if (!wide.is_vector() && chance(20)) narrow.kind = Kind::I1;
      if (narrow.element_bits() >= wide.element_bits()) return;
      if (s == Signature::IntTruncate) return push(b_->emit(op, narrow, {value(wide)}));
      return push(b_->emit(op, wide, {value(narrow)}));
    }
    case Signature::FloatTruncate:
    case Signature::FloatExtend: {
      const Type wide = random_float();
      Type narrow = wide.with_kind(chance(50) ? Kind::F16 : Kind::BF16);
      if (wide.kind == Kind::F64 && chance(50)) narrow.kind = Kind::F32;
      if (s == Signature::FloatTruncate)
        return push(b_->emit(op, narrow, {without_nan(value(wide))}));
      return push(b_->emit(op, wide, {value(narrow)}));
    }
    case Signature::FloatToInt:
    case Signature::IntToFloat: {
      const Type f = random_float();
      Type i = random_int(false);
      i.lanes = f.lanes;
      if (!i.valid()) return;
      if (s == Signature::FloatToInt) return push(b_->emit(op, i, {value(f)}));
      return push(b_->emit(op, f, {value(i)}));
    }
    case Signature::Bitcast: {
      Type from = chance(50) ? random_vector() : random_type();
      if (from == kI1 || from == kPtr) from = kI64;
      for (u32 tries = 0; tries < 20; ++tries) {
        Type to = chance(50) ? random_vector() : random_type();
        if (to == kI1 || to == kPtr || to.bytes() != from.bytes()) continue;
        return push(b_->emit(op, to, {without_nan(value(from))}));
      }
      return;
    }
    case Signature::PtrAdd:
      return push(pointer());
    case Signature::Splat: {
      const Type t = random_vector();
      return push(b_->emit(op, t, {value(t.element())}));
    }
    case Signature::Extract: {
      const Type t = random_vector();
      return push(b_->emit(op, t.element(),
                           {value(t), chance(70) ? b_->constant(kI32, below(64)) : value(kI32)}));
    }
    case Signature::Insert: {
      const Type t = random_vector();
      return push(b_->emit(op, t,
                           {value(t), value(t.element()),
                            chance(70) ? b_->constant(kI32, below(64)) : value(kI32)}));
    }
    case Signature::Shuffle: {
      const Type from = random_vector();
      Type to = from;
      do to.lanes = static_cast<u8>(1u << (1 + below(6)));
      while (!to.valid());
      u8 mask[64];
      const u32 pattern = below(8), start = below(from.lanes), all = 2u * from.lanes;
      for (u32 n = 0; n < to.lanes; ++n)
        mask[n] = static_cast<u8>((pattern == 0   ? below(all)
                                   : pattern == 1 ? n + start                       // rotate
                                   : pattern == 2 ? to.lanes - 1 - n                // reverse
                                   : pattern == 3 ? 2 * n + (start & 1)             // even, odd
                                   : pattern == 4 ? (n / 2) + (n & 1) * from.lanes  // interleave
                                   : pattern == 5 ? n % from.lanes + start / 2 * 2
                                   : pattern == 6 ? n  // concatenate
                                                  : start) %
                                  all);  // one lane
      const ValueId a = value(from), b = chance(40) ? a : value(from);
      return push(b_->shuffle(to, a, b, {mask, to.lanes}));
    }
    case Signature::IntReduce: {
      Type t = random_vector();
      t.kind = ir::int_kind(t.element_bits());
      return push(b_->emit(op, t.element(), {value(t)}));
    }
    case Signature::FloatReduce: {
      Type t = random_float();
      if (!t.is_vector()) return;
      return push(b_->emit(op, t.element(), {value(t.element()), value(t)}));
    }
    case Signature::MaskBits: {
      Type t = random_vector();
      t.kind = ir::int_kind(t.element_bits());
      u32 bits = std::max<u32>(8, t.lanes);
      if (chance(30)) bits = 64;
      return push(b_->emit(op, {ir::int_kind(bits)}, {value(t)}));
    }
    case Signature::Dot4: {
      const Type t{Kind::I32, static_cast<u8>(2u << below(4))};
      const Type bytes{Kind::I8, static_cast<u8>(t.lanes * 4)};
      return push(b_->emit(op, t, {value(bytes), value(bytes)}));
    }
    case Signature::Load:
    case Signature::Store:
    case Signature::MemCopy:
    case Signature::MemFill:
      return memory();
    case Signature::AtomicLoad:
    case Signature::AtomicStore:
    case Signature::AtomicUpdate:
    case Signature::AtomicCompare:
    case Signature::Fence:
      return atomic(op);
    case Signature::StackGrow:
    case Signature::StackSave:
    case Signature::StackRestore:
      if (f_->flags & ir::kGrowsStack) grown_stack();
      return;
    default:
      return;
  }
}

void RandomModule::fill_block(BlockId block) {
  const u32 count = 1 + below(chance(20) ? 60 : 12);
  for (u32 n = 0; n < count; ++n) instruction();
  visible_[block] = own_;
}

ValueId RandomModule::leaves_loop(const Plan& plan, ValueId left, ValueId empty) {
  if (plan.stays && chance(90)) return empty;
  if (nest_ && chance(60)) {  // after so many blocks, so that inner loops start again and again
    const ValueId some = b_->emit(Op::and_, kI32, {left, b_->constant(kI32, (4u << below(7)) - 1)});
    const ValueId now = b_->emit(Op::eq, kI1, {some, b_->constant(kI32, below(4))});
    return b_->emit(Op::or_, kI1, {empty, now});
  }
  return chance(50) ? empty : b_->emit(Op::or_, kI1, {empty, value(kI1)});
}

void RandomModule::end_block(BlockId block) {
  const Plan& plan = plans_[block];
  if (plan.successors.empty()) {  // the end: everything that is visible leaves a trace
    for (usize n = 0; n < own_.size(); ++n)
      if (chance(30)) store(own_[n]);
    std::vector<ValueId> results;
    for (const Kind k : module_.types[f_->type].results) results.push_back(value({k}));
    return b_->ret(results);
  }
  const ValueId left = b_->emit(Op::sub, kI32, {fuel_, b_->constant(kI32, 1)});
  std::vector<std::vector<ValueId>> passed;
  for (const BlockId to : plan.successors) {
    passed.push_back({left});
    for (usize n = 1; n < plans_[to].arguments.size(); ++n)
      passed.back().push_back(value(plans_[to].arguments[n]));
  }
  // The first successor is nearer to the end: there when the fuel is used up.
  const ValueId empty = b_->emit(Op::slt, kI1, {left, b_->constant(kI32, 0)});
  const auto jump = [&](usize n) { return ir::Builder::Jump{plan.successors[n], passed[n]}; };
  if (plan.successors.size() == 1) return b_->br(jump(0));
  if (plan.successors.size() == 2) {
    return b_->br_if(leaves_loop(plan, left, empty), jump(0), jump(1));
  }
  const Type t = random_int(false);
  ValueId v = value(t);
  v = b_->emit(Op::select, t, {empty, b_->constant(t, 77), v});
  std::vector<u64> cases;
  std::vector<ir::Builder::Jump> targets;
  const u64 first = chance(50) ? 0 : odd_bits(t);
  const u64 mask = t.element_bits() == 64 ? ~u64{0} : (u64{1} << t.element_bits()) - 1;
  for (usize n = 1; n < plan.successors.size(); ++n) {
    const u64 wanted = (first + n * (1 + below(2)) * 3) & mask;
    if (wanted == 77 || std::find(cases.begin(), cases.end(), wanted) != cases.end()) continue;
    cases.push_back(wanted);
    targets.push_back(jump(n));
  }
  b_->switch_on(v, jump(0), cases, targets);
}

// ---- Shapes: the first successor of a block is nearer to the end.

BlockId RandomModule::plan_block(std::vector<BlockId> successors) {
  Plan plan;
  plan.arguments.push_back(kI32);
  for (u32 n = below(chance(20) ? 12 : 4); n > 0; --n) plan.arguments.push_back(random_type());
  plan.successors = std::move(successors);
  plans_.push_back(std::move(plan));
  return static_cast<BlockId>(plans_.size() - 1);
}

void RandomModule::plan_anything(u32 blocks) {
  const auto successors = [&](BlockId k) {
    std::vector<BlockId> to;
    if (k + 1 == blocks) return to;
    to.push_back(k + 1 + (chance(30) ? below(blocks - k - 1) : 0));
    const u32 more = chance(15) ? 2 + below(9) : below(3) != 0 ? 1 : 0;
    for (u32 n = 0; n < more; ++n) to.push_back(1 + below(blocks - 1));
    return to;
  };
  plans_[0].successors = successors(0);
  for (BlockId k = 1; k < blocks; ++k) plan_block(successors(k));
}

// A header, a body of blocks and loops, and a latch. Blocks of the body leave the loop, or the one
// around it, or start the next round.
void RandomModule::plan_loop(u32 depth, std::vector<BlockId>& leaves_outer) {
  const BlockId header = static_cast<BlockId>(plans_.size());
  std::vector<BlockId> leaves = {plan_block({kBehind, header + 1})};
  for (u32 n = 1 + below(3); n > 0; --n) {
    if (depth < kDeepest && chance(45)) {
      plan_loop(depth + 1, leaves);
      continue;
    }
    const BlockId next = static_cast<BlockId>(plans_.size() + 1);
    if (chance(30)) {
      plan_block({next, header});
    } else if (chance(40)) {
      (depth > 1 && chance(30) ? leaves_outer : leaves).push_back(plan_block({kBehind, next}));
    } else {
      plan_block({next});
    }
  }
  leaves.push_back(plan_block({kBehind, header}));
  for (const BlockId b : leaves) {
    plans_[b].successors[0] = static_cast<BlockId>(plans_.size());
    plans_[b].stays = depth == 1;
  }
}

void RandomModule::plan_nest() {
  plans_[0].successors = {1};
  std::vector<BlockId> nothing;
  for (u32 n = 1 + below(2); n > 0; --n) plan_loop(1, nothing);
  plan_block({});
}

void RandomModule::add_function(u32 index) {
  ir::FunctionType type;
  static constexpr Kind kPassed[] = {Kind::I32, Kind::I64, Kind::F32, Kind::F64, Kind::Ptr};
  const bool last = index == 2;
  if (last) {
    type.parameters = {Kind::I32, Kind::I64, Kind::F32, Kind::F64};
    type.results = {Kind::I64, Kind::F64};
  } else {
    type.parameters = {Kind::I32};
    for (u32 n = below(chance(20) ? 24 : 6); n > 0; --n)
      type.parameters.push_back(kPassed[below(5)]);
    for (u32 n = below(3); n > 0; --n) type.results.push_back(kPassed[below(4)]);
    if (index == 1 && chance(40)) type = module_.types[module_.functions[0].type];
  }
  ir::Function f;
  f.index = index;
  const char names[3][2] = {"a", "b", "f"};
  f.name = module_.intern(names[index]);
  f.type = module_.intern_type(type);
  f.exported = last;
  module_.functions.push_back(f);
  f_ = &module_.functions.back();
  index_ = index;

  calls_ = chance(60);
  if (chance(15)) f_->flags |= ir::kGrowsStack;
  // The shape first: for each block its arguments and where it goes. Thousands of blocks now and
  // then.
  plans_.assign(1, {});
  for (const Kind kind : type.parameters) plans_[0].arguments.push_back({kind});
  nest_ = chance(last ? 40 : 15);
  const bool is_huge = last && !nest_ && below(400) == 0;
  if (nest_)
    plan_nest();
  else
    plan_anything(1 + (is_huge ? 1000 + below(1500) : below(chance(20) ? 24 : 8)));
  fill_function(last);
}

// The blocks in their order.
void RandomModule::fill_function(bool last) {
  const u32 blocks = static_cast<u32>(plans_.size());
  ir::Module scratch_module;
  ir::Function shape;
  ir::Builder skeleton(scratch_module, shape);
  for (u32 k = 0; k < blocks; ++k) skeleton.add_block({});
  for (u32 k = 0; k < blocks; ++k) {
    skeleton.begin(k);
    if (plans_[k].successors.empty()) {
      skeleton.unreachable();
      continue;
    }
    std::vector<ir::Builder::Jump> targets;
    for (const BlockId to : plans_[k].successors) targets.push_back({to, {}});
    const std::vector<u64> cases(targets.size() - 1, 0);
    skeleton.switch_on(0, targets[0], cases, std::span(targets).subspan(1));
  }
  skeleton.finish();
  const ir::Dominators dominators(shape);

  ir::Builder builder(module_, *f_);
  b_ = &builder;
  for (const Plan& plan : plans_) builder.add_block(plan.arguments);
  visible_.assign(blocks, {});
  stack_.clear();
  std::vector<BlockId> order = dominators.reverse_post_order();
  for (BlockId k = 0; k < blocks; ++k)
    if (!dominators.reachable(k)) order.push_back(k);
  for (const BlockId k : order) {
    builder.begin(k);
    own_.clear();
    const bool reachable = dominators.reachable(k);
    if (k != 0 && reachable) own_ = visible_[dominators.immediate_dominator(k)];
    if (own_.size() > kMostVisible) own_.erase(own_.begin(), own_.end() - kMostVisible / 2);
    fuel_ = builder.argument(k, 0);
    for (u32 n = 1; n < plans_[k].arguments.size(); ++n)
      if (k != 0 || plans_[k].arguments[n] != kPtr) push(builder.argument(k, n));
    if (k == 0) {
      if (last) {  // not more fuel than is good for a test
        fuel_ = builder.emit(Op::and_, kI32, {fuel_, builder.constant(kI32, 1023)});
        if (nest_)
          fuel_ = builder.emit(Op::shl, kI32, {fuel_, builder.constant(kI32, kNestFuelLog2)});
      }
      for (u32 n = calls_ ? below(3) + nest_ : 0; n > 0; --n) {
        // Huge ones are filled where they are used.
        constexpr u32 kUsed = 4 * kStackAccess;
        const u32 bytes = kUsed + (chance(3) ? 300000 : chance(10) ? 6000 : below(100));
        const ValueId at = builder.emit(Op::stack_alloc, kPtr, std::initializer_list<ValueId>{},
                                        below(chance(10) ? 8 : 5), bytes);
        builder.emit(Op::memfill, {},
                     {at, builder.constant({Kind::I8}, below(256)), builder.constant(kI64, kUsed)});
        // Pointers into it, alive wherever it is.
        if (chance(40))
          stack_.push_back(builder.emit(
              Op::ptradd, kPtr,
              {at, builder.constant(kI64, below(chance(50) ? 64 : 3 * kStackAccess))}));
        if (chance(20))
          stack_.push_back(builder.emit(Op::index, kPtr, {at, small(15)}, 8, below(kStackAccess)));
        stack_.push_back(at);
      }
    }
    fill_block(k);
    end_block(k);
  }
  builder.finish();
  b_ = nullptr;
}

ir::Module RandomModule::build() {
  ir::Data data;
  data.name = module_.intern("scratch");
  data.align_log2 = 6;
  data.writable = true;
  data.size = kScratchBytes;
  for (u32 n = 0; n < kScratchBytes; ++n)
    data.bytes.push_back(static_cast<u8>(chance(30) ? 0 : random_()));
  module_.data.push_back(data);
  ir::FunctionType import;
  import.parameters = {Kind::I64, Kind::F64, Kind::I32, Kind::F32, Kind::I64,
                       Kind::I64, Kind::I64, Kind::I64, Kind::I64};
  import.results = {Kind::I64};
  import_type_ = module_.intern_type(import);
  module_.imports.push_back({module_.intern("import"), import_type_});
  for (u32 n = 0; n < 3; ++n) {
    module_.functions.reserve(3);
    add_function(n);
  }
  return std::move(module_);
}

}  // namespace bf::test
