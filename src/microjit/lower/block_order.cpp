#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Dominators.h>

#include <algorithm>

#include "microjit/lower/function_lowering.h"

namespace bf::lower {

// A depth-first walk in which the header of a loop visits the loop's exits before its body: then
// all that follows the loop has finished first, and comes after all of the loop in reverse
// post-order.
std::vector<llvm::BasicBlock*> block_order(llvm::Function& function) {
  const llvm::DominatorTree dominators(function);
  const llvm::LoopInfo loops(dominators);

  const auto next_of = [&](llvm::BasicBlock* block) {
    llvm::SmallVector<llvm::BasicBlock*> next;
    if (loops.isLoopHeader(block)) loops.getLoopFor(block)->getExitBlocks(next);
    // The last successor first: the first one follows its block where it can.
    llvm::SmallVector<llvm::BasicBlock*> successors(llvm::successors(block));
    next.append(successors.rbegin(), successors.rend());
    return next;
  };

  struct Visit {
    llvm::BasicBlock* block;
    llvm::SmallVector<llvm::BasicBlock*> next;
    usize done = 0;
  };
  std::vector<llvm::BasicBlock*> order;
  llvm::DenseMap<llvm::BasicBlock*, bool> seen;
  std::vector<Visit> path;
  const auto enter = [&](llvm::BasicBlock* block) {
    if (seen.try_emplace(block, true).second) path.push_back({block, next_of(block)});
  };
  enter(&function.getEntryBlock());
  while (!path.empty()) {
    Visit& visit = path.back();
    if (visit.done < visit.next.size()) {
      enter(visit.next[visit.done++]);
    } else {
      order.push_back(visit.block);
      path.pop_back();
    }
  }
  std::reverse(order.begin(), order.end());
  return order;
}

}  // namespace bf::lower
