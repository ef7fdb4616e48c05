#include "arch/x86/core.h"

#include "arch/x86/interrupts.h"
#include "arch/x86/registers.h"
#include "arch/x86/smp.h"
#include "arch/x86/stacks.h"

extern "C" void bf_switch_task(bf::u64* from, bf::u64 to);

namespace bf {

namespace x86 {

namespace {

constinit Core first_core = {};
Core* cores[kMostCores] = {&first_core};
// Written before the others read it: only while the machine comes up.
constinit std::atomic<u32> core_total{1};
u32 worker_count = 1;
void (*end_hook)() = nullptr;

// ---- Tasks

bool is_runnable(const Task& task) {
  if (task.is_taken.load(std::memory_order_acquire) == 0) return false;
  const auto* word = task.word.load(std::memory_order_relaxed);
  return word == nullptr || word->load(std::memory_order_seq_cst) !=
                                task.value.load(std::memory_order_relaxed);
}

bool waits_on(const Task& task, const void* word) {
  return task.word.load(std::memory_order_relaxed) == word;
}

void switch_task(Core& core, Task& from, Task& to) {
  const u64 flags = disable_interrupts();
  core.current = &to;
  use_block(to);
  bf_switch_task(&from.stack_pointer, to.stack_pointer);
  restore_interrupts(flags);
}

void go_home() {
  Core& core = this_core();
  switch_task(core, *core.current, core.home);
}

// Where a new task begins, on its stack; it never leaves.
[[noreturn]] void begin_task() {
  enable_interrupts();
  for (;;) {
    Task& me = *this_core().current;
    me.body(me.context);
    if (me.block.is_named && end_hook != nullptr) end_hook();
    me.block.is_named = false;
    me.is_taken.store(0, std::memory_order_seq_cst);
    platform::wake(&me.is_taken);
    go_home();
  }
}

// As if it had just called bf_switch_task, from nowhere.
void prepare_stack(Task& task) {
  constexpr u32 kSavedRegisters = 6;
  auto* at = reinterpret_cast<u64*>(task.stack_top);
  *--at = 0;  // where a return address would be
  *--at = reinterpret_cast<u64>(&begin_task);
  for (u32 i = 0; i < kSavedRegisters; ++i) *--at = 0;
  task.stack_pointer = reinterpret_cast<u64>(at);
}

bool start_task(Core& core, Task& task, u32 worker_index, usize stack_bytes, void (*body)(void*),
                void* context) {
  if (task.stack_top == nullptr) {
    task.stack_top = allocate_stack(stack_bytes);
    if (task.stack_top == nullptr) return false;
    start_block(task, core, worker_index);
    prepare_stack(task);
  }
  task.body = body;
  task.context = context;
  task.word.store(nullptr, std::memory_order_relaxed);
  task.is_taken.store(1, std::memory_order_seq_cst);
  if (core.asleep.exchange(0, std::memory_order_seq_cst) != 0) rouse(core);
  return true;
}

// One after the other; null if both wait.
Task* next_task(Core& core, const Task* last) {
  Task& first = last == &core.worker ? core.extra : core.worker;
  Task& second = last == &core.worker ? core.worker : core.extra;
  return is_runnable(first) ? &first : is_runnable(second) ? &second : nullptr;
}

bool home_may_go_on(const Core& core) {
  if (&core == &first_core) return is_runnable(core.home);
  return is_runnable(core.worker) || is_runnable(core.extra);
}

// Until somebody has told it of a word that has changed. Looked at once more when the others can
// see that it sleeps, so either it sees the change, or who has made it sees it asleep.
void sleep(Core& core) {
  const u64 flags = disable_interrupts();
  core.asleep.store(1, std::memory_order_seq_cst);
  if (!home_may_go_on(core)) rest_core(core);
  core.asleep.store(0, std::memory_order_relaxed);
  restore_interrupts(flags);
}

}  // namespace

// ---- Cores

u32 online_cores() {
  return core_total.load(std::memory_order_acquire);
}

Core& core_at(u32 index) {
  return *cores[index];
}

Core* new_core() {
  static_assert(alignof(Core) <= platform::kPageBytes);
  auto* core = static_cast<Core*>(platform::allocate_pages(sizeof(Core)));
  if (core != nullptr) core->index = online_cores();
  return core;
}

void add_core(Core& core) {
  cores[core.index] = &core;
  core_total.store(core.index + 1, std::memory_order_release);
}

void set_worker_count(u32 count) {
  worker_count = count;
}

void start_block(Task& task, Core& core, u32 worker_index) {
  CoreBlock& block = task.block;
  block.self = reinterpret_cast<u64>(&block.self);
  // A zero byte in front stops string overruns from forging it.
  block.stack_protector = platform::ticks() * 0x9e3779b97f4a7c15 << 8;
  block.core = &core;
  block.worker_index = worker_index;
}

void use_block(Task& task) {
  write_msr(kMsrFsBase, task.block.self);
}

void start_first_core() {
  start_block(first_core.home, first_core, 0);
  first_core.home.is_taken.store(1, std::memory_order_relaxed);
  first_core.current = &first_core.home;
  use_block(first_core.home);
}

void run_tasks(Core& core) {
  for (const Task* last = nullptr;;) {
    if (Task* next = next_task(core, last)) {
      switch_task(core, core.home, *next);
      last = next;
    } else {
      sleep(core);
    }
  }
}

void sleep_unless(bool (*ready)()) {
  const u64 flags = disable_interrupts();
  if (ready()) return restore_interrupts(flags);
  asm volatile("sti; hlt" : : : "memory");
}

}  // namespace x86

// ---- The port

u32 platform::core_count() {
  return x86::worker_count;
}

u32 platform::core_index() {
  return x86::this_block().worker_index;
}

u32 platform::processor_number() {
  return x86::this_core().index;
}

void platform::yield() {
  x86::Core& core = x86::this_core();
  if (core.current == &core.home || x86::next_task(core, core.current) == core.current)
    return __builtin_ia32_pause();
  x86::go_home();
}

platform::StackBounds platform::stack_bounds() {
  u64 low, high;
  if (!x86::find_stack(reinterpret_cast<u64>(__builtin_frame_address(0)), low, high)) return {};
  return {reinterpret_cast<const u8*>(low), reinterpret_cast<const u8*>(high)};
}

platform::CoreName platform::core_name() {
  x86::this_block().is_named = true;
  return x86::this_core().index;
}

void platform::set_interrupt_hook(void (*hook)()) {
  x86::set_call_hook(hook);
}

void platform::interrupt_core(CoreName core) {
  if (core < x86::online_cores()) x86::call_core(x86::core_at(static_cast<u32>(core)));
}

void platform::set_core_end_hook(void (*hook)()) {
  x86::end_hook = hook;
}

// The last core comes first: it may have nothing else to do.
bool platform::start_core(void (*body)(void*), void* context, ExtraCore& core) {
  for (u32 i = x86::online_cores(); --i > 0;) {
    x86::Core& taker = x86::core_at(i);
    if (taker.extra.is_taken.load(std::memory_order_acquire) != 0) continue;
    core.name = reinterpret_cast<u64>(&taker.extra);
    return x86::start_task(taker, taker.extra, 0, x86::kMainStackBytes, body, context);
  }
  return false;
}

bool platform::start_worker(u32 index, void (*body)(void*), void* context, ExtraCore& core) {
  if (index == 0 || index >= x86::online_cores()) return false;
  x86::Core& taker = x86::core_at(index);
  core.name = reinterpret_cast<u64>(&taker.worker);
  return x86::start_task(taker, taker.worker, index, x86::kWorkerStackBytes, body, context);
}

void platform::join_core(ExtraCore core) {
  const auto& task = *reinterpret_cast<const x86::Task*>(core.name);
  while (task.is_taken.load(std::memory_order_acquire) != 0) wait_while(&task.is_taken, 1);
}

void platform::wait_while(const void* word, u32 value) {
  const auto* atomic_word = static_cast<const std::atomic<u32>*>(word);
  if (atomic_word->load(std::memory_order_acquire) != value) return;
  x86::Core& core = x86::this_core();
  if (x86::online_cores() == 1) return yield();  // nobody could wake it
  x86::Task& me = *core.current;
  me.value.store(value, std::memory_order_relaxed);
  me.word.store(atomic_word, std::memory_order_relaxed);
  if (&me == &core.home) x86::sleep(core);
  else x86::go_home();
  me.word.store(nullptr, std::memory_order_relaxed);
}

void platform::wake(const void* word) {
  const u32 count = x86::online_cores();
  if (count == 1) return;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (u32 i = 0; i < count; ++i) {
    x86::Core& core = x86::core_at(i);
    if (core.asleep.load(std::memory_order_acquire) == 0) continue;
    const bool waits = x86::waits_on(core.home, word) || x86::waits_on(core.worker, word) ||
                       x86::waits_on(core.extra, word);
    if (waits && core.asleep.exchange(0, std::memory_order_seq_cst) != 0) x86::rouse(core);
  }
}

constinit i64 platform::core_local_offset = static_cast<i64>(offsetof(x86::CoreBlock, local)) -
                                            static_cast<i64>(offsetof(x86::CoreBlock, self));

}  // namespace bf
