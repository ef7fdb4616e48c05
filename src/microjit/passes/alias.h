// Which accesses of memory can have to do with each other.
//
//   const Alias alias(graph);
//   const Place a = alias.place(address, imm, bytes), b = ...;
//   if (!alias.may_overlap(a, b)) ...
//
// An address is followed back over constant offsets to a base, and over any arithmetic to the
// object it starts from. Different objects do not overlap; stack memory whose address never leaves
// the function is seen by nobody who does not start from it.
#pragma once

#include "microjit/passes/graph.h"

namespace bf::passes {

// Bytes [offset, offset + size) from base.
struct Place {
  ValueId base = kNoValue;  // kNoValue: an object of data, `object` says which
  ValueId root = kNoValue;  // where the address comes from
  u32 object = ~0u;         // index of data, if it starts from one
  bool is_stack = false;    // root is a stack_alloc
  i64 offset = 0;
  u64 size = 0;  // kAnySize: nobody knows, in both directions
};
inline constexpr u64 kAnySize = ~u64{0};

// What an instruction does to memory.
struct MemoryEffect {
  bool reads_all = false, writes_all = false;  // all that others can see
  bool has_write = false, has_read = false;
  Place write, read;
};

class Alias {
 public:
  explicit Alias(const Graph& graph);

  Place place(ValueId address, i64 imm, u64 bytes) const;
  bool may_overlap(const Place& a, const Place& b) const;
  // The same bytes, for sure.
  static bool same(const Place& a, const Place& b);
  // `inner` lies within `outer`, for sure.
  static bool within(const Place& inner, const Place& outer);
  // Whether code outside of this function can read or write it.
  bool visible_outside(const Place& p) const;
  // Whether it is in data that nobody may write.
  bool constant(const Place& p) const;
  // Whether it can be read at any time without harm: memory that is there as long as we run.
  bool always_readable(const Place& p) const;
  MemoryEffect effect(const Inst& inst) const;

 private:
  void follow_addresses();

  const Graph& g_;
  std::vector<bool> escaped_;  // by value: stack_allocs whose address is given away
};

}  // namespace bf::passes
