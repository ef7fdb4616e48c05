// From a function's IR to cells: lays out the frame, picks a handler per instruction, joins cells
// that one can do the work of.
#include "microjit/interp/decoder.h"

#include <algorithm>

#include "runtime/fit.h"

namespace bf::microjit::interp {

std::unique_ptr<Code> Decoder::run() {
  lay_out_frame();
  block_cells_.resize(f_.blocks.size());
  for (BlockId b = 0; b < f_.blocks.size(); ++b)
    if (analysis_.reachable(b)) block(b);
  fit(code_->cells);
  for (const Patch& p : patches_) patch(p);
  code_->frame_bytes = align_up(frame_, 64u);
  code_->places.resize(f_.values.size());
  for (ValueId v = 0; v < f_.values.size(); ++v)
    code_->places[v] = slots_[analysis_.group(analysis_.root(v))];
  return std::move(code_);
}

u32 Decoder::reserve(u32 bytes) {
  const u32 at = frame_;
  frame_ += bytes;
  return at;
}

void Decoder::lay_out_frame() {
  slots_.assign(f_.values.size(), kNone);
  const Block& entry = f_.blocks[0];
  frame_ = kParametersOffset;
  for (u32 i = 0; i < entry.argument_count; ++i)
    slots_[analysis_.group(entry.first_argument + i)] = reserve(8);
  frame_ = align_up(frame_, 16u);
  scratch_ = reserve(kScratchBytes);
  if (module_.types[f_.type].variadic) code_->va_area = reserve(kVaAreaBytes);
  if (f_.flags & ir::kGrowsStack) chunks_ = reserve(8);
}

// The same for somebody who will jump here.
u32 Decoder::label() {
  settle();
  return label_ = here();
}

// The last cell is complete: it may become one with the cell before, if nobody jumps between them.
void Decoder::settle() {
  auto& cells = code_->cells;
  if (cells.size() < 2 || cells.size() - 1 <= label_) return;
  if (joiner_.join(cells[cells.size() - 2], cells.back())) cells.pop_back();
}

Cell& Decoder::emit(Handler* handler, u32 a, u32 b, u32 c, u32 d) {
  BF_ASSERT(handler != nullptr);
  settle();
  Cell cell;
  cell.handler = handler;
  cell.a = a, cell.b = b, cell.c = c, cell.d = d;
  code_->cells.push_back(cell);
  return code_->cells.back();
}

ValueId Decoder::value(const Instruction& i, u32 n) const {
  return analysis_.root(f_.operands[i.first_operand + n]);
}

Type Decoder::operand_type(const Instruction& i, u32 n) const {
  return f_.values[f_.operands[i.first_operand + n]].type;
}

void Decoder::block(BlockId id) {
  block_cells_[id] = label();
  forget_accumulators();
  const Block& b = f_.blocks[id];
  if (id == 0 && chunks_ != kNone) emit(stack_start_handler(), 0, 0, 0, chunks_);
  for (u32 n = 0; n < b.instruction_count; ++n) {
    const Instruction& i = f_.instructions[b.first_instruction + n];
    if (analysis_.has_no_cell(i) || is_dead(i)) continue;
    const Instruction* next = n + 1 < b.instruction_count ? &i + 1 : nullptr;
    instruction(i, next, id);
  }
}

bool Decoder::is_dead(const Instruction& i) const {
  return i.result != kNoResult && analysis_.uses(i.result) == 0 &&
         op_info(i.op).effects == Effects::Pure;
}

// A handler with everything in the frame.
void Decoder::simple(const Instruction& i, Choice choice) {
  const u32 a = i.result == kNoResult ? 0 : place(i.result);
  const u32 b = i.operand_count > 0 ? operand(i, 0) : 0;
  const u32 c = i.operand_count > 1 ? operand(i, 1) : 0;
  const u32 d = i.operand_count > 2 ? operand(i, 2) : 0;
  Cell& cell = emit(choice.handler, a, b, c, d);
  cell.imm = choice.imm;
}

void Decoder::instruction(const Instruction& i, const Instruction* next, BlockId b) {
  switch (op_info(i.op).signature) {
    case Signature::IntBinary:
      if (i.type.is_vector() && uniform_shift(i)) return;
      if (binary(i)) return;
      return simple(i, integer_handler(i.op, i.type));
    case Signature::IntUnary:
      if (unary(i)) return;
      return simple(i, integer_handler(i.op, i.type));
    case Signature::IntCompare:
    case Signature::IntOverflow:
      return simple(i, integer_handler(i.op, operand_type(i, 0)));
    case Signature::FloatBinary:
      if (binary(i)) return;
      return simple(i, float_handler(i.op, i.type));
    case Signature::FloatUnary:
      if (unary(i)) return;
      return simple(i, float_handler(i.op, i.type));
    case Signature::FloatTernary:
      return simple(i, float_handler(i.op, i.type));
    case Signature::FloatCompare:
      return simple(i, float_handler(i.op, operand_type(i, 0)));
    case Signature::Select:
      return simple(i, operand_type(i, 0).is_vector() ? vector_handler(i.op, i.type)
                                                      : select_whole_handler(i.type));
    case Signature::IntTruncate:
    case Signature::IntExtend:
    case Signature::FloatTruncate:
    case Signature::FloatExtend:
    case Signature::FloatToInt:
    case Signature::IntToFloat:
      if (unary(i)) return;
      return simple(i, convert_handler(i.op, operand_type(i, 0), i.type));
    case Signature::Bitcast:
      return move(place(i.result), operand(i, 0), i.type);
    case Signature::Load:
      return load(i);
    case Signature::Store:
      return store(i);
    case Signature::MemCopy:
    case Signature::MemFill: {
      const u32 a = operand(i, 0), b = operand(i, 1), c = operand(i, 2);
      emit(memory_handler(i.op).handler, a, b, c);
      return;
    }
    case Signature::PtrAdd: {
      if (address(i)) return;
      simple(i, memory_handler(i.op));
      code_->cells.back().d = i.aux;
      code_->cells.back().imm = i.imm;
      return;
    }
    case Signature::DataAddr:
    case Signature::FuncAddr:
    case Signature::ImportAddr:
    case Signature::SecondResult:
      return;  // constants; written by the call
    case Signature::LoopPoll:
      if (i.op == Op::resume_entry)
        emit(resume_entry_handler(), place(i.result), i.aux, static_cast<u32>(i.imm));
      else
        emit(loop_poll_handler(), place(i.result)).imm = i.aux;
      return;
    case Signature::StackAlloc: {
      const u32 align = i.aux < 4 ? 16 : 1u << i.aux;
      const u32 at = align_up(frame_, 16u);
      frame_ = at + align_up(static_cast<u32>(i.imm), 16u) + align;
      emit(memory_handler(i.op).handler, place(i.result), at).imm = align;
      return;
    }
    case Signature::Splat:
      return simple(i, vector_handler(i.op, i.type));
    case Signature::Extract:
    case Signature::IntReduce:
    case Signature::MaskBits:
      return simple(i, vector_handler(i.op, operand_type(i, 0)));
    case Signature::FloatReduce:
      return simple(i, vector_handler(i.op, operand_type(i, 1)));
    case Signature::Insert:
    case Signature::Dot4:
      return simple(i, vector_handler(i.op, i.type));
    case Signature::Shuffle:
      return shuffle(i);
    case Signature::Call:
    case Signature::CallImport:
    case Signature::CallIndirect:
      return call(i, next);
    case Signature::VaStart: {
      const u32 list = operand(i, 0);
      emit(va_start_handler(), list, code_->va_area);
      return;
    }
    case Signature::Branch:
      return edge(f_.edges[i.first_edge], b);
    case Signature::BranchIf:
      return branch_if(i, b);
    case Signature::Switch:
      return switch_on(i, b);
    case Signature::AtomicLoad:
    case Signature::AtomicStore:
    case Signature::AtomicUpdate:
    case Signature::AtomicCompare:
      return atomic(i);
    case Signature::Fence:
      emit(fence_handler()).imm = i.aux;
      return;
    case Signature::StackGrow:
    case Signature::StackSave:
    case Signature::StackRestore:
      return stack_space(i);
    case Signature::Return:
      if (chunks_ != kNone) {
        for (u32 n = 0; n < i.operand_count; ++n) operand(i, n);
        emit(stack_release_handler(), 0, 0, 0, chunks_);
      }
      return leave(i);
    case Signature::Unreachable:
      emit(unreachable_handler());
      return;
  }
}

bool Decoder::uniform_shift(const Instruction& i) {
  const Value& amount = f_.values[value(i, 1)];
  if (amount.def != Def::Constant) return false;
  Handler* handler = uniform_shift_handler(i.op, i.type);
  if (!handler) return false;
  const auto bytes = f_.vector_bytes(amount);
  const u32 size = i.type.element_bytes();
  for (u32 k = size; k < bytes.size(); ++k)
    if (bytes[k] != bytes[k - size]) return false;
  const u32 b = operand(i, 0);
  emit(handler, place(i.result), b).imm = bytes[0] & (i.type.element_bits() - 1);
  return true;
}

// Values of odd sizes (vectors of 2, 4, 8 bytes) are moved as integers of that size.
void Decoder::move(u32 to, u32 from, Type type) {
  if (to != from) emit(move_handler(slot_bytes(type)), to, from);
}

void Decoder::atomic(const Instruction& i) {
  const u32 where = operand(i, i.operand_count - 1u);
  const u32 first = i.operand_count > 1 ? operand(i, 0) : 0;
  const u32 second = i.operand_count > 2 ? operand(i, 1) : 0;
  if (i.op == Op::atomic_store)
    emit(atomic_store_handler(operand_type(i, 0).bytes()), first, where).imm = i.imm;
  else
    emit(atomic_handler(i.op, i.type), place(i.result), where, first, second).imm = i.imm;
}

void Decoder::stack_space(const Instruction& i) {
  const u32 b = i.operand_count > 0 ? operand(i, 0) : 0;
  if (i.op == Op::stack_grow)
    emit(stack_grow_handler(), place(i.result), b, std::max(16u, 1u << i.aux), chunks_);
  else if (i.op == Op::stack_save)
    emit(stack_save_handler(), place(i.result), 0, 0, chunks_);
  else
    emit(stack_restore_handler(), 0, b, 0, chunks_);
}

void Decoder::leave(const Instruction& i) {
  if (i.operand_count == 1 && value(i, 0) == acc_) {
    emit(return_acc_handler());
    return used_up(acc_);
  }
  const u32 b = i.operand_count > 0 ? operand(i, 0) : 0;
  const u32 c = i.operand_count > 1 ? operand(i, 1) : 0;
  emit(return_handler(i.operand_count), 0, b, c);
}

void Decoder::shuffle(const Instruction& i) {
  auto plan = std::make_unique<ShufflePlan>();
  const Type from = operand_type(i, 0);
  const u32 size = i.type.element_bytes();
  for (u32 lane = 0; lane < i.type.lanes; ++lane) {
    const u32 source = f_.masks[i.aux + lane];
    const u32 at = source < from.lanes ? operand(i, 0) + source * size
                                       : operand(i, 1) + (source - from.lanes) * size;
    const u32 to = place(i.result) + lane * size;
    if (!plan->runs.empty()) {
      ShufflePlan::Run& last = plan->runs.back();
      if (last.from + last.bytes == at && last.to + last.bytes == to) {
        last.bytes += size;
        continue;
      }
    }
    plan->runs.push_back({at, to, size});
  }
  emit(vector_handler(i.op, i.type).handler).pointer = plan.get();
  code_->shuffles.push_back(std::move(plan));
}

void Decoder::call(const Instruction& i, const Instruction* next) {
  auto site = std::make_unique<CallSite>();
  u32 first = 0;
  u32 type = i.aux;
  if (i.op == Op::call || i.op == Op::call_generic) {
    site->callee = linkage_.functions[i.aux];
    type = module_.functions[i.aux].type;
  } else if (i.op == Op::call_import) {
    site->address = linkage_.imports[i.aux];
    type = module_.imports[i.aux].type;
  } else {
    site->pointer = operand(i, 0);
    site->functions = {linkage_.functions, module_.functions.size()};
    site->origin = static_cast<u32>(&i - f_.instructions.data());
    first = 1;
  }
  site->type = &module_.types[type];
  site->plain = site->type->is_plain();
  for (u32 n = first; n < i.operand_count; ++n) site->arguments.push_back(operand(i, n));
  if (i.result != kNoResult && analysis_.uses(i.result) != 0) site->results[0] = place(i.result);
  if (next && next->op == Op::second) site->results[1] = place(next->result);
  emit(call_handler(i.op)).pointer = site.get();
  code_->calls.push_back(std::move(site));
  forget_accumulators();
}

std::unique_ptr<Code> decode(const Module& module, const Function& function,
                             const Linkage& linkage) {
  return Decoder(module, function, linkage).run();
}

}  // namespace bf::microjit::interp
