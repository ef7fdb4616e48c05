// Registers for a whole function: which part of a value lives where for all its life, for
// Quality::Best. What gets none lives in the frame, and the block-local cache of the compiler
// (baseline_registers.cpp) brings it into registers that are free for a moment.
//
//   Allocation(analysis, function, live_ranges).run();     // fills Part::fixed, Analysis::saved
//
// Block arguments and what is passed for them share a register where their lives do not meet. Then
// registers are handed out, long lives first; who finds none free takes those of lives that are
// worth less, and these try again. After L. George and A. Appel's coalescing and LLVM's greedy
// allocator, without splitting.
//
// At last, registers that are left hold what would be made again in each round of a loop.
//
// A value that lives across calls takes a callee-saved register, or one that is saved around each of
// those calls where that costs less than it brings.
#pragma once

#include <vector>

#include "microjit/tiers/baseline_analysis.h"

namespace bf::microjit::baseline {

inline constexpr RegMask kGeneral = 0xffffull & ~(bit(kRsp) | bit(kRbp) | bit(kScratchGp));

class Allocation {
 public:
  Allocation(Analysis& analysis, const ir::Module& module, const ir::Function& function,
             LiveRanges& ranges);
  void run();

 private:
  static constexpr u32 kNone = ~0u;
  // A part of a value, or several that share a register.
  struct Unit {
    u32 first_interval = 0, interval_count = 0;  // in intervals_
    u32 weight = 0;
    u32 call_weight = 0;  // of the calls it lives across
    u32 length = 0;
    u32 next_member = kNone;  // chain of the parts that share
    u32 first_hint = 0;       // one more than its index in hints_, 0: none
    RegMask pool = 0;
    RegId reg = kNoReg;
    bool is_leader = false;
  };
  struct Hint {
    u32 other;  // a unit, or
    RegId reg;  // a register
    u32 next;
  };
  struct Taken {
    u32 start, end, unit;
  };

  void make_units();
  void find_clobbers();
  void coalesce();
  void find_hints();
  void share(ir::ValueId a, ir::ValueId b);
  void hint(ir::ValueId a, ir::ValueId b);
  void hint_register(ir::ValueId v, RegId r);
  u32 leader(u32 unit);
  bool disjoint(const Unit& a, const Unit& b) const;
  RegMask clobbered_in(const Unit& unit) const;
  u32 weight_of_calls(const Unit& unit) const;

  void place(u32 unit);
  bool is_free(const Unit& unit, RegId r) const;
  bool worth_saving(const Unit& unit, RegId r) const;
  u32 cost_of_taking(const Unit& unit, RegId r, u32 limit);
  void take(u32 unit, RegId r);
  void give_up(u32 unit);

  // ---- allocation_loops.cpp
  struct Loop {
    u32 first_interval = 0, interval_count = 0;
    std::vector<u32> blocks, before;  // of the loop; those that lead into it
    bool irreducible = false;
  };
  struct Wish {
    ir::ValueId value;
    u32 head;    // of the loop
    u32 weight;  // of the uses in it
  };
  void hold_in_loops();
  std::vector<Wish> find_wishes() const;
  bool wants_register(const ir::Instruction& i, u32 operand) const;
  bool is_inside(u32 block, u32 head) const;
  std::vector<Loop> find_loops();
  bool hold(const Wish& wish, const Loop& loop);

  std::span<const Interval> intervals(const Unit& u) const {
    return {intervals_.data() + u.first_interval, u.interval_count};
  }

  Analysis& a_;
  const ir::Module& module_;
  const ir::Function& f_;
  LiveRanges& ranges_;
  std::vector<Unit> units_;    // by part
  std::vector<u32> leaders_;   // by part
  std::vector<Interval> intervals_;
  std::vector<Hint> hints_;
  struct Clobber {
    u32 position;
    RegMask registers;
  };
  std::vector<Clobber> clobbers_;
  struct CallSite {
    u32 position;
    u32 weight_before;  // of all calls before this one
  };
  std::vector<CallSite> calls_;
  std::vector<Taken> taken_[kRegCount];
  std::vector<u32> queue_;
  std::vector<u32> in_the_way_;
};

}  // namespace bf::microjit::baseline
