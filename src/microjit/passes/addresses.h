// Addresses taken apart: a base, some scaled numbers, and a constant. So that a pass can say which
// accesses are neighbours and which do not touch.
//
//   const Address a = address_of(graph, load);   // of a load or store
//   if (same_place(a, b) && b.offset == a.offset + 16) ...
//   if (!may_overlap(graph, a, 16, b, 16)) ...
#pragma once

#include "microjit/passes/graph.h"

namespace bf::passes {

struct Address {
  struct Term {
    ValueId value = kNoValue;  // i64
    u64 scale = 0;
    bool operator==(const Term&) const = default;
  };
  static constexpr u32 kMaxTerms = 3;

  ValueId base = kNoValue;
  u32 term_count = 0;
  Term terms[kMaxTerms];  // base + sum of value * scale + offset, modulo 2^64; by value
  i64 offset = 0;
};

Address address_of(const Graph& graph, ValueId pointer, i64 offset);
// The address that a load or store uses.
Address address_of(const Graph& graph, const Inst& access);

// Whether two addresses differ by `offset` only.
bool same_place(const Address& a, const Address& b);
// Whether accesses of so many bytes may touch the same memory.
bool may_overlap(const Graph& graph, const Address& a, u64 a_bytes, const Address& b, u64 b_bytes);

}  // namespace bf::passes
