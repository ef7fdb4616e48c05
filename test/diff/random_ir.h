// Random modules of IR that verify, do not trap, and end: for comparing tiers with each other.
//
//   auto module = RandomModule(seed).build();
//   // function "f": (i32, i64, f32, f64) -> (i64, f64); data "scratch": kScratchBytes
//
// Everything clang emits and much that it never would: every operation on all of its types, loops
// of any shape (irreducible too) held by fuel, nests of loops that are left and continued in
// several places and long enough to be replaced on the stack, indirect calls that change where they
// go in the middle of a loop, switches, calls of all kinds with many arguments, vectors as block
// arguments, odd constants, atomics, frames that are huge or grow, now and then thousands of
// blocks. What the engine alone makes is not here (call_generic, loop_poll, resume_entry), nor are
// variadic functions. Two things are kept out of sight, because tiers may differ in them: payloads
// and signs of NaNs (made the same before they can reach memory or integers), and absolute
// addresses.
#pragma once

#include <random>
#include <vector>

#include "microjit/ir/builder.h"

namespace bf::test {

inline constexpr u32 kScratchBytes = 4096;

class RandomModule {
 public:
  explicit RandomModule(u64 seed) : random_(seed) {}
  ir::Module build();

 private:
  struct Plan {
    std::vector<ir::Type> arguments;
    std::vector<ir::BlockId> successors;
    bool stays = false;  // of an outermost loop: left when the fuel is used up
  };
  u32 below(u32 n) { return n == 0 ? 0 : static_cast<u32>(random_() % n); }
  bool chance(u32 percent) { return below(100) < percent; }

  ir::Type random_type();
  ir::Type random_int(bool vectors = true);
  ir::Type random_float(bool vectors = true);
  ir::Type random_vector();
  u64 odd_bits(ir::Type element);
  ir::ValueId constant(ir::Type t);
  ir::ValueId value(ir::Type t);
  ir::ValueId pointer();
  ir::ValueId without_nan(ir::ValueId v);
  ir::ValueId small(u64 mask);
  void push(ir::ValueId v) {
    if (v != ir::kNoValue) own_.push_back(v);
  }
  void instruction();
  void memory();
  void stack_memory();
  void atomic(ir::Op op);
  void grown_stack();
  void call();
  void store(ir::ValueId v);
  void add_function(u32 index);
  void fill_function(bool last);
  void plan_anything(u32 blocks);
  void plan_nest();
  void plan_loop(u32 depth, std::vector<ir::BlockId>& leaves_outer);
  ir::BlockId plan_block(std::vector<ir::BlockId> successors);
  ir::ValueId leaves_loop(const Plan& plan, ir::ValueId left, ir::ValueId empty);
  ir::ValueId changing_callee(u32 callee);
  void fill_block(ir::BlockId block);
  void end_block(ir::BlockId block);

  std::mt19937_64 random_;
  ir::Module module_;
  u32 import_type_ = 0;
  ir::Builder* b_ = nullptr;
  ir::Function* f_ = nullptr;
  u32 index_ = 0;
  std::vector<Plan> plans_;
  std::vector<std::vector<ir::ValueId>> visible_;  // by block: what its dominators and it define
  std::vector<ir::ValueId> own_;                   // of the block being filled, dominators' first
  std::vector<ir::ValueId> stack_;
  ir::ValueId fuel_ = 0;
  bool nest_ = false;  // whether its loops are those of plan_nest
  bool calls_ = true;  // whether the function may contain what tiers make calls of
};

}  // namespace bf::test
