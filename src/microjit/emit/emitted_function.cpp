#include "microjit/emit/emitted_function.h"

#include <bit>
#include <cstddef>
#include <cstring>

namespace bf::microjit::emit {

namespace {

const x86::Gp kSaved[] = {x86::rbx, x86::r12, x86::r13, x86::r14, x86::r15};

}  // namespace

EmittedFunction::EmittedFunction(Set set, asmjit::CodeHolder& code)
    : code_(code), s_(set, code), a_(s_.gp()), pool_label_(a_.newLabel()), elsewhere_(a_.newLabel()) {
  static_assert(kSavedBytes == sizeof kSaved / sizeof *kSaved * 8);
}

Result<CompiledCode> EmittedFunction::emit(std::span<const KernelPlan> plans,
                                        const EmitOptions& options) {
  CompiledCode out;
  if (options.evex_dot) s_.use_evex_dot();
  const asmjit::Label end = a_.newLabel(), missed = a_.newLabel();
  std::vector<asmjit::Label> bodies;
  for (usize n = 0; n < plans.size(); ++n) bodies.push_back(a_.newLabel());
  count_call(options, out);
  enter(out);
  for (usize n = 0; n < plans.size(); ++n) choose(plans[n], bodies[n]);
  a_.jmp(missed);
  for (usize n = 0; n < plans.size(); ++n) {
    a_.align(asmjit::AlignMode::kCode, 64);
    a_.bind(bodies[n]);
    body(plans[n]);
    a_.jmp(end);
  }
  a_.bind(end);
  a_.vzeroupper();
  out.frame_end = static_cast<u32>(a_.offset());
  leave();
  a_.ret();
  a_.bind(missed);
  leave();
  a_.bind(elsewhere_);
  go_elsewhere(options, out);
  out.code_bytes = static_cast<u32>(a_.offset());
  a_.align(asmjit::AlignMode::kZero, 64);
  a_.bind(pool_label_);
  a_.embed(pool_.data(), pool_.size());
  if (auto ok = link(out); !ok) return ok.error();
  return out;
}

Result<void> EmittedFunction::link(CompiledCode& out) {
  if (code_.flatten() != asmjit::kErrorOk || code_.resolveUnresolvedLinks() != asmjit::kErrorOk)
    return Error::format("the emitted code cannot be linked");
  out.bytes.resize(code_.codeSize());
  if (code_.copyFlattenedData(out.bytes.data(), out.bytes.size()) != asmjit::kErrorOk)
    return Error::format("the emitted code cannot be copied");
  return {};
}

// The call that ends a leg of the profile is timed elsewhere (profile.h).
void EmittedFunction::count_call(const EmitOptions& options, CompiledCode& out) {
  if (options.profile) {
    move_address(RelocKind::Profile, options.function, offsetof(Profile, countdown), out);
    a_.dec(x86::qword_ptr(x86::rax));
    a_.jle(elsewhere_);
  }
  out.untimed_start = static_cast<u32>(a_.offset());
}

// rax = an address that is not known yet.
void EmittedFunction::move_address(RelocKind kind, u32 index, i64 addend, CompiledCode& out) {
  constexpr u8 kMoveRax[] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0};
  out.relocations.push_back({static_cast<u32>(a_.offset()) + 2, kind, index, addend});
  a_.embed(kMoveRax, sizeof kMoveRax);
}

void EmittedFunction::go_elsewhere(const EmitOptions& options, CompiledCode& out) {
  move_address(RelocKind::FirstEntry, options.function, 0, out);
  a_.jmp(x86::qword_ptr(x86::rax));
}

void EmittedFunction::enter(CompiledCode& out) {
  a_.push(x86::rbp);
  a_.mov(x86::rbp, x86::rsp);
  out.frame_start = static_cast<u32>(a_.offset());
  if (!has_frame()) return;
  for (const x86::Gp& r : kSaved) a_.push(r);
  a_.sub(x86::rsp, frame_bytes());
  a_.and_(x86::rsp, -64);
}

void EmittedFunction::leave() {
  if (has_frame()) {
    a_.lea(x86::rsp, x86::ptr(x86::rbp, -kSavedBytes));
    for (u32 n = sizeof kSaved / sizeof *kSaved; n-- != 0;) a_.pop(kSaved[n]);
  }
  a_.pop(x86::rbp);
}

x86::Mem EmittedFunction::pooled(const void* bytes, u32 size) {
  usize at = 0;
  while (at + size <= pool_.size() && std::memcmp(pool_.data() + at, bytes, size) != 0) at += size;
  if (at + size > pool_.size()) {
    at = pool_.size();
    pool_.resize(at + size);
    std::memcpy(pool_.data() + at, bytes, size);
  }
  return x86::ptr(pool_label_, static_cast<i32>(at), size);
}

x86::Mem EmittedFunction::splat16(const void* bytes16) {
  u8 bytes[64];
  for (u32 at = 0; at < sizeof bytes; at += 16) std::memcpy(bytes + at, bytes16, 16);
  return pooled(bytes, s_.bytes());
}

x86::Mem EmittedFunction::number(float x) { return splat(std::bit_cast<u32>(x)); }

x86::Mem EmittedFunction::lanes(const u32 (&words)[16]) { return pooled(words, s_.bytes()); }

x86::Mem EmittedFunction::splat(u32 word) {
  const u32 words[4] = {word, word, word, word};
  return splat16(words);
}

}  // namespace bf::microjit::emit
