#include "microjit/quiescence.h"

#include <algorithm>

#include "runtime/lock.h"
#include "runtime/platform.h"

namespace bf::microjit::quiescence {

// A core that takes part. Its own core alone answers, the list is under the lock.
struct Core {
  std::atomic<u64> answered{0};  // number of the last round
  platform::CoreName name = 0;
  bool switches_stacks = false;
  Core* next = nullptr;

  void answer(Round& round);
  static void scan(Round& round, const u8* from, const u8* to);
  static void hold_all(Round& round);
};

namespace {

Lock lock;  // the list of cores, starting and finishing rounds; never taken to answer
Core* cores = nullptr;
std::atomic<Round*> current{nullptr};
std::atomic<u64> current_number{0};  // of the last round that was started

// Set while the core answers: an interrupt then leaves it to the answer that is on its way.
std::atomic<bool>& answering() {
  static_assert(sizeof(std::atomic<bool>) <= sizeof(u64));
  return *reinterpret_cast<std::atomic<bool>*>(&platform::core_local().answering);
}

Core* this_core() {
  return static_cast<Core*>(platform::core_local().member);
}

// The registers that a caller may have a pointer in go to the stack, where the scan finds them.
[[gnu::noinline]] void answer_with_registers(Core& core, Round& round) {
  u64 saved[6];
  asm volatile(
      "movq %%rbx, 0(%0)\n movq %%rbp, 8(%0)\n movq %%r12, 16(%0)\n"
      "movq %%r13, 24(%0)\n movq %%r14, 32(%0)\n movq %%r15, 40(%0)"
      :
      : "r"(saved)
      : "memory");
  core.answer(round);
  asm volatile("" : : "r"(saved) : "memory");
}

void answer_if_asked(Core& core) {
  if (core.answered.load(std::memory_order_relaxed) ==
      current_number.load(std::memory_order_acquire))
    return;
  if (answering().exchange(true, std::memory_order_relaxed)) return;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  // Looked at again, now that no interrupt can answer in between. While there is no answer of this
  // core, the round stays as it is.
  if (core.answered.load(std::memory_order_relaxed) !=
      current_number.load(std::memory_order_acquire))
    if (Round* round = current.load(std::memory_order_acquire)) answer_with_registers(core, *round);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  answering().store(false, std::memory_order_relaxed);
}

bool all_answered(u64 number) {
  for (const Core* c = cores; c != nullptr; c = c->next)
    if (c->answered.load(std::memory_order_acquire) != number) return false;
  return true;
}

}  // namespace

// Conservative: every aligned word counts. A return address behind a call that ends its piece points
// to the piece's end. The stack is read as it is, also where the sanitizers would have it hidden.
[[gnu::noinline, clang::disable_sanitizer_instrumentation]] void Core::scan(Round& round,
                                                                            const u8* from,
                                                                            const u8* to) {
  const std::vector<Range>& ranges = round.ranges_;
  const auto first = reinterpret_cast<u64>(ranges.front().start);
  const auto last = reinterpret_cast<u64>(ranges.back().start) + ranges.back().bytes;
  for (const u8* at = from; at + sizeof(u64) <= to; at += sizeof(u64)) {
    const u64 word = *reinterpret_cast<const volatile u64*>(at);
    if (word < first || word > last) continue;
    usize low = 0, high = ranges.size();  // the first range that starts above the word
    while (low < high) {
      const usize middle = (low + high) / 2;
      if (reinterpret_cast<u64>(ranges[middle].start) <= word) low = middle + 1;
      else high = middle;
    }
    // The end of one piece may be the start of the next one: both count.
    for (usize i = low; i-- > 0 && i + 2 >= low;)
      if (word - reinterpret_cast<u64>(ranges[i].start) <= ranges[i].bytes)
        round.held_[i].store(true, std::memory_order_relaxed);
  }
}

void Core::hold_all(Round& round) {
  for (usize i = 0; i < round.ranges_.size(); ++i)
    round.held_[i].store(true, std::memory_order_relaxed);
}

void Core::answer(Round& round) {
  const auto* here = static_cast<const u8*>(__builtin_frame_address(0));
  const platform::StackBounds stack = platform::stack_bounds();
  if (stack.high == nullptr || here < stack.low || here >= stack.high) switches_stacks = true;
  if (switches_stacks) hold_all(round);
  else scan(round, here, stack.high);
  // What is freed now may hold other code when this core comes there the next time. Code that
  // another processor has changed needs a serialising instruction (Intel SDM volume 3, 9.1.3).
  u32 leaf = 0, sub_leaf = 0;
  asm volatile("cpuid" : "+a"(leaf), "+c"(sub_leaf) : : "rbx", "rdx", "memory");
  answered.store(round.number_, std::memory_order_release);
}

Round::~Round() {
  BF_ASSERT(!running_);
}

bool Round::start(std::vector<Range> ranges) {
  BF_ASSERT(!running_);
  if (ranges.empty()) return false;
  {
    LockGuard guard(lock);
    if (current.load(std::memory_order_relaxed) != nullptr) return false;
    ranges_ = std::move(ranges);
    held_ = std::make_unique<std::atomic<bool>[]>(ranges_.size());
    number_ = current_number.load(std::memory_order_relaxed) + 1;
    running_ = true;
    asked_at_ = 0;
    current.store(this, std::memory_order_release);
    current_number.store(number_, std::memory_order_release);
  }
  poll();
  return true;
}

bool Round::finished() {
  LockGuard guard(lock);
  if (!running_ || !all_answered(number_)) return false;
  current.store(nullptr, std::memory_order_relaxed);
  running_ = false;
  return true;
}

void Round::ask() {
  constexpr u64 kAgainTicks = 50'000'000;  // tens of milliseconds: a thread's turn
  const u64 now = platform::ticks();
  if (asked_at_ != 0 && now - asked_at_ < kAgainTicks) return;
  asked_at_ = now;
  LockGuard guard(lock);
  for (const Core* c = cores; c != nullptr; c = c->next)
    if (c->answered.load(std::memory_order_relaxed) != number_) platform::interrupt_core(c->name);
}

void enter() {
  if (this_core() != nullptr) return;
  static std::atomic<bool> hooks_set{false};
  auto* core = new Core;
  LockGuard guard(lock);
  if (!hooks_set.exchange(true, std::memory_order_relaxed)) {
    platform::set_interrupt_hook([] {
      if (Core* interrupted = this_core()) answer_if_asked(*interrupted);
    });
    platform::set_core_end_hook(leave);
  }
  core->name = platform::core_name();
  (void)platform::stack_bounds();  // may allocate, which an interrupt must not
  // It has loaded nothing from a slot yet, so it has nothing of the pieces that are asked for.
  core->answered.store(current_number.load(std::memory_order_relaxed), std::memory_order_relaxed);
  core->next = cores;
  cores = core;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  platform::core_local().member = core;
}

void leave() {
  Core* core = this_core();
  if (core == nullptr) return;
  // From here on an interrupt finds nothing to answer; a round waits for what follows.
  platform::core_local().member = nullptr;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  {
    LockGuard guard(lock);
    Core** at = &cores;
    while (*at != core) at = &(*at)->next;
    *at = core->next;
  }
  delete core;
}

void poll() {
  if (Core* core = this_core()) answer_if_asked(*core);
}

u32 core_count() {
  LockGuard guard(lock);
  u32 n = 0;
  for (const Core* c = cores; c != nullptr; c = c->next) ++n;
  return n;
}

}  // namespace bf::microjit::quiescence
