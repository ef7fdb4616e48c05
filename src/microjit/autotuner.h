// The autotuner: versions of kernels that have hand-written emitters, chosen by the time they take.
//
// A kernel's slot leads here at first (FunctionState::first_entry). A call of a new shape is looked at:
// plans for it are emitted, and each is compared with the interpreter on a piece of that very call
// before anything runs it. Then calls of the shape run the plans in turn and are timed; the fastest
// becomes part of the function's one version, which is published. From then on calls of that shape do
// not come by any more, but for those that the profile wants timed.
//
// A plan that does not agree with the reference is dropped; a shape without plans stays with the
// interpreter. The log tells of both, and of what was chosen why.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "microjit/emit/kernel.h"
#include "microjit/function_state.h"
#include "runtime/lock.h"

namespace bf::microjit {

// How long runs took, each for a thousand units of work. Filled by several cores at once.
class TrialTimes {
 public:
  static constexpr u32 kWanted = 9;

  void add(u64 ticks);
  u32 count() const { return count_.load(std::memory_order_relaxed); }
  // The median: runs that were interrupted are far above it, and those that found their weights in a
  // cache by chance are below. kNone if there are none.
  u64 typical() const;
  static constexpr u64 kNone = ~u64{0};

 private:
  std::atomic<u32> count_{0};
  std::atomic<u64> ticks_[kWanted] = {};  // 0: not there yet
};

// A plan under trial.
struct Candidate {
  emit::KernelPlan plan;
  std::unique_ptr<Version> version;
  std::atomic<const u8*> entry{nullptr};  // null once it is no candidate any more
  TrialTimes times;
};

// What there is for calls of a shape.
struct Variant {
  enum class Stage : u8 {
    Trying,
    Settled,  // its plan is part of the function's version, or was when that was evicted
    Refused,  // nothing emitted did what it should
  };
  emit::KernelShape shape;
  emit::KernelPlan plan;  // once it is settled
  std::atomic<Stage> stage{Stage::Trying};
  std::vector<std::unique_ptr<Candidate>> candidates;
  std::atomic<u32> turn{0};
};

struct Tuning {
  Tuning(std::unique_ptr<const emit::Kernel> k, emit::Set s) : kernel(std::move(k)), set(s) {}
  const std::unique_ptr<const emit::Kernel> kernel;
  const emit::Set set;
  Lock lock;  // for new variants and for settling
  std::vector<std::unique_ptr<Variant>> variants;
  std::atomic<bool> given_up{false};  // the function is an ordinary one
  std::atomic<const u8*> direct{nullptr};  // the published version, behind what counts calls
};

// The version was taken out of its slot. (Under the engine's lock.)
void forget_version(Tuning& tuning);

}  // namespace bf::microjit
