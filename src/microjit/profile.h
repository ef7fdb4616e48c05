// What is counted of one function while it runs, and how compiled code is timed for next to nothing.
//
// The interpreter counts and times every call. Compiled code does one thing at its entry: it takes one
// off `countdown`. The call that uses it up ends a *leg*: it alone is timed, out of line, and stands
// for all calls of the leg. Legs are as long as makes timing cost less than a hundredth of what the
// calls take: one call where a call is long, thousands where it is a few instructions. Their lengths
// vary at random, so that functions which call each other in turn are not timed in step.
//
//   u64 calls = calls_of(profile);         // exact, but for what cores lose of each other's counts
//   u64 self = self_cycles_of(profile);    // an estimate
//
// Cycles are `rdtsc` ticks from entry to return, callees included; "self" without them. Those come
// about by platform::CoreLocal::callee_cycles, the ticks spent in callees of the call that is being
// timed: saved and reset where timing starts; where it ends, restored, plus what the call stands for.
#pragma once

#include "runtime/base.h"

namespace bf::microjit {

struct Profile {
  u64 calls = 0;       // of legs that have ended, and in the interpreter
  u64 back_edges = 0;  // interpreter only
  u64 timed = 0;       // calls that timed ones stand for, themselves included
  // Of those calls. As estimates they may be below 0 (modulo 2^64) for a while.
  u64 cycles_total = 0;
  u64 self_cycles = 0;
  u64 cycles_min = ~u64{0};  // of timed calls
  u64 cycles_max = 0;
  i64 countdown = 1;  // calls to the end of the leg: the one thing that emitted code writes
  u64 leg = 1;        // calls of the leg, all in all
  u64 random = 0;
};

// Adds to a counter that other cores may count in too: an update may get lost, nothing worse.
inline void count(u64& counter, u64 n) {
  __atomic_store_n(&counter, __atomic_load_n(&counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}
inline u64 counted(const u64& counter) { return __atomic_load_n(&counter, __ATOMIC_RELAXED); }

// Calls of the leg that has not ended.
inline u64 calls_of_leg(const Profile& p) {
  const i64 left = __atomic_load_n(&p.countdown, __ATOMIC_RELAXED);
  const i64 leg = static_cast<i64>(counted(p.leg));
  return static_cast<u64>(leg - (left < 0 ? 0 : left > leg ? leg : left));
}
inline u64 calls_of(const Profile& p) { return counted(p.calls) + calls_of_leg(p); }

// Cycles of all calls that have returned: those of the leg under way took as long as others.
u64 total_cycles_of(const Profile& p);
u64 self_cycles_of(const Profile& p);
// Of a call, callees included; 0 if none was timed.
u64 average_cycles_of(const Profile& p);

// A call that is being timed; it lies in the frame of the code that does so (baseline_frame.cpp).
struct TimedCall {
  Profile* profile;
  u64 start;
  u64 callees_before;
  u64 stands_for;
};
// Measures what timing itself takes, once: it is taken off what was timed. Before anything is timed.
void measure_timing();
// Starts the next leg. The call that ended the last one is timed, or is not (then nothing stands for
// the leg: its calls have no cycles).
void start_leg(Profile& profile);
void start_timing(Profile& profile, TimedCall& call);
void end_timing(TimedCall& call, u64 now);
// Notes a call of so many cycles, which stands for `calls` of them. `callees`: the core's callee_cycles
// since the call began. Nothing as yet may be below 0, modulo 2^64. Returns what its caller's callee_cycles grow by.
u64 note_call(Profile& profile, u64 cycles, u64 callees, u64 calls);

}  // namespace bf::microjit
