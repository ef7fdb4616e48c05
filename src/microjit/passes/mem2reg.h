// Inside the pass `mem2reg`: what its two halves share.
#pragma once

#include "microjit/passes/graph.h"

namespace bf::passes {

inline constexpr u32 kNoVariable = ~0u;

// Pieces of stack memory that can live in SSA values: every access of a piece reads or writes all
// of it, as one type, and its address goes nowhere else.
struct Variables {
  std::vector<Type> types;
  // By instruction: the variable that this load reads or this store writes, or kNoVariable.
  std::vector<u32> of;
};

// Finds them (scalar_replacement.cpp). To that end it splits what is accessed in several sizes,
// and turns copies and fills of known size into loads and stores where that pays.
Variables find_variables(Graph& graph);

// Puts them into values (mem2reg.cpp). True if there were any.
bool promote(Graph& graph, const Variables& variables);

}  // namespace bf::passes
