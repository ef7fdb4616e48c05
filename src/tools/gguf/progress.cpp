#include "tools/gguf/progress.h"

#include <unistd.h>

#include <cstdio>

namespace bf::gguf {

Progress::Progress(const char* what, u64 total)
    : what_(what), total_(total), on_terminal_(isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
  if (said_ && on_terminal_) std::fprintf(stderr, "\r\033[K");
}

void Progress::add(u64 bytes) {
  const u64 done = done_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock.owns_lock()) show(done);
}

void Progress::show(u64 done) {
  using namespace std::chrono_literals;
  const Clock::time_point now = Clock::now();
  // A terminal's line is written over, a log's stays.
  const auto pause = !said_ ? Clock::duration(1s) : on_terminal_ ? Clock::duration(200ms) : 10s;
  if (now - shown_ < pause) return;
  shown_ = now;
  said_ = true;
  std::fprintf(stderr, "%s%s: %3.0f %% of %.1f MB%s", on_terminal_ ? "\r" : "", what_,
               100.0 * static_cast<double>(done) / static_cast<double>(total_),
               static_cast<double>(total_) / 1e6, on_terminal_ ? "" : "\n");
}

}  // namespace bf::gguf
