// Compiling beside the program: cores that have nothing else to do take requests from the queue. And
// where there are none, in slices between pieces of the program.
#include "microjit/promotion.h"

namespace bf::microjit {

void Engine::start_compilers() {
  for (u32 n = 0; n < options_.compile_threads; ++n) {
    platform::ExtraCore core;
    const auto body = [](void* engine) { static_cast<Engine*>(engine)->compile_requests(); };
    if (!platform::start_core(body, this, core)) return;  // then the program compiles for itself
    compilers_.push_back(core);
  }
}

void Engine::stop_compilers() {
  compilers_stop_.store(true, std::memory_order_release);
  requests_made_.fetch_add(1, std::memory_order_release);
  platform::wake(&requests_made_);
  for (const platform::ExtraCore core : compilers_) platform::join_core(core);
  compilers_.clear();
}

// Under the lock. Another countdown runs meanwhile: when it ends, the request is made again.
void Engine::request(const CompileRequest& wanted) {
  if (wanted.state->promoting.load(std::memory_order_relaxed)) return;
  queue_.add(wanted);
  requests_made_.fetch_add(1, std::memory_order_release);
  platform::wake(&requests_made_);
}

void Engine::compile_requests() {
  while (!compilers_stop_.load(std::memory_order_acquire)) {
    const u32 seen = requests_made_.load(std::memory_order_acquire);
    CompileRequest next;
    bool found;
    {
      LockGuard guard(lock_);
      found = queue_.take(next);
      if (found) ++busy_compilers_;
    }
    if (found) {
      if (const auto promotion = begin_promotion(next)) {
        while (promotion->step()) platform::yield();  // who shares this core may have work now
        finish_promotion(*promotion);
      }
      LockGuard guard(lock_);
      --busy_compilers_;
    } else {
      cache_.rest();
      platform::wait_while(&requests_made_, seen);
    }
  }
}

bool Engine::take_request(CompileRequest& request) {
  LockGuard guard(lock_);
  return queue_.take(request);
}

// Called by a core of the program when heat is used up. One core compiles at a time, and nobody waits
// for it; what it leaves undone goes on at the end of another countdown, of whatever function.
void Engine::compile_slice() {
  if (!compilers_.empty() || slicing_.exchange(true, std::memory_order_acquire)) return;
  const u64 start = platform::ticks();
  u64 steps = 0;
  do {
    if (CompileRequest next; !sliced_) {
      if (!take_request(next)) break;
      sliced_ = begin_promotion(next);
      if (!sliced_) continue;
    }
    if (sliced_->step()) {
      ++steps;
      continue;
    }
    finish_promotion(*sliced_);
    sliced_.reset();
  } while (platform::ticks() - start < options_.slice_ticks);
  if (steps != 0) slices_.fetch_add(1, std::memory_order_relaxed);
  if (steps != 0 && !sliced_) cache_.rest();
  slice_steps_.fetch_add(steps, std::memory_order_relaxed);
  slicing_.store(false, std::memory_order_release);
}

void Engine::wait_for_compilers() {
  for (;;) {
    {
      LockGuard guard(lock_);
      if (compilers_.empty() || (queue_.size() == 0 && busy_compilers_ == 0)) return;
    }
    platform::yield();
  }
}

}  // namespace bf::microjit
