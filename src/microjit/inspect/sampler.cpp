#include "microjit/inspect/sampler.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#include <atomic>

#include "runtime/platform.h"

namespace bf::microjit {

namespace {

std::atomic<u64*> buffer{nullptr};
std::atomic<usize> count{0};

void on_tick(int, siginfo_t*, void* context) {
  u64* to = buffer.load(std::memory_order_acquire);
  if (to == nullptr) return;
  const usize at = count.fetch_add(1, std::memory_order_relaxed);
  const auto* where = static_cast<const ucontext_t*>(context);
  if (at < Sampler::kMost) to[at] = static_cast<u64>(where->uc_mcontext.gregs[REG_RIP]);
}

void set_timer(u32 per_second) {
  constexpr u32 kMicroseconds = 1'000'000;
  itimerval timer = {};
  if (per_second != 0)
    timer.it_interval.tv_usec = timer.it_value.tv_usec = kMicroseconds / (per_second + 1);
  setitimer(ITIMER_PROF, &timer, nullptr);
}

u64 processor_ns() {
  timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

}  // namespace

Sampler::Sampler(u32 per_second) {
  addresses_.resize(kMost);
  count.store(0, std::memory_order_relaxed);
  buffer.store(addresses_.data(), std::memory_order_release);
  struct sigaction action = {};
  action.sa_sigaction = on_tick;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGPROF, &action, nullptr);
  started_ns_ = processor_ns();
  set_timer(per_second);
}

Sampler::~Sampler() {
  stop();
}

void Sampler::stop() {
  set_timer(0);
  if (stopped_ns_ == 0) stopped_ns_ = processor_ns();
  buffer.store(nullptr, std::memory_order_release);
}

std::span<const u64> Sampler::addresses() const {
  const usize n = count.load(std::memory_order_acquire);
  return {addresses_.data(), n < kMost ? n : kMost};
}

u64 Sampler::ticks_each() const {
  const u64 ns = (stopped_ns_ ? stopped_ns_ : processor_ns()) - started_ns_;
  const double ticks =
      static_cast<double>(ns) * 1e-9 * static_cast<double>(platform::ticks_per_second());
  return taken() == 0 ? 0 : static_cast<u64>(ticks / static_cast<double>(taken()));
}

}  // namespace bf::microjit
