// A lock for the few structures of the engine that several cores change; held for microseconds.
//
//   Lock lock;
//   ...
//   LockGuard guard(lock);
//
// Nothing on the path of a call takes one. Who must not wait at all uses try_acquire().
#pragma once

#include <atomic>

#include "runtime/platform.h"

namespace bf {

class Lock {
 public:
  void acquire() {
    constexpr u32 kSpins = 64;  // then the holder may be a thread that is not running
    for (u32 spins = 0; !try_acquire(); ++spins) {
      if (spins < kSpins) __builtin_ia32_pause();
      else platform::yield();
    }
  }
  bool try_acquire() {
    return !taken_.load(std::memory_order_relaxed) &&
           !taken_.exchange(true, std::memory_order_acquire);
  }
  void release() { taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> taken_{false};
};

class LockGuard {
 public:
  explicit LockGuard(Lock& lock) : lock_(lock) { lock_.acquire(); }
  ~LockGuard() { lock_.release(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  Lock& lock_;
};

}  // namespace bf
