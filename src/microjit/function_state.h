// What the engine keeps of one function of the program: its slot, its tier, its counters.
//
// Program threads on any core read the slot and count; everything under "the engine's" changes
// under the engine's lock only (microjit.h).
#pragma once

#include <atomic>
#include <memory>

#include "microjit/value_profile.h"

namespace bf::microjit {

class Engine;
namespace interp {
struct CallSite;
struct Code;
}  // namespace interp

struct FunctionState;
struct Tuning;

// Code of a function that lies in the code cache: what its slot holds, or has held.
struct Version {
  FunctionState* function = nullptr;
  const u8* entry = nullptr;
  u32 bytes = 0;       // with its constants
  u32 code_bytes = 0;  // without
  Tier tier = Tier::Interp;
  // As in CompiledCode.
  u32 frame_start = 0, frame_end = 0, timed_start = 0, timed_frame = 0, untimed_start = 0;
  std::vector<CodeLine> lines;
  u64 compile_ticks = 0;
  // For choosing whom to evict: cycles of the function's calls since it was published; older ones
  // count half each time that somebody looks.
  u64 recent_use = 0;
  u64 calls_then = 0;  // all calls of the function, when somebody looked the last time

  bool holds(const void* address) const {
    const auto* a = static_cast<const u8*>(address);
    return a >= entry && a < entry + bytes;
  }
};

struct FunctionState {
  FunctionState();
  ~FunctionState();
  FunctionState(const FunctionState&) = delete;

  // Where every call goes. Changed by one release store.
  std::atomic<const void*> slot{nullptr};
  // Whether the slot holds a version of the best tier. The stub then jumps by a second instruction
  // that has never gone anywhere else: processors (Zen at least) are slower to predict an indirect
  // jump that has had several targets, and go on being so.
  std::atomic<bool> settled{false};

  // Where calls go whose guards failed (call_generic): the best version that has none. Before a
  // version with guards is published, this must be one that does not go through `slot`.
  std::atomic<const void*> generic_slot{nullptr};
  u64 guard_failures = 0;  // counted by compiled code; cores may lose each other's

  const void* interp_entry = nullptr;  // native entry to the interpreter for this function
  // Where calls go that no version is for: the interpreter, or the autotuner for a kernel that has
  // emitters.
  std::atomic<const void*> first_entry{nullptr};
  const void* stub = nullptr;          // its address as a value: jumps through the slot, for ever

  // Counted down by whatever runs the function, in all tiers that count. Used up, the engine is
  // asked for a better version. Cores may lose each other's updates: heat is an estimate.
  std::atomic<i64> heat{0};
  bool cool(i64 n) {
    const i64 left = heat.load(std::memory_order_relaxed) - n;
    heat.store(left, std::memory_order_relaxed);
    return left <= 0;
  }

  bool profiled = true;
  Profile profile;

  Engine* engine = nullptr;
  const ir::Function* function = nullptr;
  const ir::FunctionType* type = nullptr;
  // Decoded for the interpreter at its first call there; owned.
  std::atomic<const interp::Code*> code{nullptr};

  // Of a kernel that has emitters: its versions, and which of them are best. Owned.
  std::unique_ptr<Tuning> tuning;
  bool is_tuned() const;  // and no other tiers compile it

  // ---- The engine's ----
  std::atomic<Tier> tier{Tier::Interp};
  std::atomic<bool> promoting{false};  // somebody is compiling it: one at a time
  u32 failed_tiers = 0;                // bit by tier: compiling failed there, not tried again
  u32 heat_slices = 0;                 // countdowns still to come before the next tier is due
  u64 compile_ticks = 0;
  u32 code_bytes = 0;
  std::unique_ptr<Version> version;  // what the slot holds; null: the interpreter's entry
  u32 evictions = 0;
  // Where `version` has guards: the version without, in generic_slot.
  std::unique_ptr<Version> generic;
  ArgumentProfile arguments;
  bool wrong_guess = false;  // its guards failed too often: no more of them
  bool calls_vary = false;   // an indirect call went where it never had
  // The rest of this function from some places on (resume.h).
  struct Continuation {
    u32 block, instruction;
    FunctionState* rest;
  };
  std::vector<Continuation> continuations;
  // Of a continuation: its own IR, and the block it goes on at; the function of the module that it
  // is the rest of, and which of that one's instructions its own were (~0: none).
  std::unique_ptr<ir::Function> rest;
  FunctionState* whole = nullptr;
  std::vector<u32> origins;
  u32 header = 0;

  // All calls go to `entry` from now on, which is of that tier.
  void lead_to(const void* entry, Tier to) {
    slot.store(entry, std::memory_order_release);
    settled.store(static_cast<u32>(to) + 1 == kTierCount, std::memory_order_relaxed);
    tier.store(to, std::memory_order_relaxed);
  }
};

}  // namespace bf::microjit
