// What is said of work that takes longer than a second.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>

#include "runtime/base.h"

namespace bf::gguf {

class Progress {
 public:
  // `what` is done to `total` bytes.
  Progress(const char* what, u64 total);
  ~Progress();

  // From any thread.
  void add(u64 bytes);

 private:
  using Clock = std::chrono::steady_clock;
  void show(u64 done);

  const char* const what_;
  const u64 total_;
  const bool on_terminal_;
  const Clock::time_point start_ = Clock::now();
  std::atomic<u64> done_ = 0;
  std::mutex mutex_;  // of what follows
  Clock::time_point shown_ = start_;
  bool said_ = false;
};

}  // namespace bf::gguf
