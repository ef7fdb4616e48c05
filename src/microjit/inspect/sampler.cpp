#include "microjit/inspect/sampler.h"

#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

#include <atomic>

namespace bf::microjit {

namespace {

std::atomic<u64*> buffer{nullptr};
std::atomic<usize> taken{0};

void on_tick(int, siginfo_t*, void* context) {
  u64* to = buffer.load(std::memory_order_acquire);
  if (to == nullptr) return;
  const usize at = taken.fetch_add(1, std::memory_order_relaxed);
  const auto* where = static_cast<const ucontext_t*>(context);
  if (at < Sampler::kMost) to[at] = static_cast<u64>(where->uc_mcontext.gregs[REG_RIP]);
}

void set_timer(u32 per_second) {
  constexpr u32 kMicroseconds = 1'000'000;
  itimerval timer = {};
  if (per_second != 0) timer.it_interval.tv_usec = timer.it_value.tv_usec = kMicroseconds / (per_second + 1);
  setitimer(ITIMER_PROF, &timer, nullptr);
}

}  // namespace

Sampler::Sampler(u32 per_second) {
  addresses_.resize(kMost);
  taken.store(0, std::memory_order_relaxed);
  buffer.store(addresses_.data(), std::memory_order_release);
  struct sigaction action = {};
  action.sa_sigaction = on_tick;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGPROF, &action, nullptr);
  set_timer(per_second);
}

Sampler::~Sampler() {
  stop();
}

void Sampler::stop() {
  set_timer(0);
  buffer.store(nullptr, std::memory_order_release);
}

std::span<const u64> Sampler::addresses() const {
  const usize n = taken.load(std::memory_order_acquire);
  return {addresses_.data(), n < kMost ? n : kMost};
}

}  // namespace bf::microjit
