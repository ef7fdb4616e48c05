#include "microjit/compile_queue.h"

namespace bf::microjit {

namespace {

bool is_stale(const CompileRequest& r) {
  if ((r.state->failed_tiers >> static_cast<u8>(r.tier) & 1) != 0) return true;
  return !r.again && r.state->tier.load(std::memory_order_relaxed) >= r.tier;
}

bool is_hotter(const FunctionState& a, const FunctionState& b) {
  const u64 of_a = self_cycles_of(a.profile), of_b = self_cycles_of(b.profile);
  return of_a != of_b ? of_a > of_b : calls_of(a.profile) > calls_of(b.profile);
}

}  // namespace

void CompileQueue::add(const CompileRequest& request) {
  for (CompileRequest& r : waiting_)
    if (r.state == request.state) {
      r = request;
      return;
    }
  waiting_.push_back(request);
}

bool CompileQueue::take(CompileRequest& request) {
  const usize before = waiting_.size();
  std::erase_if(waiting_, is_stale);
  dropped_ += before - waiting_.size();
  if (waiting_.empty()) return false;
  usize hottest = 0;
  for (usize i = 1; i < waiting_.size(); ++i)
    if (is_hotter(*waiting_[i].state, *waiting_[hottest].state)) hottest = i;
  request = waiting_[hottest];
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(hottest));
  return true;
}

}  // namespace bf::microjit
