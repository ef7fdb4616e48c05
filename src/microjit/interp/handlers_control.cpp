// Control flow and calls, and the bridge between interpreted frames and native code.
#include <alloca.h>

#include "microjit/entries.h"
#include "microjit/interp/cell_access.h"
#include "microjit/interp/interp.h"
#include "microjit/passing.h"
#include "microjit/resume.h"

namespace bf::microjit::interp {

using ir::Kind;
using ir::Op;

namespace {

HotHook* hot_hook = nullptr;
PollHook* poll_hook = nullptr;
ResumeHook* resume_hook = nullptr;
DecodeHook* decode_hook = nullptr;

// Arguments and results of a native call, by register class; the bridge's assembly knows the layout.
struct NativeFrame {
  u64 ints[kGeneralArguments];
  u64 floats[kVectorArguments];
  u8* stack;        // arguments beyond the registers
  u64 stack_count;  // words
  u64 int_results[2];
  u64 float_results[2];
};
static_assert(offsetof(NativeFrame, floats) == 48 && offsetof(NativeFrame, stack) == 112 &&
              offsetof(NativeFrame, stack_count) == 120 &&
              offsetof(NativeFrame, int_results) == 128 &&
              offsetof(NativeFrame, float_results) == 144 && sizeof(NativeFrame) == 160);

bool is_float(Kind k) { return k == Kind::F32 || k == Kind::F64; }

// The results of a native call into two 8-byte places, by class and order.
void take_results(const ir::FunctionType& type, const NativeFrame& native, u64* results) {
  u32 ints = 0, floats = 0;
  for (usize i = 0; i < type.results.size(); ++i)
    results[i] = is_float(type.results[i]) ? native.float_results[floats++]
                                           : native.int_results[ints++];
}

}  // namespace

void set_hot_hook(HotHook* hook) { hot_hook = hook; }
void set_poll_hook(PollHook* hook) { poll_hook = hook; }
void set_resume_hook(ResumeHook* hook) { resume_hook = hook; }
void set_decode_hook(DecodeHook* hook) { decode_hook = hook; }

// bf_call_native(target, frame): loads the registers from the frame, copies stack arguments, calls,
// stores the results.
extern "C" void bf_call_native(const void* target, NativeFrame* frame);
asm(R"(
  .text
  .globl bf_call_native
  .type bf_call_native, @function
bf_call_native:
  pushq %rbp
  movq %rsp, %rbp
  pushq %rbx
  subq $8, %rsp
  movq %rsi, %rbx
  movq %rdi, %r11
  movq 120(%rbx), %rcx
  movq 112(%rbx), %rsi
  testq %rcx, %rcx
  je 2f
  leaq (,%rcx,8), %rax
  subq %rax, %rsp
  andq $-1024, %rsp           # more than 16 where a structure by value is aligned so
  xorl %edx, %edx
1:
  movq (%rsi,%rdx,8), %rax
  movq %rax, (%rsp,%rdx,8)
  incq %rdx
  cmpq %rcx, %rdx
  jne 1b
2:
  movq 48(%rbx), %xmm0
  movq 56(%rbx), %xmm1
  movq 64(%rbx), %xmm2
  movq 72(%rbx), %xmm3
  movq 80(%rbx), %xmm4
  movq 88(%rbx), %xmm5
  movq 96(%rbx), %xmm6
  movq 104(%rbx), %xmm7
  movq (%rbx), %rdi
  movq 8(%rbx), %rsi
  movq 16(%rbx), %rdx
  movq 24(%rbx), %rcx
  movq 32(%rbx), %r8
  movq 40(%rbx), %r9
  movl $8, %eax               # variadic callees want to know of vector registers
  callq *%r11
  movq %rax, 128(%rbx)
  movq %rdx, 136(%rbx)
  movq %xmm0, 144(%rbx)
  movq %xmm1, 152(%rbx)
  leaq -8(%rbp), %rsp
  popq %rbx
  popq %rbp
  retq
  .size bf_call_native, .-bf_call_native

  # Entered from a thunk with the FunctionState in r11: spills the argument registers to a
  # NativeFrame, lets C++ do the rest, loads the result registers. Or goes on to the function that
  # C++ gives, with the arguments as they came.
  .globl bf_interp_entry
  .type bf_interp_entry, @function
bf_interp_entry:
  pushq %rbp
  movq %rsp, %rbp
  subq $160, %rsp
  movq %rdi, (%rsp)
  movq %rsi, 8(%rsp)
  movq %rdx, 16(%rsp)
  movq %rcx, 24(%rsp)
  movq %r8, 32(%rsp)
  movq %r9, 40(%rsp)
  movq %xmm0, 48(%rsp)
  movq %xmm1, 56(%rsp)
  movq %xmm2, 64(%rsp)
  movq %xmm3, 72(%rsp)
  movq %xmm4, 80(%rsp)
  movq %xmm5, 88(%rsp)
  movq %xmm6, 96(%rsp)
  movq %xmm7, 104(%rsp)
  leaq 16(%rbp), %rax
  movq %rax, 112(%rsp)
  movq %r11, %rdi
  movq %rsp, %rsi
  callq bf_interp_from_native
  testq %rax, %rax
  jne 3f
  movq 128(%rsp), %rax
  movq 136(%rsp), %rdx
  movq 144(%rsp), %xmm0
  movq 152(%rsp), %xmm1
  leave
  retq
3:
  movq %rax, %r11
  movq (%rsp), %rdi
  movq 8(%rsp), %rsi
  movq 16(%rsp), %rdx
  movq 24(%rsp), %rcx
  movq 32(%rsp), %r8
  movq 40(%rsp), %r9
  movq 48(%rsp), %xmm0
  movq 56(%rsp), %xmm1
  movq 64(%rsp), %xmm2
  movq 72(%rsp), %xmm3
  movq 80(%rsp), %xmm4
  movq 88(%rsp), %xmm5
  movq 96(%rsp), %xmm6
  movq 104(%rsp), %xmm7
  movl $8, %eax
  leave
  jmpq *%r11
  .size bf_interp_entry, .-bf_interp_entry
)");

namespace {

// Runs a decoded function in a frame whose parameters are set. The first result; the second one is
// in the frame.
[[gnu::always_inline]] inline u64 run(FunctionState& state, const Code& code, u8* frame) {
  for (const Code::ConstantWord& word : code.constants) put(frame, word.offset, word.bits);
  if (!state.profiled) [[likely]]
    return code.cells.front().handler(code.cells.data(), frame, &state, 0, Wide{});
  Profile& p = state.profile;
  count(p.calls, 1);
  platform::CoreLocal& core = platform::core_local();
  const u64 callees_before = core.callee_cycles;
  core.callee_cycles = 0;
  const u64 start = platform::ticks();
  const u64 result = code.cells.front().handler(code.cells.data(), frame, &state, 0, Wide{});
  const u64 cycles = platform::ticks() - start;
  core.callee_cycles = callees_before + note_call(p, cycles, core.callee_cycles, 1);
  return result;
}

// Whether the function is (still) the interpreter's, after counting this call.
bool stays_interpreted(FunctionState& state, bool hot) {
  if (hot && hot_hook) hot_hook(state);
  if (state.slot.load(std::memory_order_acquire) != state.interp_entry) return false;
  if (!state.code.load(std::memory_order_acquire)) decode_hook(state);
  return true;
}

u8* aligned_frame(void* memory) {
  return reinterpret_cast<u8*>(align_up(reinterpret_cast<u64>(memory), u64{64}));
}

void call_native(const CallSite& site, const void* target, u8* frame) {
  NativeFrame native;
  const ir::FunctionType& type = *site.type;
  // Every argument in memory, and padding before each copy: more than is needed.
  usize stack_bytes = 8 * type.parameters.size();
  for (const ir::ByValue& copy : type.by_value) stack_bytes += align_up(copy.bytes, 8u) + 1024;
  native.stack = static_cast<u8*>(alloca(stack_bytes));
  const ArgumentCount used = pass_arguments(type, [&](usize n, ArgumentPlace place) {
    const u64 value = get<u64>(frame, site.arguments[n]);
    switch (place.where) {
      case ArgumentPlace::General:
        native.ints[place.at] = value;
        break;
      case ArgumentPlace::Vector:
        native.floats[place.at] = value;
        break;
      case ArgumentPlace::Stack:
        put(native.stack, place.at, value);
        break;
      case ArgumentPlace::Copy:
        std::memcpy(native.stack + place.at, reinterpret_cast<const void*>(value), place.bytes);
        break;
    }
  });
  native.stack_count = used.stack_bytes / 8;
  bf_call_native(target, &native);
  u64 results[ir::kMaxResults];
  take_results(*site.type, native, results);
  for (usize i = 0; i < site.type->results.size(); ++i)
    if (site.results[i] != kNone) put(frame, site.results[i], results[i]);
}

// One interpreted function calls another: parameters and results are copied from frame to frame.
// Registers need not survive it, as in handlers. AddressSanitizer would have its stack realigned, which
// clang cannot do with this convention and an alloca.
[[gnu::noinline, clang::no_sanitize("address")]] __attribute__((preserve_none)) void call_interpreted(
    const CallSite& site, FunctionState& callee, u8* caller, const Code& code) {
  u8* frame = aligned_frame(alloca(code.frame_bytes + 64));
  u32 to = kParametersOffset;
  for (const u32 from : site.arguments) {
    put(frame, to, get<u64>(caller, from));
    to += 8;
  }
  const u64 result = run(callee, code, frame);
  if (site.results[0] != kNone) put(caller, site.results[0], result);
  if (site.results[1] != kNone) put(caller, site.results[1], get<u64>(frame, kSecondResultOffset));
}

// What is out of the ordinary: compiled or hot callees, those that are not decoded yet.
BF_HANDLER(call_slowly) {
  const auto& site = *static_cast<const CallSite*>(cell->pointer);
  FunctionState& callee = *site.callee;
  if (stays_interpreted(callee, callee.heat.load(std::memory_order_relaxed) <= 0) && site.plain)
    call_interpreted(site, callee, frame, *callee.code.load(std::memory_order_acquire));
  else
    call_native(site, callee.slot.load(std::memory_order_acquire), frame);
  BF_NEXT(cell + 1);
}

BF_HANDLER(call) {
  const auto& site = *static_cast<const CallSite*>(cell->pointer);
  FunctionState& callee = *site.callee;
  const Code* const code = callee.code.load(std::memory_order_acquire);
  const bool hot = callee.cool(kCallHeat);
  const bool interpreted = callee.slot.load(std::memory_order_acquire) == callee.interp_entry;
  if (hot || !interpreted || !code || !site.plain) [[unlikely]]
    [[clang::musttail]] return call_slowly(cell, frame, state, acc, wide);
  call_interpreted(site, callee, frame, *code);
  BF_NEXT(cell + 1);
}

BF_HANDLER(call_import) {
  const auto& site = *static_cast<const CallSite*>(cell->pointer);
  call_native(site, site.address, frame);
  BF_NEXT(cell + 1);
}

// The function of the module that an address is the stub of, if the call can go there directly.
// Stubs lie at equal distances, in the order of the functions (engine_load.cpp).
[[gnu::noinline]] FunctionState* find_callee(const CallSite& site, const void* stub) {
  const auto functions = site.functions;
  if (functions.empty()) return nullptr;
  const u64 first = reinterpret_cast<u64>(functions[0]->stub);
  const u64 n = (reinterpret_cast<u64>(stub) - first) / (kStubBytes + kEntryBytes);
  if (n >= functions.size() || functions[n]->stub != stub) return nullptr;
  FunctionState* const callee = functions[n];
  if (!site.plain || *callee->type != *site.type) return nullptr;
  site.last.store(callee, std::memory_order_relaxed);
  return callee;
}

BF_HANDLER(call_indirect) {
  const auto& site = *static_cast<const CallSite*>(cell->pointer);
  const void* const stub = get<const void*>(frame, site.pointer);
  if (!site.target) site.target = stub;
  ++(site.target == stub ? site.hits : site.misses);
  FunctionState* callee = site.last.load(std::memory_order_relaxed);
  if (!callee || callee->stub != stub) callee = find_callee(site, stub);
  const Code* const code = callee ? callee->code.load(std::memory_order_acquire) : nullptr;
  if (code && callee->slot.load(std::memory_order_acquire) == callee->interp_entry &&
      !callee->cool(kCallHeat)) [[likely]]
    call_interpreted(site, *callee, frame, *code);
  else call_native(site, stub, frame);
  BF_NEXT(cell + 1);
}

// The function goes on in a continuation: hands over what is alive at the start of the block, and
// returns what that returns. The frame stays meanwhile: there may be pointers to it.
[[gnu::noinline]] u64 leave_for(const void* rest, u32 header, u8* frame, FunctionState& state) {
  const Code& code = *state.code.load(std::memory_order_acquire);
  const ResumePoint point = resume_point(*state.function, header);
  u8* const values = aligned_frame(alloca(point.bytes + 64));
  for (const ResumeValue& v : point.values)
    if (const u32 place = code.places[v.value]; place != kNone)
      __builtin_memcpy(values + v.offset, frame + place, state_bytes(v.type));
  NativeFrame native;
  native.ints[0] = reinterpret_cast<u64>(values);
  native.stack_count = 0;
  bf_call_native(rest, &native);
  u64 results[ir::kMaxResults] = {};
  take_results(*state.type, native, results);
  put(frame, kSecondResultOffset, results[1]);
  return results[0];
}

BF_HANDLER(jump) {
  BF_NEXT(at_distance(cell, cell->a));
}
BF_HANDLER(jump_back) {
  BF_NEXT_BACK(at_distance(cell, cell->a), cell->imm);
}
BF_HANDLER(branch) {
  if (get<u8>(frame, cell->b) & 1) BF_NEXT(at_distance(cell, cell->a));
  BF_NEXT(at_distance(cell, cell->d));
}

template <class T>
BF_HANDLER(switch_on) {
  const auto& table = *static_cast<const SwitchTable*>(cell->pointer);
  const u64 value = get<T>(frame, cell->b);
  i32 target = table.otherwise;
  usize low = 0, high = table.cases.size();
  while (low < high) {
    const usize middle = (low + high) / 2;
    if (table.cases[middle] < value) low = middle + 1;
    else high = middle;
  }
  if (low < table.cases.size() && table.cases[low] == value) target = table.targets[low];
  BF_NEXT(at_distance(cell, static_cast<u32>(target)));
}

BF_HANDLER(return_0) { return 0; }
BF_HANDLER(return_1) { return get<u64>(frame, cell->b); }
BF_HANDLER(return_2) {
  put(frame, kSecondResultOffset, get<u64>(frame, cell->c));
  return get<u64>(frame, cell->b);
}
BF_HANDLER(return_acc) { return acc; }

BF_HANDLER(loop_poll) {
  const void* entry = nullptr;
  if (state->cool(1) && poll_hook) entry = poll_hook(*state, static_cast<u32>(cell->imm));
  put(frame, cell->a, entry);
  BF_NEXT(cell + 1);
}

BF_HANDLER(resume_entry) {
  put(frame, cell->a, resume_hook(*state, cell->b, cell->c));
  BF_NEXT(cell + 1);
}

BF_HANDLER(unreachable) {
  BF_UNREACHABLE("IR: the program reached what it says is unreachable");
}

void save_arguments(const NativeFrame& native, u32 named_stack_bytes, u8* area) {
  RegisterSaveArea saved{};
  for (u32 n = 0; n < kGeneralArguments; ++n) saved.general[n] = native.ints[n];
  for (u32 n = 0; n < kVectorArguments; ++n) saved.vector[n][0] = native.floats[n];
  put(area, 0, saved);
  put(area, sizeof saved, native.stack + named_stack_bytes);
}

}  // namespace

BF_HANDLER(hot_edge) {
  const u32 header = static_cast<u32>(acc);
  if (const void* rest = poll_hook ? poll_hook(*state, header) : nullptr)
    return leave_for(rest, header, frame, *state);
  BF_NEXT(cell);
}

// A native caller (compiled code, an import's callback, the engine) calls an interpreted function.
// Null, or where the call has to go instead.
extern "C" [[gnu::used]] const void* bf_interp_from_native(FunctionState* state,
                                                           NativeFrame* native) {
  const ir::FunctionType& type = *state->type;
  // Promoted just now: pass the call on. (Who calls a kernel's entry here wants the reference.)
  if (state->is_tuned()) {
    if (!state->code.load(std::memory_order_acquire)) decode_hook(*state);
  } else if (!stays_interpreted(*state, state->cool(kCallHeat))) {
    return state->slot.load(std::memory_order_acquire);
  }
  const Code& code = *state->code.load(std::memory_order_acquire);
  u8* frame = aligned_frame(alloca(code.frame_bytes + 64));
  const ArgumentCount named = pass_arguments(type, [&](usize n, ArgumentPlace place) {
    const u64 value = place.where == ArgumentPlace::General  ? native->ints[place.at]
                      : place.where == ArgumentPlace::Vector ? native->floats[place.at]
                      : place.where == ArgumentPlace::Stack
                          ? get<u64>(native->stack, place.at)
                          : reinterpret_cast<u64>(native->stack + place.at);
    put(frame, kParametersOffset + 8 * static_cast<u32>(n), value);
  });
  if (type.variadic) save_arguments(*native, named.stack_bytes, frame + code.va_area);
  const u64 first = run(*state, code, frame);
  u32 ints = 0, floats = 0;
  for (usize i = 0; i < type.results.size(); ++i) {
    const u64 value = i == 0 ? first : get<u64>(frame, kSecondResultOffset);
    if (is_float(type.results[i])) native->float_results[floats++] = value;
    else native->int_results[ints++] = value;
  }
  return nullptr;
}

Handler* jump_handler(bool back) { return back ? jump_back : jump; }
Handler* return_acc_handler() { return return_acc; }
Handler* branch_handler() { return branch; }
Handler* switch_handler(u32 bytes) {
  return bytes == 1 ? switch_on<u8> : bytes == 2 ? switch_on<u16> : bytes == 4 ? switch_on<u32>
                                                                               : switch_on<u64>;
}
Handler* return_handler(u32 count) { return count == 0 ? return_0 : count == 1 ? return_1 : return_2; }
Handler* loop_poll_handler() { return loop_poll; }
Handler* resume_entry_handler() { return resume_entry; }
Handler* unreachable_handler() { return unreachable; }
Handler* call_handler(Op op) {
  return op == Op::call_import     ? call_import
         : op == Op::call_indirect ? call_indirect
                                   : call;
}

}  // namespace bf::microjit::interp
