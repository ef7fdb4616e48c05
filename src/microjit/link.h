// The border between the tiers and the rest of the engine: what a tier hands over, and what the
// code it makes may refer to.
//
// Code is relocatable. Everything outside it is reached through 8-byte absolute addresses that are
// recorded as relocations, so that a version can be published at any address, written to disk and
// loaded again elsewhere.
//
// Calling convention of all code: System V AMD64, as ir::FunctionType says. So slots, imports,
// stubs and C functions can call each other. The direction flag is clear, MXCSR is the default.
#pragma once

#include <atomic>
#include <vector>

#include "microjit/ir/module.h"
#include "microjit/profile.h"
#include "runtime/platform.h"

namespace bf::microjit {

// tier, text name
#define BF_TIERS(row)                                                                             \
  row(Interp, "interp") row(Baseline, "baseline") row(Optimising, "opt") row(Specialised, "spec") \
      row(Tuned, "tuned")

enum class Tier : u8 {
#define BF_TIER(name, text) name,
  BF_TIERS(BF_TIER)
#undef BF_TIER
};
inline constexpr const char* kTierNames[] = {
#define BF_TIER(name, text) text,
    BF_TIERS(BF_TIER)
#undef BF_TIER
};

inline constexpr u32 kTierCount = sizeof kTierNames / sizeof *kTierNames;
constexpr const char* tier_name(Tier tier) {
  return kTierNames[static_cast<u8>(tier)];
}

// Heat is what calls (and back edges, 1 each) take off a function's countdown.
inline constexpr i64 kCallHeat = 100;

// Functions of the engine that emitted code may call; one row each in helpers.def.
enum class Helper : u8 {
#define BF_HELPER(name, type) name,
#include "microjit/helpers.def"
#undef BF_HELPER
};
const void* helper_address(Helper helper);

// What an 8-byte field in code stands for.
enum class RelocKind : u8 {
  Slot,           // address of the slot (std::atomic<const void*>) of function `index`
  GenericSlot,    // address of its slot for the version without guards (call_generic)
  FirstEntry,     // address of FunctionState::first_entry of function `index`
  GuardFailures,  // address of its count of guards that failed (u64)
  Stub,           // callable address of function `index` that never changes: jumps through its slot
  Import,         // address of import `index`
  Data,           // address of data `index`, plus addend
  Profile,        // address of the Profile of function `index`
  Heat,           // address of the heat countdown (i64) of function `index`
  State,          // address of the FunctionState of function `index`, for Helper::hot
  Helper,         // address of Helper `index`
  Code,           // address of this version itself, plus addend: where its jump tables lead
};

struct CodeRelocation {
  u32 offset = 0;  // in CompiledCode::bytes; need not be aligned
  RelocKind kind = RelocKind::Slot;
  u32 index = 0;
  i64 addend = 0;
};

// Code from `offset` on comes from this place.
struct CodeLine {
  u32 offset = 0;
  ir::Location location = 0;
};

// One version of one function, not yet anywhere. Entry is offset 0; constants follow the code and
// are reached relative to the instruction pointer.
struct CompiledCode {
  std::vector<u8> bytes;
  u32 code_bytes = 0;  // of `bytes`, without the constants
  // Between these offsets rbp is the frame pointer; before and behind, there is no frame yet and
  // rsp points to the return address. For debuggers.
  u32 frame_start = 0, frame_end = 0;
  // From `timed_start` to the end of the code (or there is none: 0) lies what makes a call again to
  // time it, the function's own caller for once; rbp is its frame pointer from `timed_frame` on, if
  // not 0.
  u32 timed_start = 0, timed_frame = 0;
  // Of emitted kernels: where calls enter that the profile has been told of already.
  u32 untimed_start = 0;
  std::vector<CodeRelocation> relocations;
  std::vector<CodeLine> lines;
};

}  // namespace bf::microjit
