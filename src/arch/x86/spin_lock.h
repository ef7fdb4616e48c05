// A lock for the few structures that every core may touch; held for microseconds.
//
//   SpinLock lock;
//   ...
//   SpinGuard guard(lock);
#pragma once

#include <atomic>

namespace bf::x86 {

class SpinLock {
 public:
  void acquire() {
    while (flag_.test_and_set(std::memory_order_acquire)) __builtin_ia32_pause();
  }
  bool try_acquire() { return !flag_.test_and_set(std::memory_order_acquire); }
  void release() { flag_.clear(std::memory_order_release); }

 private:
  std::atomic_flag flag_;
};

class SpinGuard {
 public:
  explicit SpinGuard(SpinLock& lock) : lock_(lock) { lock_.acquire(); }
  ~SpinGuard() { lock_.release(); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  SpinLock& lock_;
};

}  // namespace bf::x86
