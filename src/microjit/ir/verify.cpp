#include "microjit/ir/verify.h"

#include "microjit/ir/dominators.h"

namespace bf::ir {

namespace {

bool is_signature_kind(Kind k) {
  return k == Kind::I32 || k == Kind::I64 || k == Kind::F32 || k == Kind::F64 || k == Kind::Ptr;
}

// One function. Every check returns null or what is wrong; the caller adds where.
class FunctionVerifier {
 public:
  FunctionVerifier(const Module& module, const Function& function)
      : module_(module), f_(function) {}

  Result<void> run() {
    if (const char* wrong = check_shape()) return error(wrong, 0, 0);
    for (BlockId b = 0; b < f_.blocks.size(); ++b)
      for (u32 n = 0; n < f_.blocks[b].instruction_count; ++n)
        if (const char* wrong = check_instruction(b, n)) return error(wrong, b, n);
    return check_dominance();
  }

 private:
  Error error(const char* wrong, BlockId b, u32 n) {
    const auto name = module_.name(f_);
    return Error::format("IR function %.*s, block %u, instruction %u: %s",
                         static_cast<int>(name.size() < 80 ? name.size() : 80), name.data(), b, n,
                         wrong);
  }

  // Pools, blocks and values, before anything is indexed through them.
  const char* check_shape() {
    if (f_.type >= module_.types.size()) return "no such function type";
    if (f_.blocks.empty()) return "no blocks";
    u64 next = 0;
    for (const Block& b : f_.blocks) {
      if (b.instruction_count == 0) return "an empty block";
      if (b.first_instruction != next) return "blocks do not cover the instructions in order";
      next += b.instruction_count;
      if (u64{b.first_argument} + b.argument_count > f_.values.size()) return "no such argument";
    }
    if (next != f_.instructions.size()) return "instructions outside of blocks";
    for (const Value& v : f_.values) {
      if (!v.type.valid() || v.type.is_void()) return "a value of an invalid type";
      if (v.def == Def::Constant) {
        if (v.type.is_vector() && u64{v.index} + v.type.bytes() > f_.constant_bytes.size())
          return "a vector constant outside the constants";
      } else if (v.def == Def::Instruction) {
        if (v.index >= f_.instructions.size()) return "a value of no instruction";
        const u64 id = static_cast<u64>(&v - f_.values.data());
        if (f_.instructions[v.index].result != id)
          return "a value that its instruction does not define";
      } else {
        if (v.def != Def::BlockArgument || v.index >= f_.blocks.size())
          return "a value of no block";
        const Block& b = f_.blocks[v.index];
        const u64 id = static_cast<u64>(&v - f_.values.data());
        if (id < b.first_argument || id >= u64{b.first_argument} + b.argument_count)
          return "a block argument outside its block";
      }
    }
    for (BlockId b = 0; b < f_.blocks.size(); ++b)
      for (u32 i = 0; i < f_.blocks[b].argument_count; ++i) {
        const Value& v = f_.values[f_.blocks[b].first_argument + i];
        if (v.def != Def::BlockArgument || v.index != b) return "block arguments overlap";
      }
    return check_parameters();
  }

  const char* check_parameters() {
    const FunctionType& type = module_.types[f_.type];
    if (f_.blocks[0].argument_count != type.parameters.size())
      return "the entry's arguments are not the parameters";
    for (u32 i = 0; i < type.parameters.size(); ++i)
      if (f_.values[f_.blocks[0].first_argument + i].type != Type{type.parameters[i]})
        return "a parameter of another type than the function's";
    return nullptr;
  }

  const char* check_instruction(BlockId b, u32 n) {
    const Block& block = f_.blocks[b];
    const u32 index = block.first_instruction + n;
    const Instruction& i = f_.instructions[index];
    if (static_cast<u32>(i.op) >= kOpCount) return "no such operation";
    if (!i.type.valid()) return "an invalid result type";
    if (u64{i.first_operand} + i.operand_count > f_.operands.size()) return "operands outside";
    for (const u32 v : f_.operands_of(i))
      if (v >= f_.values.size()) return "no such operand";
    const bool ends = op_info(i.op).effects == Effects::Ends;
    if (ends != (n + 1 == block.instruction_count)) return "a block must end once, at its end";
    if (i.type.is_void() != (i.result == kNoValue)) return "result without type or type without";
    if (i.result != kNoValue) {
      if (i.result >= f_.values.size()) return "no such result";
      const Value& r = f_.values[i.result];
      if (r.def != Def::Instruction || r.index != index || r.type != i.type)
        return "the result belongs to something else";
    }
    if (const char* wrong = check_edges(i)) return wrong;
    return check_types(i, b, n);
  }

  const char* check_edges(const Instruction& i) {
    if (u64{i.first_edge} + i.edge_count > f_.edges.size()) return "edges outside";
    for (const Edge& e : f_.edges_of(i)) {
      if (e.block >= f_.blocks.size() || e.block == 0) return "a jump to no block, or the entry";
      const Block& to = f_.blocks[e.block];
      if (u64{e.first_argument} + e.argument_count > f_.operands.size()) return "edges outside";
      if (e.argument_count != to.argument_count) return "a jump with too few or many arguments";
      for (u32 a = 0; a < e.argument_count; ++a) {
        const u32 v = f_.operands[e.first_argument + a];
        if (v >= f_.values.size()) return "no such argument value";
        if (f_.values[v].type != f_.values[to.first_argument + a].type)
          return "a block argument of another type";
      }
    }
    return nullptr;
  }

  Type operand(const Instruction& i, u32 n) const {
    return f_.values[f_.operands[i.first_operand + n]].type;
  }

  const char* check_types(const Instruction& i, BlockId b, u32 n) {
    const auto count = [&](u32 wanted) { return i.operand_count == wanted; };
    const auto all = [&](u32 wanted, Type t) {
      if (!count(wanted)) return false;
      for (u32 k = 0; k < wanted; ++k)
        if (operand(i, k) != t) return false;
      return true;
    };
    const Type t = i.type;
    const bool wide_int = t.is_int() && t.kind != Kind::I1;
    const Type ptr{Kind::Ptr}, i1{Kind::I1}, i32t{Kind::I32}, i64t{Kind::I64};
    const char* const bad = "operands or result of the wrong type for the operation";
    const auto ok = [&](bool good) { return good ? nullptr : bad; };
    if (op_info(i.op).effects != Effects::Ends && i.edge_count != 0) return "edges in mid-block";

    switch (op_info(i.op).signature) {
      case Signature::IntBinary:
        if (t == i1) return ok((i.op == Op::and_ || i.op == Op::or_ || i.op == Op::xor_) &&
                               all(2, i1));
        return ok(wide_int && all(2, t));
      case Signature::IntUnary:
        return ok(wide_int && all(1, t));
      case Signature::IntCompare: {
        if (!count(2)) return bad;
        const Type o = operand(i, 0);
        // i1 has no order but that of 0 and 1.
        if (o == i1 && i.op >= Op::slt) return bad;
        return ok((o.is_int() || o == ptr) && operand(i, 1) == o && t == compare_result(o));
      }
      case Signature::IntOverflow: {
        if (!count(2)) return bad;
        const Type o = operand(i, 0);
        return ok(o.is_int() && o != i1 && !o.is_vector() && operand(i, 1) == o && t == i1);
      }
      case Signature::FloatBinary:
        return ok(t.is_arithmetic_float() && all(2, t));
      case Signature::FloatUnary:
        return ok(t.is_arithmetic_float() && all(1, t));
      case Signature::FloatTernary:
        return ok(t.is_arithmetic_float() && all(3, t));
      case Signature::FloatCompare: {
        if (!count(2)) return bad;
        const Type o = operand(i, 0);
        return ok(o.is_arithmetic_float() && operand(i, 1) == o && t == compare_result(o));
      }
      case Signature::Select: {
        if (!count(3) || operand(i, 1) != t || operand(i, 2) != t || t.is_void()) return bad;
        const Type c = operand(i, 0);
        return ok(c == i1 || (t.is_vector() && c == compare_result(t)));
      }
      case Signature::IntTruncate:
      case Signature::IntExtend: {
        if (!count(1)) return bad;
        const Type o = operand(i, 0);
        const bool narrows = op_info(i.op).signature == Signature::IntTruncate;
        return ok(t.is_int() && o.is_int() && t.lanes == o.lanes &&
                  (narrows ? t.element_bits() < o.element_bits()
                           : t.element_bits() > o.element_bits()));
      }
      case Signature::FloatTruncate:
      case Signature::FloatExtend: {
        if (!count(1)) return bad;
        const Type o = operand(i, 0);
        const bool narrows = op_info(i.op).signature == Signature::FloatTruncate;
        const Type big = narrows ? o : t, small = narrows ? t : o;
        return ok(big.is_arithmetic_float() && small.is_float() && t.lanes == o.lanes &&
                  small.element_bits() < big.element_bits());
      }
      case Signature::FloatToInt:
        return ok(count(1) && operand(i, 0).is_arithmetic_float() && wide_int &&
                  t.lanes == operand(i, 0).lanes);
      case Signature::IntToFloat:
        return ok(count(1) && operand(i, 0).is_int() && operand(i, 0) != i1 &&
                  t.is_arithmetic_float() && t.lanes == operand(i, 0).lanes);
      case Signature::Bitcast:
        return ok(count(1) && !t.is_void() && t != i1 && operand(i, 0) != i1 &&
                  t.bytes() == operand(i, 0).bytes());
      case Signature::Load:
        return ok(all(1, ptr) && !t.is_void() && i.aux < 32);
      case Signature::Store:
        return ok(count(2) && operand(i, 1) == ptr && t.is_void() && i.aux < 32);
      case Signature::MemCopy:
        return ok(count(3) && operand(i, 0) == ptr && operand(i, 1) == ptr &&
                  operand(i, 2) == i64t && t.is_void());
      case Signature::MemFill:
        return ok(count(3) && operand(i, 0) == ptr && operand(i, 1) == Type{Kind::I8} &&
                  operand(i, 2) == i64t && t.is_void());
      case Signature::PtrAdd:
        return ok(count(2) && operand(i, 0) == ptr && operand(i, 1) == i64t && t == ptr);
      case Signature::DataAddr:
        if (i.aux >= module_.data.size()) return "no such data";
        return ok(count(0) && t == ptr);
      case Signature::FuncAddr:
        if (i.aux >= module_.functions.size()) return "no such function";
        return ok(count(0) && t == ptr);
      case Signature::ImportAddr:
        if (i.aux >= module_.imports.size()) return "no such import";
        return ok(count(0) && t == ptr);
      case Signature::StackAlloc:
        if (b != 0) return "stack_alloc outside the entry block";
        stack_bytes_ += static_cast<u64>(i.imm) + 64;
        if (i.imm < 0 || static_cast<u64>(i.imm) > kMaxStackBytes || i.aux > 12 ||
            stack_bytes_ > kMaxStackBytes)
          return "more than 1 MiB of stack";
        return ok(count(0) && t == ptr);
      case Signature::Splat:
        return ok(t.is_vector() && all(1, t.element()));
      case Signature::Extract:
        return ok(count(2) && operand(i, 0).is_vector() && t == operand(i, 0).element() &&
                  operand(i, 1) == i32t);
      case Signature::Insert:
        return ok(count(3) && t.is_vector() && operand(i, 0) == t && operand(i, 1) == t.element() &&
                  operand(i, 2) == i32t);
      case Signature::Shuffle: {
        if (!count(2) || !t.is_vector()) return bad;
        const Type o = operand(i, 0);
        if (!o.is_vector() || operand(i, 1) != o || o.kind != t.kind) return bad;
        if (u64{i.aux} + t.lanes > f_.masks.size()) return "shuffle mask outside";
        for (u32 k = 0; k < t.lanes; ++k)
          if (f_.masks[i.aux + k] >= 2 * o.lanes) return "shuffle of a lane that is not there";
        return nullptr;
      }
      case Signature::IntReduce:
        return ok(count(1) && operand(i, 0).is_vector() && wide_int && t == operand(i, 0).element());
      case Signature::FloatReduce:
        return ok(count(2) && t.is_arithmetic_float() && operand(i, 0) == t &&
                  operand(i, 1).is_vector() && operand(i, 1).element() == t);
      case Signature::MaskBits:
        return ok(count(1) && operand(i, 0).is_vector() && operand(i, 0).is_int() && wide_int &&
                  !t.is_vector() && t.element_bits() >= operand(i, 0).lanes);
      case Signature::Dot4:
        return ok(count(2) && t.is_vector() && t.kind == Kind::I32 &&
                  all(2, {Kind::I8, static_cast<u8>(t.lanes * 4)}));
      case Signature::Call:
        if (i.aux >= module_.functions.size()) return "no such function";
        return check_call(i, module_.functions[i.aux].type, 0);
      case Signature::CallImport:
        if (i.aux >= module_.imports.size()) return "no such import";
        if (module_.imports[i.aux].is_data) return "a call of a variable";
        return check_call(i, module_.imports[i.aux].type, 0);
      case Signature::CallIndirect:
        if (i.operand_count == 0 || operand(i, 0) != ptr) return bad;
        return check_call(i, i.aux, 1);
      case Signature::LoopPoll:
        return ok(count(0) && t == ptr);
      case Signature::SecondResult: {
        if (!count(0) || n == 0) return "second without a call right before it";
        const Instruction& call = f_.instructions[f_.blocks[b].first_instruction + n - 1];
        if (op_info(call.op).effects != Effects::Calls) return "second without a call before it";
        const FunctionType& type = module_.types[call_type(call)];
        return ok(type.results.size() == 2 && t == Type{type.results[1]});
      }
      case Signature::AtomicLoad:
        return ok(all(1, ptr) && wide_int && !t.is_vector() && i.aux <= 12);
      case Signature::AtomicStore: {
        if (!count(2) || !t.is_void()) return bad;
        const Type o = operand(i, 0);
        return ok(o.is_int() && o != i1 && !o.is_vector() && operand(i, 1) == ptr && i.aux <= 12);
      }
      case Signature::AtomicUpdate:
      case Signature::AtomicCompare: {
        const u32 wanted = op_info(i.op).signature == Signature::AtomicUpdate ? 2 : 3;
        if (!count(wanted) || operand(i, wanted - 1) != ptr || !wide_int || t.is_vector()) return bad;
        return ok(operand(i, 0) == t && operand(i, wanted - 2) == t);
      }
      case Signature::Fence:
        return ok(count(0) && t.is_void() && i.aux <= 1);
      case Signature::StackGrow:
      case Signature::StackSave:
      case Signature::StackRestore:
        if (!(f_.flags & kGrowsStack)) return "stack space of variable size without the flag for it";
        if (i.op == Op::stack_grow) return ok(all(1, i64t) && t == ptr && i.aux <= 12);
        return i.op == Op::stack_save ? ok(count(0) && t == ptr) : ok(all(1, ptr) && t.is_void());
      case Signature::VaStart:
        if (!module_.types[f_.type].variadic) return "va_start in a function that is not variadic";
        return ok(all(1, ptr) && t.is_void());
      case Signature::Branch:
        return ok(count(0) && i.edge_count == 1 && t.is_void());
      case Signature::BranchIf:
        return ok(all(1, i1) && i.edge_count == 2 && t.is_void());
      case Signature::Switch:
        if (i.edge_count == 0 || u64{i.aux} + i.edge_count - 1 > f_.cases.size())
          return "switch cases outside";
        return ok(count(1) && operand(i, 0).is_int() && !operand(i, 0).is_vector() &&
                  operand(i, 0) != i1 && t.is_void());
      case Signature::Return: {
        const FunctionType& type = module_.types[f_.type];
        if (!count(static_cast<u32>(type.results.size()))) return bad;
        for (u32 k = 0; k < i.operand_count; ++k)
          if (operand(i, k) != Type{type.results[k]}) return bad;
        return ok(i.edge_count == 0 && t.is_void());
      }
      case Signature::Unreachable:
        return ok(count(0) && i.edge_count == 0 && t.is_void());
    }
    return "no such operation";
  }

  u32 call_type(const Instruction& call) const {
    if (call.op == Op::call || call.op == Op::call_generic) return module_.functions[call.aux].type;
    return call.op == Op::call_import ? module_.imports[call.aux].type : call.aux;
  }

  const char* check_call(const Instruction& i, u32 type_index, u32 first) {
    if (type_index >= module_.types.size()) return "no such function type";
    const FunctionType& type = module_.types[type_index];
    if (i.operand_count != type.parameters.size() + first) return "too few or many call arguments";
    for (u32 k = 0; k < type.parameters.size(); ++k)
      if (operand(i, first + k) != Type{type.parameters[k]}) return "a call argument's type differs";
    const Type result = type.results.empty() ? Type{} : Type{type.results[0]};
    return i.type == result ? nullptr : "a call whose result type differs";
  }

  // Unreachable blocks are checked like the others except for dominance, which has no meaning there.
  Result<void> check_dominance() {
    const Dominators dominators(f_);
    std::vector<BlockId> block_of(f_.instructions.size());
    for (BlockId b = 0; b < f_.blocks.size(); ++b)
      for (u32 n = 0; n < f_.blocks[b].instruction_count; ++n)
        block_of[f_.blocks[b].first_instruction + n] = b;
    for (const BlockId b : dominators.reverse_post_order()) {
      for (u32 n = 0; n < f_.blocks[b].instruction_count; ++n) {
        const u32 at = f_.blocks[b].first_instruction + n;
        const Instruction& i = f_.instructions[at];
        bool good = true;
        const auto visible = [&](ValueId id) {
          const Value& v = f_.values[id];
          if (v.def == Def::Constant) return true;
          if (v.def == Def::BlockArgument)
            return dominators.reachable(v.index) && dominators.dominates(v.index, b);
          const BlockId from = block_of[v.index];
          if (from == b) return v.index < at;
          return dominators.reachable(from) && dominators.dominates(from, b);
        };
        for (const u32 v : f_.operands_of(i)) good = good && visible(v);
        for (const Edge& e : f_.edges_of(i))
          for (const u32 v : f_.arguments_of(e)) good = good && visible(v);
        if (!good) return error("use of a value that is not defined on every way to it", b, n);
      }
    }
    return {};
  }

  const Module& module_;
  const Function& f_;
  u64 stack_bytes_ = 0;
};

const char* check_by_value(const FunctionType& t) {
  u64 total = 0;
  i64 before = -1;
  for (const ByValue& v : t.by_value) {
    if (i64{v.parameter} <= before || v.parameter >= t.parameters.size() ||
        t.parameters[v.parameter] != Kind::Ptr)
      return "IR image: a parameter by value that is no pointer, or out of order";
    if (v.align_log2 < 3 || v.align_log2 > 10 || (total += v.bytes) > kMaxByValueBytes)
      return "IR image: a parameter by value of an absurd size or alignment";
    before = v.parameter;
  }
  return nullptr;
}

Result<void> verify_tables(const Module& m) {
  for (const FunctionType& t : m.types) {
    if (t.results.size() > kMaxResults || t.parameters.size() > kMaxParameters)
      return Error::format("IR image: a function type with too many parameters or results");
    for (const Kind k : t.parameters)
      if (!is_signature_kind(k)) return Error::format("IR image: a parameter of an invalid type");
    for (const Kind k : t.results)
      if (!is_signature_kind(k)) return Error::format("IR image: a result of an invalid type");
    if (const char* wrong = check_by_value(t)) return Error::format("%s", wrong);
  }
  for (const Module::String& s : m.strings)
    if (u64{s.offset} + s.size > m.characters.size())
      return Error::format("IR image: a name outside the names");
  const auto no_name = [&](u32 id) { return id >= m.strings.size(); };
  for (const u32 file : m.files)
    if (no_name(file)) return Error::format("IR image: a source file without a name");
  for (const Import& i : m.imports)
    if (no_name(i.name) || i.type >= m.types.size())
      return Error::format("IR image: an import without name or type");
  for (usize i = 0; i < m.functions.size(); ++i)
    if (no_name(m.functions[i].name) || m.functions[i].index != i)
      return Error::format("IR image: a function without a name");
  return {};
}

Result<void> verify_data(const Module& m) {
  constexpr u64 kMaxData = u64{1} << 30;
  u64 total = 0;
  for (const Data& d : m.data) {
    if (d.name >= m.strings.size()) return Error::format("IR image: data without a name");
    const auto name = m.string(d.name);
    const int shown = static_cast<int>(name.size() < 80 ? name.size() : 80);
    if (d.size > kMaxData || d.align_log2 > 12 || d.bytes.size() > d.size ||
        (total += d.size) > kMaxData)
      return Error::format("IR data %.*s: size or alignment is absurd", shown, name.data());
    for (const Relocation& r : d.relocations) {
      const u64 targets = r.target == Target::Data       ? m.data.size()
                          : r.target == Target::Function ? m.functions.size()
                                                         : m.imports.size();
      if (r.target > Target::Import || r.index >= targets || d.bytes.size() < 8 ||
          r.offset > d.bytes.size() - 8)
        return Error::format("IR data %.*s: a relocation outside of it or to nothing", shown,
                             name.data());
    }
  }
  return {};
}

}  // namespace

Result<void> verify_function(const Module& module, const Function& function) {
  return FunctionVerifier(module, function).run();
}

Result<void> verify(const Module& module) {
  if (auto ok = verify_tables(module); !ok) return ok.error();
  if (auto ok = verify_data(module); !ok) return ok.error();
  for (const Function& f : module.functions)
    if (auto ok = verify_function(module, f); !ok) return ok.error();
  return {};
}

}  // namespace bf::ir
