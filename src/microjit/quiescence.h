// When is a piece of code that was taken out of its slot really left by everybody?
//
// The program's main function never returns, so nobody waits for empty stacks. Instead, a list of
// retired pieces is shown to every core, and each core looks through its own stack (and registers) for
// anything that points into one of them: return addresses, on-stack replacement entries, deoptimisation
// state, whatever it is. A piece that no core has seen can never be entered again, because nothing but
// stacks and registers leads to it. One such list and its answers are a round:
//
//   quiescence::Round round;
//   round.start({{first, bytes}, ...});      // after the pieces were taken out of their slots
//   ...                                      // never waits: cores answer when they come by
//   if (round.finished()) for (i ...) if (!round.held(i)) cache.release(...);
//
// A core takes part from when it enters the engine's code for the first time (enter(), called by the
// stubs) until it ends. It answers at safepoints (poll()): where heat is used up, before and after it
// compiles. A core that does not come by, because its code has no safepoints or because it waits for
// something outside, can be interrupted for it (ask()). Calls themselves cost nothing for all this.
//
// A core whose stack pointer lies outside of its known stack (a program that switches stacks) holds
// everything, from then on.
//
// One round at a time in the process: start() is refused while another one runs.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "runtime/base.h"

namespace bf::microjit::quiescence {

struct Range {
  const u8* start = nullptr;
  usize bytes = 0;
};

class Round {
 public:
  Round() = default;
  // A round that has been started must have finished: cores may be reading it.
  ~Round();
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  // Shows the ranges (in ascending order) to all cores, the calling one answers at once. False if
  // a round is running.
  bool start(std::vector<Range> ranges);
  // Whether all cores have answered (true once); then others may start theirs.
  bool finished();
  // Interrupts the cores that have not answered; asked again soon, it does nothing.
  void ask();
  bool running() const { return running_; }

  const std::vector<Range>& ranges() const { return ranges_; }
  // After the end: whether somebody has something that points into the range.
  bool held(usize i) const { return held_[i].load(std::memory_order_relaxed); }

 private:
  friend struct Core;
  std::vector<Range> ranges_;
  std::unique_ptr<std::atomic<bool>[]> held_;
  u64 number_ = 0;
  u64 asked_at_ = 0;  // ticks; 0: not yet
  bool running_ = false;
};

// The calling core takes part; nothing if it does already.
void enter();
// A safepoint: the calling core answers the round that is running, if it has not. Never waits.
void poll();
// The calling core has nothing of the engine, and will not come by for a while: nobody waits for its
// answer until it enters again.
void leave();
// How many cores take part.
u32 core_count();

}  // namespace bf::microjit::quiescence
