#include "microjit/tiers/codegen.h"

#include <memory>

#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit {

namespace baseline {

using ir::Instruction;
using ir::Op;
using ir::Signature;
using ir::ValueId;

namespace {

constexpr u32 kLoopAlignment = 16;

}  // namespace

void FirstError::handleError(asmjit::Error, const char* message, asmjit::BaseEmitter*) {
  if (failed_) return;
  failed_ = true;
  std::snprintf(message_, sizeof message_, "%s", message);
}

Compiler::Compiler(const ir::Module& module, const ir::Function& function,
                   const CodegenOptions& options, bool probe_frame, Registers registers)
    : module_(module),
      f_(function),
      options_(options),
      features_(options.features),
      analysis_(module, function, options.features, registers),
      isa_(analysis_.isa),
      probe_frame_(probe_frame) {
  code_.setErrorHandler(&first_error_);
  code_.init(asmjit::Environment(asmjit::Arch::kX64));
  code_.attach(&a_);
  labels_.resize(function.blocks.size());
  for (const ir::BlockId b : analysis_.layout.order) labels_[b] = a_.newLabel();
  std::fill(std::begin(borrow_slots_), std::end(borrow_slots_), -1);
  exit_ = a_.newLabel();
  constants_label_ = a_.newLabel();
}

Error Compiler::error(const char* what) const {
  const auto name = module_.name(f_);
  return Error::format("baseline tier: %.*s: %s",
                       static_cast<int>(name.size() < 80 ? name.size() : 80), name.data(), what);
}

Result<CompiledCode> Compiler::finish() {
  if (first_error_.failed()) return error(first_error_.message());
  const u32 code_bytes = static_cast<u32>(a_.offset());
  place_jump_tables();
  if (!constants_.empty()) a_.align(asmjit::AlignMode::kZero, 64);
  a_.bind(constants_label_);
  if (!constants_.empty()) a_.embed(constants_.data(), constants_.size());
  code_.flatten();
  if (first_error_.failed()) return error(first_error_.message());
  if (code_.hasUnresolvedLinks()) code_.resolveUnresolvedLinks();
  out_.code_bytes = code_bytes;
  out_.bytes.resize(code_.codeSize());
  code_.copyFlattenedData(out_.bytes.data(), out_.bytes.size());
  if (first_error_.failed()) return error(first_error_.message());
  return std::move(out_);
}

void Compiler::note_location(ir::Location location) {
  if (location == location_) return;
  location_ = location;
  const u32 offset = static_cast<u32>(a_.offset());
  if (!out_.lines.empty() && out_.lines.back().offset == offset)
    out_.lines.back().location = location;
  else
    out_.lines.push_back({offset, location});
}

void Compiler::block(u32 k) {
  const ir::BlockId id = analysis_.layout.order[k];
  const ir::Block& block = f_.blocks[id];
  // The block before falls into this one and nothing else comes here: the cache is still true.
  bool continues = k == 0;
  if (k != 0 && analysis_.layout.incoming[k] == 1)
    for (const ir::Edge& e : f_.edges_of(f_.terminator(f_.blocks[analysis_.layout.order[k - 1]])))
      continues = continues || e.block == id;
  current_ = k;
  const bool everywhere = analysis_.registers == Registers::Everywhere;
  if (k != 0)
    reserved_ = analysis_.reserved_in(
        analysis_.block_start[k], everywhere ? analysis_.block_start[k] : analysis_.block_end[k]);
  forget_cache(continues && k != 0 ? reserved_ : continues ? 0 : ~RegMask{0});
  if (k != 0)
    for (u32 n = 0; n < block.argument_count; ++n)
      for (u32 p = 0; p < info(block.first_argument + n).part_count; ++p) {
        Part& it = part(block.first_argument + n, p);
        it.in_slot = it.fixed == kNoReg;
      }
  hold_for_block(k);
  if (everywhere && analysis_.layout.loop[k] == k) a_.align(asmjit::AlignMode::kCode, kLoopAlignment);
  a_.bind(labels_[id]);
  u32 position = analysis_.block_start[k] + 1;
  for (const Instruction& i : f_.instructions_of(block)) {
    if (first_error_.failed()) return;
    note_location(i.location);
    now_ = &i;
    if (everywhere) begin_instruction(position);
    if (&i == &f_.terminator(block)) make_for_loops(k);
    instruction(i);
    end_instruction(i);
    position += 2;
  }
}

// Constants and addresses that have a register in this block.
void Compiler::hold_for_block(u32 k) {
  const auto& held = analysis_.held;
  for (u32 n = next_held_; n-- != 0 && held[n].block + 1 == k;) part(held[n].value, 0).fixed = kNoReg;
  for (; next_held_ < held.size() && held[next_held_].block == k; ++next_held_)
    part(held[next_held_].value, 0).fixed = held[next_held_].reg;
}

// Those for the loops that begin behind this block.
void Compiler::make_for_loops(u32 k) {
  const auto& made = analysis_.made;
  for (; next_made_ < made.size() && made[next_made_].block == k; ++next_made_)
    make_again(made[next_made_].reg, made[next_made_].value, 0);
}

// Registers that begin to hold a value for life here are no longer free for others.
void Compiler::begin_instruction(u32 position) {
  position_ = position;
  const Analysis::Reserved reserved = analysis_.reserved_at(position);
  read_ = reserved.reading;
  reserved_ = reserved.either;
  across_call_ = 0;
  if ((occupied_ & reserved_) != 0) evict_all(reserved_);
}

void Compiler::end_instruction(const Instruction& i) {
  if (i.result != ir::kNoValue && info(i.result).by_user) return;  // its operands are the users'
  for (const ValueId v : f_.operands_of(i)) release(v);
  for (const ir::Edge& e : f_.edges_of(i)) {
    const ValueId first = f_.blocks[e.block].first_argument;
    const auto arguments = f_.arguments_of(e);
    for (u32 n = 0; n < arguments.size(); ++n)
      if (analysis_.is_read(first + n)) release(arguments[n]);
  }
  if (i.result != ir::kNoValue) complete(i.result);
  if (!borrowed_.empty()) give_back();
  if (across_call_ != 0) restore_after_call();
  pinned_ = 0;
}

void Compiler::instruction(const Instruction& i) {
  const ir::OpInfo& op = ir::op_info(i.op);
  if (i.result != ir::kNoValue) {
    if (info(i.result).by_user || info(i.result).remade) return;
    const bool removable = op.effects == ir::Effects::Pure || op.effects == ir::Effects::Reads;
    if (removable && info(i.result).uses == 0) return;
  }
  const bool vector =
      i.type.is_vector() || (i.operand_count != 0 && type_of(f_.operands_of(i)[0]).is_vector());
  switch (op.signature) {
    case Signature::IntBinary:
      return vector ? vector_op(i) : integer_binary(i);
    case Signature::IntUnary:
      return vector ? vector_op(i) : integer_unary(i);
    case Signature::IntCompare:
    case Signature::FloatCompare:
      return vector ? vector_op(i) : compare_scalar(i);
    case Signature::IntOverflow:
      return overflow(i);
    case Signature::FloatBinary:
    case Signature::FloatUnary:
    case Signature::FloatTernary:
      return vector ? vector_op(i) : float_op(i);
    case Signature::Select:
      if (i.type.is_vector() && type_of(f_.operands_of(i)[0]).is_vector()) return vector_op(i);
      return select(i);
    case Signature::IntTruncate:
    case Signature::IntExtend:
      return vector ? vector_op(i) : convert_integer(i);
    case Signature::FloatTruncate:
    case Signature::FloatExtend:
    case Signature::FloatToInt:
    case Signature::IntToFloat:
      return vector ? vector_op(i) : convert_float(i);
    case Signature::Bitcast:
      return bitcast(i);
    case Signature::Load:
      return load(i);
    case Signature::Store:
      return store(i);
    case Signature::MemCopy:
    case Signature::MemFill:
      return memory_intrinsic(i);
    case Signature::PtrAdd:
      return pointer_arithmetic(i);
    case Signature::DataAddr:
    case Signature::FuncAddr:
    case Signature::ImportAddr:
    case Signature::StackAlloc:
    case Signature::SecondResult:
      return;  // made where they are used, or by the call
    case Signature::Splat:
    case Signature::Extract:
    case Signature::Insert:
    case Signature::Shuffle:
    case Signature::IntReduce:
    case Signature::FloatReduce:
    case Signature::MaskBits:
    case Signature::Dot4:
      return vector_op(i);
    case Signature::Call:
    case Signature::CallImport:
    case Signature::CallIndirect:
      return call(i);
    case Signature::AtomicLoad:
    case Signature::AtomicStore:
    case Signature::AtomicUpdate:
    case Signature::AtomicCompare:
    case Signature::Fence:
      return atomic(i);
    case Signature::StackGrow:
    case Signature::StackSave:
    case Signature::StackRestore:
      return stack_space(i);
    case Signature::VaStart:
      return start_va_list(i);
    case Signature::LoopPoll:
      return i.op == Op::resume_entry ? resume_entry(i) : loop_poll(i);
    case Signature::Branch:
      return branch(i);
    case Signature::BranchIf:
      return branch_if(i);
    case Signature::Switch:
      return switch_on(i);
    case Signature::Return:
      return return_results(i);
    case Signature::Unreachable:
      if (analysis_.wide_vectors) a_.vzeroupper();
      return call_helper(Helper::trap_unreachable);
  }
}

}  // namespace baseline

Result<CompiledCode> generate_code(const ir::Module& module, const ir::Function& function,
                                   const CodegenOptions& options) {
  // On the heap: the stack of the machine that compiles may be small.
  using baseline::Registers;
  const auto attempt = [&](Registers registers) {
    auto compiler =
        std::make_unique<baseline::Compiler>(module, function, options, false, registers);
    if (!compiler->emit()) {
      compiler = std::make_unique<baseline::Compiler>(module, function, options, true, registers);
      compiler->emit();
    }
    return compiler->finish();
  };
  // Should an instruction ever want more registers than there are: slower code, but code.
  // (Where the stack grows, rbx is the base of the frame.)
  if (options.quality == Quality::Best && !options.spill_everything &&
      (function.flags & ir::kGrowsStack) == 0)
    if (auto code = attempt(Registers::Everywhere)) return code;
  if (!options.spill_everything)
    if (auto code = attempt(Registers::AcrossBlocks)) return code;
  return attempt(Registers::None);
}

}  // namespace bf::microjit
