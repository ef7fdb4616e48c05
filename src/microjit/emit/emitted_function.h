// What all emitters share: a function with a frame, several bodies for different calls, and constants
// behind the code.
//
//   class Sum final : public EmittedFunction { void choose(...) override; void body(...) override; };
//   auto code = Sum(set, holder).emit(plans, options);
#pragma once

#include <vector>

#include "microjit/emit/kernel.h"
#include "microjit/emit/simd.h"

namespace bf::microjit::emit {

class EmittedFunction {
 public:
  EmittedFunction(Set set, asmjit::CodeHolder& code);
  EmittedFunction(const EmittedFunction&) = delete;
  virtual ~EmittedFunction() = default;

  // Counts the call, chooses among the plans, does as one of them says. As Kernel::emit.
  Result<CompiledCode> emit(std::span<const KernelPlan> plans, const EmitOptions& options);

  Simd& simd() { return s_; }
  // Constants in memory: a word in all lanes, 16 bytes in all 16-byte pieces.
  x86::Mem splat(u32 word);
  x86::Mem splat16(const void* bytes16);
  x86::Mem number(float x);                     // in all lanes
  x86::Mem lanes(const u32 (&words)[16]);       // as many of them as a vector has

 protected:
  // rbx and r12 to r15 are saved; below them lie `local` bytes, at these addresses, and below those,
  // 64-byte aligned, what rsp points to. Arguments are in their registers; the stack's are behind rbp.
  static constexpr i32 kSavedBytes = 40;
  static x86::Mem local(u32 n) {
    return x86::qword_ptr(x86::rbp, -kSavedBytes - 8 - 8 * static_cast<i32>(n));
  }
  static x86::Mem stack_argument(u32 n) {
    return x86::qword_ptr(x86::rbp, 16 + 8 * static_cast<i32>(n));
  }
  virtual u32 frame_bytes() const = 0;  // locals and what is below them
  // Functions of a few vectors do without: no locals then, and rbx and r12 to r15 are not theirs.
  virtual bool has_frame() const { return true; }

  // Jumps to `body` if the call is the plan's. Keeps all arguments.
  virtual void choose(const KernelPlan& plan, const asmjit::Label& body) = 0;
  virtual void body(const KernelPlan& plan) = 0;

  asmjit::CodeHolder& code_;
  Simd s_;
  x86::Assembler& a_;

 private:
  x86::Mem pooled(const void* bytes, u32 size);
  void enter(CompiledCode& out);
  void leave();
  void count_call(const EmitOptions& options, CompiledCode& out);
  void go_elsewhere(const EmitOptions& options, CompiledCode& out);
  void move_address(RelocKind kind, u32 index, i64 addend, CompiledCode& out);
  Result<void> link(CompiledCode& out);

  asmjit::Label pool_label_, elsewhere_;
  std::vector<u8> pool_;
};

// Makes a holder for a function and lets it emit itself.
template <class Function, class... Arguments>
Result<CompiledCode> emit_function(std::span<const KernelPlan> plans, const EmitOptions& options,
                                   const Arguments&... arguments) {
  asmjit::CodeHolder code;
  if (code.init(asmjit::Environment(asmjit::Arch::kX64)) != asmjit::kErrorOk)
    return Error::format("there is no memory for emitting code");
  return Function(arguments..., options.set, code).emit(plans, options);
}

}  // namespace bf::microjit::emit
