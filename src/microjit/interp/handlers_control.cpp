// Control flow and calls, and the bridge between interpreted frames and native code.
#include <alloca.h>

#include "microjit/interp/cell_access.h"
#include "microjit/interp/interp.h"

namespace bf::microjit::interp {

using ir::Kind;
using ir::Op;

namespace {

HotHook* hot_hook = nullptr;
DecodeHook* decode_hook = nullptr;

constexpr u32 kIntRegisters = 6, kFloatRegisters = 8;

// Arguments and results of a native call, by register class; the bridge's assembly knows the layout.
struct NativeFrame {
  u64 ints[kIntRegisters];
  u64 floats[kFloatRegisters];
  u64* stack;       // arguments beyond the registers
  u64 stack_count;
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
  leaq 1(%rcx), %rax          # keep rsp a multiple of 16
  andq $-2, %rax
  shlq $3, %rax
  subq %rax, %rsp
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
  # NativeFrame, lets C++ do the rest, loads the result registers.
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
  movq 128(%rsp), %rax
  movq 136(%rsp), %rdx
  movq 144(%rsp), %xmm0
  movq 152(%rsp), %xmm1
  leave
  retq
  .size bf_interp_entry, .-bf_interp_entry
)");

namespace {

// Runs a decoded function in a frame whose parameters are set.
void run(FunctionState& state, u8* frame) {
  const Code& code = *state.code.load(std::memory_order_acquire);
  __builtin_memcpy(frame + code.constants_offset, code.constants.data(), code.constants.size());
  if (!state.profiled) {
    code.cells.front().handler(code.cells.data(), frame, &state);
    return;
  }
  Profile& p = state.profile;
  count(p.calls, 1);
  platform::CoreLocal& core = platform::core_local();
  const u64 callees_before = core.callee_cycles;
  core.callee_cycles = 0;
  const u64 start = platform::ticks();
  code.cells.front().handler(code.cells.data(), frame, &state);
  const u64 cycles = platform::ticks() - start;
  count(p.cycles_total, cycles);
  if (cycles < counted(p.cycles_min)) __atomic_store_n(&p.cycles_min, cycles, __ATOMIC_RELAXED);
  if (cycles > counted(p.cycles_max)) __atomic_store_n(&p.cycles_max, cycles, __ATOMIC_RELAXED);
  count(p.self_cycles, cycles - core.callee_cycles);
  core.callee_cycles = callees_before + cycles;
}

// Whether the function is (still) the interpreter's, after counting this call.
bool stays_interpreted(FunctionState& state) {
  if (state.cool(kCallHeat) && hot_hook) hot_hook(state);
  if (state.slot.load(std::memory_order_acquire) != state.interp_entry) return false;
  if (!state.code.load(std::memory_order_acquire)) decode_hook(state);
  return true;
}

u8* aligned_frame(void* memory) {
  return reinterpret_cast<u8*>(align_up(reinterpret_cast<u64>(memory), u64{64}));
}

void call_native(const CallSite& site, const void* target, u8* frame) {
  NativeFrame native;
  u64 stack[ir::kMaxParameters];
  u32 ints = 0, floats = 0, stacked = 0;
  for (usize i = 0; i < site.arguments.size(); ++i) {
    const u64 value = get<u64>(frame, site.arguments[i]);
    if (is_float(site.type->parameters[i])) {
      if (floats < kFloatRegisters) native.floats[floats++] = value;
      else stack[stacked++] = value;
    } else if (ints < kIntRegisters) {
      native.ints[ints++] = value;
    } else {
      stack[stacked++] = value;
    }
  }
  native.stack = stack;
  native.stack_count = stacked;
  bf_call_native(target, &native);
  u64 results[ir::kMaxResults];
  take_results(*site.type, native, results);
  for (usize i = 0; i < site.type->results.size(); ++i)
    if (site.results[i] != kNone) put(frame, site.results[i], results[i]);
}

// One interpreted function calls another: parameters and results are copied from frame to frame.
[[gnu::noinline]] void call_interpreted(const CallSite& site, u8* caller) {
  FunctionState& callee = *site.callee;
  u8* frame = aligned_frame(alloca(callee.code.load(std::memory_order_acquire)->frame_bytes + 64));
  u32 to = kParametersOffset;
  for (const u32 from : site.arguments) {
    put(frame, to, get<u64>(caller, from));
    to += 8;
  }
  run(callee, frame);
  for (u32 i = 0; i < ir::kMaxResults; ++i)
    if (site.results[i] != kNone) put(caller, site.results[i], get<u64>(frame, 8 * i));
}

void call(const Cell* cell, u8* frame, FunctionState* state) {
  const auto& site = *static_cast<const CallSite*>(cell->pointer);
  if (stays_interpreted(*site.callee)) call_interpreted(site, frame);
  else call_native(site, site.callee->slot.load(std::memory_order_acquire), frame);
  BF_NEXT(cell + 1);
}

void call_import(const Cell* cell, u8* frame, FunctionState* state) {
  const auto& site = *static_cast<const CallSite*>(cell->pointer);
  call_native(site, site.address, frame);
  BF_NEXT(cell + 1);
}

void call_indirect(const Cell* cell, u8* frame, FunctionState* state) {
  const auto& site = *static_cast<const CallSite*>(cell->pointer);
  call_native(site, get<const void*>(frame, site.pointer), frame);
  BF_NEXT(cell + 1);
}

void jump(const Cell* cell, u8* frame, FunctionState* state) {
  BF_NEXT(cell + cell->target.taken);
}
void jump_back(const Cell* cell, u8* frame, FunctionState* state) {
  state->cool(1);
  count(state->profile.back_edges, 1);
  BF_NEXT(cell + cell->target.taken);
}
void branch(const Cell* cell, u8* frame, FunctionState* state) {
  BF_NEXT(cell + (get<u8>(frame, cell->b) & 1 ? cell->target.taken : cell->target.other));
}

template <class T>
void switch_on(const Cell* cell, u8* frame, FunctionState* state) {
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
  BF_NEXT(cell + target);
}

void return_0(const Cell*, u8*, FunctionState*) {}
void return_1(const Cell* cell, u8* frame, FunctionState*) {
  put(frame, kResultsOffset, get<u64>(frame, cell->b));
}
void return_2(const Cell* cell, u8* frame, FunctionState*) {
  put(frame, kResultsOffset, get<u64>(frame, cell->b));
  put(frame, kResultsOffset + 8, get<u64>(frame, cell->c));
}

void unreachable(const Cell*, u8*, FunctionState*) {
  BF_UNREACHABLE("IR: the program reached what it says is unreachable");
}

}  // namespace

// A native caller (compiled code, an import's callback, the engine) calls an interpreted function.
extern "C" [[gnu::used]] void bf_interp_from_native(FunctionState* state, NativeFrame* native) {
  const ir::FunctionType& type = *state->type;
  if (!stays_interpreted(*state)) {
    // Promoted just now: pass the call on, arguments as they came.
    u32 stacked = 0, ints = 0, floats = 0;
    for (const Kind k : type.parameters)
      if (is_float(k) ? floats++ >= kFloatRegisters : ints++ >= kIntRegisters) ++stacked;
    native->stack_count = stacked;
    bf_call_native(state->slot.load(std::memory_order_acquire), native);
    return;
  }
  u8* frame = aligned_frame(alloca(state->code.load(std::memory_order_acquire)->frame_bytes + 64));
  u32 ints = 0, floats = 0, stacked = 0, to = kParametersOffset;
  for (const Kind k : type.parameters) {
    u64 value;
    if (is_float(k)) value = floats < kFloatRegisters ? native->floats[floats++] : native->stack[stacked++];
    else value = ints < kIntRegisters ? native->ints[ints++] : native->stack[stacked++];
    put(frame, to, value);
    to += 8;
  }
  run(*state, frame);
  ints = floats = 0;
  for (usize i = 0; i < type.results.size(); ++i) {
    const u64 value = get<u64>(frame, static_cast<u32>(8 * i));
    if (is_float(type.results[i])) native->float_results[floats++] = value;
    else native->int_results[ints++] = value;
  }
}

Handler* jump_handler(bool back) { return back ? jump_back : jump; }
Handler* branch_handler() { return branch; }
Handler* switch_handler(u32 bytes) {
  return bytes == 1 ? switch_on<u8> : bytes == 2 ? switch_on<u16> : bytes == 4 ? switch_on<u32>
                                                                               : switch_on<u64>;
}
Handler* return_handler(u32 count) { return count == 0 ? return_0 : count == 1 ? return_1 : return_2; }
Handler* unreachable_handler() { return unreachable; }
Handler* call_handler(Op op) {
  return op == Op::call ? call : op == Op::call_import ? call_import : call_indirect;
}

}  // namespace bf::microjit::interp
