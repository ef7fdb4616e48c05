// Compiling beside the program: cores that have nothing else to do take requests from the queue.
#include "microjit/microjit.h"

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
      promote(*next.state, next.tier, next.reason);
      LockGuard guard(lock_);
      --busy_compilers_;
    } else {
      platform::wait_while(&requests_made_, seen);
    }
  }
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
