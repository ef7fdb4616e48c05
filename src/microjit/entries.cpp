#include "microjit/entries.h"

#include "microjit/interp/interp.h"
#include "microjit/quiescence.h"

namespace bf::microjit {

namespace {

HotEntry* hot_entry = nullptr;
PollEntry* poll_entry = nullptr;
ResumeEntry* resume_entry = nullptr;
KernelEntry* kernel_entry = nullptr;

void append(std::vector<u8>& out, std::initializer_list<u8> bytes) {
  out.insert(out.end(), bytes);
}
void append_address(std::vector<u8>& out, const void* address) {
  for (u32 i = 0; i < 8; ++i)
    out.push_back(static_cast<u8>(reinterpret_cast<u64>(address) >> (8 * i)));
}
void pad(std::vector<u8>& out, usize to) {
  BF_ASSERT(out.size() <= to);
  out.resize(to, 0xcc);
}

}  // namespace

void set_hot_entry(HotEntry* entry) { hot_entry = entry; }
void set_poll_entry(PollEntry* entry) { poll_entry = entry; }
void set_resume_entry(ResumeEntry* entry) { resume_entry = entry; }
void set_kernel_entry(KernelEntry* entry) { kernel_entry = entry; }

extern "C" void bf_enter_from_stub();

void append_entries(std::vector<u8>& out, const FunctionState& state) {
  BF_ASSERT(static_cast<const void*>(&state) == &state.slot);  // bf_enter_from_stub
  const auto settled = reinterpret_cast<u64>(&state.settled) - reinterpret_cast<u64>(&state.slot);
  BF_ASSERT(settled < 128);
  const usize start = out.size();
  const i64 member = platform::core_local_offset +
                     static_cast<i64>(offsetof(platform::CoreLocal, member));
  append(out, {0x64, 0x48, 0x83, 0x3c, 0x25});  // cmp qword fs:[member], 0
  for (u32 i = 0; i < 4; ++i) out.push_back(static_cast<u8>(member >> (8 * i)));
  append(out, {0x00, 0x74, 0x17});  // ; je to the last three
  append(out, {0x49, 0xbb});  // movabs r11, &slot
  append_address(out, &state.slot);
  append(out, {0x41, 0x80, 0x7b, static_cast<u8>(settled), 0x00});  // cmp byte [r11 + settled], 0
  append(out, {0x75, 0x03});        // jne over the next one
  append(out, {0x41, 0xff, 0x23});  // jmp [r11]
  append(out, {0x41, 0xff, 0x23});  // jmp [r11]
  append(out, {0x49, 0xbb});        // movabs r11, state
  append_address(out, &state);
  append(out, {0x49, 0xba});  // movabs r10, enter
  append_address(out, reinterpret_cast<const void*>(&bf_enter_from_stub));
  append(out, {0x41, 0xff, 0xe2});  // jmp r10
  pad(out, start + kStubBytes);
  append(out, {0x49, 0xbb});  // movabs r11, state
  append_address(out, &state);
  append(out, {0x48, 0xb8});  // movabs rax, bridge
  append_address(out, reinterpret_cast<const void*>(&interp::bf_interp_entry));
  append(out, {0xff, 0xe0});  // jmp rax
  pad(out, start + kStubBytes + kEntryBytes);
}

extern "C" void bf_kernel_from_code();

void append_kernel_entry(std::vector<u8>& out, const FunctionState& state) {
  const usize start = out.size();
  append(out, {0x49, 0xbb});  // movabs r11, state
  append_address(out, &state);
  append(out, {0x48, 0xb8});  // movabs rax, bf_kernel_from_code
  append_address(out, reinterpret_cast<const void*>(&bf_kernel_from_code));
  append(out, {0xff, 0xe0});  // jmp rax
  pad(out, start + kKernelEntryBytes);
}

extern "C" [[gnu::used]] void bf_kernel(FunctionState* state, const u64* saved, const u64* stack) {
  constexpr u32 kVectors = 8;  // words, in what bf_save_arguments leaves
  kernel_entry(*state, {.general = saved, .vector = saved + kVectors, .stack = stack});
}

extern "C" [[gnu::used]] void bf_hot(FunctionState* state, const u64* general) {
  if (hot_entry) hot_entry(*state, general);
}

extern "C" [[gnu::used]] void bf_leg(Profile* profile) { start_leg(*profile); }
extern "C" [[gnu::used]] void bf_start_timing(Profile* profile, TimedCall* call) {
  start_timing(*profile, *call);
}
extern "C" [[gnu::used]] void bf_end_timing(TimedCall* call, u64 now) {
  end_timing(*call, now);
}

extern "C" [[gnu::used]] void bf_enter() {
  quiescence::enter();
}

// Ways into the engine at which the registers of arguments are kept (rax: how many vector registers
// a variadic call uses). Helper::hot comes from the entry of compiled code, bf_enter_from_stub from a
// stub; both with the FunctionState in r11. Its slot is its first word. bf_time_nothing does around
// nothing what compiled code does around a call that it times.
asm(R"(
  .macro bf_save_arguments
  pushq %rbp
  movq %rsp, %rbp
  andq $-16, %rsp
  subq $208, %rsp
  movq %rdi, (%rsp)
  movq %rsi, 8(%rsp)
  movq %rdx, 16(%rsp)
  movq %rcx, 24(%rsp)
  movq %r8, 32(%rsp)
  movq %r9, 40(%rsp)
  movq %rax, 48(%rsp)
  movq %r11, 56(%rsp)
  movups %xmm0, 64(%rsp)
  movups %xmm1, 80(%rsp)
  movups %xmm2, 96(%rsp)
  movups %xmm3, 112(%rsp)
  movups %xmm4, 128(%rsp)
  movups %xmm5, 144(%rsp)
  movups %xmm6, 160(%rsp)
  movups %xmm7, 176(%rsp)
  .endm
  .macro bf_restore_arguments
  movq (%rsp), %rdi
  movq 8(%rsp), %rsi
  movq 16(%rsp), %rdx
  movq 24(%rsp), %rcx
  movq 32(%rsp), %r8
  movq 40(%rsp), %r9
  movq 48(%rsp), %rax
  movq 56(%rsp), %r11
  movups 64(%rsp), %xmm0
  movups 80(%rsp), %xmm1
  movups 96(%rsp), %xmm2
  movups 112(%rsp), %xmm3
  movups 128(%rsp), %xmm4
  movups 144(%rsp), %xmm5
  movups 160(%rsp), %xmm6
  movups 176(%rsp), %xmm7
  leave
  .endm

  .text
  .globl bf_hot_from_code
  .type bf_hot_from_code, @function
bf_hot_from_code:
  bf_save_arguments
  movq %r11, %rdi
  movq %rsp, %rsi
  callq bf_hot
  bf_restore_arguments
  retq
  .size bf_hot_from_code, .-bf_hot_from_code

  .globl bf_kernel_from_code
  .type bf_kernel_from_code, @function
bf_kernel_from_code:
  bf_save_arguments
  movq %r11, %rdi
  movq %rsp, %rsi
  leaq 16(%rbp), %rdx
  callq bf_kernel
  leave
  retq
  .size bf_kernel_from_code, .-bf_kernel_from_code

  .globl bf_leg_from_code
  .type bf_leg_from_code, @function
bf_leg_from_code:
  bf_save_arguments
  movq %r11, %rdi
  callq bf_leg
  bf_restore_arguments
  retq
  .size bf_leg_from_code, .-bf_leg_from_code

  .globl bf_timed_enter
  .type bf_timed_enter, @function
bf_timed_enter:
  bf_save_arguments
  movq %r11, %rdi
  movq (%rbp), %rsi           # the frame of who times
  subq $32, %rsi
  callq bf_start_timing
  bf_restore_arguments
  retq
  .size bf_timed_enter, .-bf_timed_enter

  .globl bf_timed_leave
  .type bf_timed_leave, @function
bf_timed_leave:
  pushq %rcx                  # the first result, in place of rax
  pushq %rsi                  # the second one, in place of rdx
  subq $40, %rsp
  movups %xmm0, (%rsp)
  movups %xmm1, 16(%rsp)
  leaq -32(%rbp), %rdi
  shlq $32, %rdx
  orq %rdx, %rax
  movq %rax, %rsi
  callq bf_end_timing
  movups (%rsp), %xmm0
  movups 16(%rsp), %xmm1
  addq $40, %rsp
  popq %rdx
  popq %rax
  retq
  .size bf_timed_leave, .-bf_timed_leave

  .globl bf_time_nothing
  .type bf_time_nothing, @function
bf_time_nothing:
  pushq %rbp
  movq %rsp, %rbp
  subq $32, %rsp
  movq %rdi, %r11
  callq bf_timed_enter
  callq 1f
  movq %rax, %rcx
  movq %rdx, %rsi
  rdtsc
  callq bf_timed_leave
  leave
1:
  retq
  .size bf_time_nothing, .-bf_time_nothing

  .globl bf_enter_from_stub
  .type bf_enter_from_stub, @function
bf_enter_from_stub:
  bf_save_arguments
  callq bf_enter
  bf_restore_arguments
  jmpq *(%r11)
  .size bf_enter_from_stub, .-bf_enter_from_stub
)");

const void* helper_resume(FunctionState* state, u32 block, u32 instruction) {
  return resume_entry(*state, block, instruction);
}

extern "C" [[gnu::used]] const void* bf_poll(FunctionState* state, u64 header) {
  return poll_entry ? poll_entry(*state, static_cast<u32>(header)) : nullptr;
}
// Where vector registers are saved: all that XSAVE knows of them, or 16 bytes each on machines
// without AVX (where FXSAVE does).
extern "C" [[gnu::used]] u32 bf_poll_has_xsave() { return platform::cpu_features().avx; }

// Helper::poll: state and header on the stack. Rare, so it saves everything, the slow way: x87 and
// SSE state, AVX, and the three parts of AVX-512 (bits 0, 1, 2, 5, 6, 7 of XCR0), which take 2688
// bytes in the standard layout (Intel SDM vol. 1, 13.4). XRSTOR wants the header (bytes 512 to 575)
// clean.
asm(R"(
  .text
  .globl bf_poll_from_code
  .type bf_poll_from_code, @function
bf_poll_from_code:
  pushq %rbp
  movq %rsp, %rbp
  pushq %rax
  pushq %rcx
  pushq %rdx
  pushq %rsi
  pushq %rdi
  pushq %r8
  pushq %r9
  pushq %r10
  pushq %rbx
  pushq %r12
  movq 16(%rbp), %r12
  andq $-64, %rsp
  subq $2688, %rsp
  leaq 512(%rsp), %rdi
  xorl %eax, %eax
  movl $8, %ecx
  rep stosq
  fxsave64 (%rsp)             # SSE registers are safe from the next call
  callq bf_poll_has_xsave
  movl %eax, %ebx
  testl %ebx, %ebx
  je 1f
  movl $0xe4, %eax            # what FXSAVE left out
  xorl %edx, %edx
  xsave64 (%rsp)
1:
  movq %r12, %rdi
  movq 24(%rbp), %rsi
  callq bf_poll
  movq %rax, %r11
  testl %ebx, %ebx
  je 2f
  movl $0xe4, %eax
  xorl %edx, %edx
  xrstor64 (%rsp)
2:
  fxrstor64 (%rsp)
  leaq -80(%rbp), %rsp
  popq %r12
  popq %rbx
  popq %r10
  popq %r9
  popq %r8
  popq %rdi
  popq %rsi
  popq %rdx
  popq %rcx
  popq %rax
  popq %rbp
  retq $16
  .size bf_poll_from_code, .-bf_poll_from_code
)");

}  // namespace bf::microjit
