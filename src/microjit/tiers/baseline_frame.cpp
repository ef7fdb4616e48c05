// The frame of a function:
//
//   [rbp + 16 ...]  stack arguments of the function
//   [rbp + 8]       return address
//   [rbp]           the caller's rbp
//   [rbp - 8 ...]   callee-saved registers
//   [rsp + ...]     slots, stack_allocs
//   [rsp]           stack arguments of its calls
//
// Where the function has stack space of variable size, that lies between slots and stack arguments,
// and rbx stands for what rsp was before.
#include <algorithm>

#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Op;
using ir::ValueId;

namespace {

constexpr u32 kMaxUnprobedBytes = 2048;  // calls below may touch so much more before they probe
constexpr RegId kSaveOrder[] = {kRbx, kR12, kR13, kR14, kR15};

// Calls with more stack arguments than this are counted and not timed: who times a call makes it
// again.
constexpr u32 kMostCopiedBytes = 256;

}  // namespace

i32 Compiler::new_slot(u32 bytes) {
  const u32 alignment = std::min(bytes, std::max(16u, analysis_.frame_alignment));
  frame_bytes_ = align_up(frame_bytes_, alignment);
  const i32 offset = static_cast<i32>(frame_bytes_);
  frame_bytes_ += bytes;
  return offset;
}

i32 Compiler::slot_of(ValueId v) {
  ValueInfo& it = info(v);
  if (it.slot >= 0) return it.slot;
  const u32 bytes = it.part_count * it.part_bytes;
  auto& free = free_slots_[bytes == 8 ? 0 : bytes == 16 ? 1 : bytes == 32 ? 2 : 3];
  if (free.empty()) {
    it.slot = new_slot(bytes);
  } else {
    it.slot = free.back();
    free.pop_back();
  }
  return it.slot;
}

x86::Mem Compiler::frame(i32 offset, u32 bytes) const {
  // Arguments of calls, at negative offsets, are where the stack ends at that time.
  return x86::ptr(offset < 0 ? gp64(kRsp) : frame_base(),
                  offset + static_cast<i32>(analysis_.outgoing_bytes), bytes);
}

x86::Mem Compiler::slot(ValueId v, u32 p, u32 bytes) {
  const ValueInfo& it = info(v);
  const i32 offset = slot_of(v) + static_cast<i32>(p * it.part_bytes);
  return frame(offset, bytes != 0 ? bytes : it.part_bytes);
}

// Only r10 and r11 hold nothing at a function's entry.
void Compiler::heat_entry() {
  hot_ = a_.newLabel();
  cooled_ = a_.newLabel();
  reloc(kR11, RelocKind::Heat, f_.index);
  a_.sub(x86::ptr(x86::r11, 0, 8), Imm(kCallHeat));
  a_.jle(hot_);
  a_.bind(cooled_);
}

void Compiler::heat_used_up() {
  a_.bind(hot_);
  reloc(kR11, RelocKind::State, f_.index);
  reloc(kR10, RelocKind::Helper, static_cast<u32>(Helper::hot));
  a_.call(x86::r10);
  a_.jmp(cooled_);
}

// Null in the result, unless the engine says otherwise where heat is used up.
void Compiler::loop_poll(const ir::Instruction& i) {
  const RegId result = define(i.result, 0);
  const Poll poll{a_.newLabel(), a_.newLabel(), result, i.aux};
  a_.xor_(gp32(result), gp32(result));
  reloc(kR11, RelocKind::Heat, f_.index);
  a_.sub(x86::ptr(x86::r11, 0, 8), Imm(1));
  a_.jle(poll.ask);
  a_.bind(poll.back);
  polls_.push_back(poll);
}

void Compiler::polls_out_of_line() {
  for (const Poll& poll : polls_) {
    a_.bind(poll.ask);
    a_.push(Imm(poll.header));
    reloc(kR11, RelocKind::State, f_.index);
    a_.push(x86::r11);
    reloc(kR11, RelocKind::Helper, static_cast<u32>(Helper::poll));
    a_.call(x86::r11);
    a_.mov(gp64(poll.result), x86::r11);
    a_.jmp(poll.back);
  }
}

void Compiler::resume_entry(const ir::Instruction& i) {
  save_before_call(i);
  reloc(kRdi, RelocKind::State, f_.index);
  a_.mov(x86::esi, Imm(i.aux));
  a_.mov(x86::edx, Imm(i.imm));
  call_helper(Helper::resume);
  forget_cache(~kCalleeSaved);
  pin(kRax);
  bind(i.result, 0, kRax);
}

void Compiler::prologue() {
  if (options_.heat) heat_entry();
  if (options_.profile) count_call();
  a_.push(x86::rbp);
  a_.mov(x86::rbp, x86::rsp);
  out_.frame_start = static_cast<u32>(a_.offset());
  for (const RegId r : kSaveOrder)
    if ((analysis_.saved & bit(r)) != 0) {
      a_.push(gp64(r));
      ++saved_count_;
    }
  if (probe_frame_) {
    // Touches every page on the way down, so that a guard page is met and not jumped over.
    const Label loop = a_.newLabel();
    frame_patch_ = static_cast<u32>(a_.offset()) + 3;
    const u8 mov_r11_imm32[] = {0x49, 0xc7, 0xc3, 0, 0, 0, 0};
    a_.embed(mov_r11_imm32, sizeof mov_r11_imm32);
    a_.neg(x86::r11);
    a_.add(x86::r11, x86::rsp);
    a_.bind(loop);
    a_.sub(x86::rsp, static_cast<i32>(platform::kPageBytes));
    a_.test(x86::ptr(x86::rsp, 0, 8), x86::rsp);
    a_.cmp(x86::rsp, x86::r11);
    a_.ja(loop);
    a_.mov(x86::rsp, x86::r11);
    a_.test(x86::ptr(x86::rsp, 0, 8), x86::rsp);
  } else {
    frame_patch_ = static_cast<u32>(a_.offset()) + 3;
    const u8 sub_rsp_imm32[] = {0x48, 0x81, 0xec, 0, 0, 0, 0};
    a_.embed(sub_rsp_imm32, sizeof sub_rsp_imm32);
  }
  if (analysis_.frame_alignment > 16)
    a_.and_(x86::rsp, -static_cast<i32>(analysis_.frame_alignment));
  if (analysis_.grows_stack) a_.mov(frame_base(), x86::rsp);
  for (const ir::Instruction& i : f_.instructions_of(f_.blocks[0])) {
    if (i.op != Op::stack_alloc) continue;
    frame_bytes_ = align_up(frame_bytes_, std::max(8u, 1u << i.aux));
    stack_allocs_.push_back({i.result, static_cast<i32>(frame_bytes_)});
    frame_bytes_ += static_cast<u32>(i.imm);
  }
  frame_bytes_ = align_up(frame_bytes_, 8u);
}

// Parameters go to their fixed registers, stay where they came in, or go to their slots.
void Compiler::receive_parameters() {
  const ir::FunctionType& type = module_.types[f_.type];
  const Passing passing(type);
  const ir::Block& entry = f_.blocks[0];
  if (type.variadic) save_variadic_arguments();
  for (u32 n = 0; n < entry.argument_count; ++n) {
    const ValueId v = entry.first_argument + n;
    const RegId at = passing.where[n].reg;
    if (info(v).uses == 0 || at == kNoReg) continue;
    if (const RegId fixed = part(v, 0).fixed; fixed != kNoReg) {
      Move move;
      move.to = fixed;
      move.from = at;
      move.bank = info(v).bank;
      moves_.push_back(move);
    } else if ((reserved_ & bit(at)) != 0) {
      store_part(v, 0, at);
    } else {
      cache(at, v, 0);
      if (info(v).crosses_blocks) store_part(v, 0, at);
    }
  }
  run_moves();
  for (u32 n = 0; n < entry.argument_count; ++n) {
    const ValueId v = entry.first_argument + n;
    if (info(v).uses == 0 || passing.where[n].reg != kNoReg) continue;
    const x86::Mem from =
        x86::ptr(x86::rbp, 16 + static_cast<i32>(passing.where[n].stack_offset), 8);
    const RegId fixed = part(v, 0).fixed;
    if (info(v).bank == Bank::Gp) {
      const RegId to = fixed != kNoReg ? fixed : kScratchGp;
      if (passing.where[n].copied != 0)
        a_.lea(gp64(to), from);
      else
        a_.mov(gp64(to), from);
      if (fixed == kNoReg) store_part(v, 0, to);
    } else {
      const RegId to = fixed != kNoReg ? fixed : kScratchVec;
      load_vec(to, from, 8);
      if (fixed == kNoReg) store_part(v, 0, to);
    }
  }
}

void Compiler::patch_frame() {
  u32 size = analysis_.outgoing_bytes + frame_bytes_;
  const u32 alignment = analysis_.frame_alignment;
  if (alignment > 16)
    size = align_up(size, alignment);
  else
    size = align_up(size + 8 * saved_count_, 16u) - 8 * saved_count_;
  u8* at = a_.bufferData() + frame_patch_;
  for (u32 k = 0; k < 4; ++k) at[k] = static_cast<u8>(size >> (8 * k));
}

void Compiler::epilogue() {
  a_.bind(exit_);
  if (analysis_.wide_vectors) a_.vzeroupper();
  if (saved_count_ != 0)
    a_.lea(x86::rsp, x86::ptr(x86::rbp, -8 * static_cast<i32>(saved_count_)));
  else
    a_.mov(x86::rsp, x86::rbp);
  for (u32 n = sizeof kSaveOrder; n-- > 0;)
    if ((analysis_.saved & bit(kSaveOrder[n])) != 0) a_.pop(gp64(kSaveOrder[n]));
  a_.pop(x86::rbp);
  a_.ret();
  out_.frame_end = static_cast<u32>(a_.offset());
  polls_out_of_line();
  if (options_.heat) heat_used_up();
  if (options_.profile) time_call();
}

// Of all that profiling is, what every call pays (profile.h).
void Compiler::count_call() {
  timed_ = a_.newLabel();
  body_ = a_.newLabel();
  reloc(kR11, RelocKind::Profile, f_.index);
  a_.sub(x86::ptr(x86::r11, offsetof(Profile, countdown), 8), Imm(1));
  a_.jle(timed_);
  a_.bind(body_);
}

// Out of line: the call that ends a leg is made again, in a frame that times it.
void Compiler::time_call() {
  out_.timed_start = static_cast<u32>(a_.offset());
  a_.bind(timed_);
  const ir::FunctionType& type = module_.types[f_.type];
  const u32 stack_bytes = Passing(type).used.stack_bytes;
  // Copies of by-value arguments may be aligned to more than the stack is.
  if (!type.is_plain() || stack_bytes > kMostCopiedBytes) {
    reloc(kR10, RelocKind::Helper, static_cast<u32>(Helper::leg));
    a_.call(x86::r10);
    a_.jmp(body_);
    return;
  }
  a_.push(x86::rbp);
  a_.mov(x86::rbp, x86::rsp);
  out_.timed_frame = static_cast<u32>(a_.offset());
  a_.sub(x86::rsp, Imm(align_up(static_cast<u32>(sizeof(TimedCall)) + stack_bytes, 16u)));
  reloc(kR10, RelocKind::Helper, static_cast<u32>(Helper::timed_enter));
  a_.call(x86::r10);
  for (i32 at = 0; at < static_cast<i32>(stack_bytes); at += 8) {
    a_.mov(x86::r11, x86::ptr(x86::rbp, 16 + at, 8));
    a_.mov(x86::ptr(x86::rsp, at, 8), x86::r11);
  }
  a_.call(body_);
  // The clock is read before the call: where it goes is hard to guess for the processor.
  a_.mov(x86::rcx, x86::rax);
  a_.mov(x86::rsi, x86::rdx);
  a_.rdtsc();
  reloc(kR10, RelocKind::Helper, static_cast<u32>(Helper::timed_leave));
  a_.call(x86::r10);
  a_.leave();
  a_.ret();
}

bool Compiler::emit() {
  reserved_ =
      analysis_.reserved_in(analysis_.block_start[0], analysis_.registers == Registers::Everywhere
                                                          ? analysis_.block_start[0]
                                                          : analysis_.block_end[0]);
  prologue();
  receive_parameters();
  for (u32 k = 0; k < analysis_.layout.order.size(); ++k) block(k);
  epilogue();
  if (first_error_.failed()) return true;
  const u32 all = frame_bytes_ + analysis_.outgoing_bytes +
                  (analysis_.frame_alignment > 16 ? analysis_.frame_alignment : 0);
  if (!probe_frame_ && all > kMaxUnprobedBytes) return false;
  patch_frame();
  return true;
}

}  // namespace bf::microjit::baseline
