// Functions that wait for being compiled, hottest first: by a core that has nothing else to do, or in
// slices by those that run the program.
//
// Not for several cores at once: the engine's lock is around it.
#pragma once

#include <vector>

#include "microjit/function_state.h"
#include "microjit/tier_log.h"

namespace bf::microjit {

struct CompileRequest {
  FunctionState* state = nullptr;
  Tier tier = Tier::Interp;
  TierReason reason = TierReason::Calls;
  bool again = false;  // even if that is its tier already: what is known of it has changed
};

class CompileQueue {
 public:
  // Asks once per function: a newer request takes the place of an older one.
  void add(const CompileRequest& request);
  // The hottest by its cycles now (its calls, where there is no profile). Requests for a tier that
  // the function has reached by other ways, or that failed, are stale and dropped. False: nothing
  // waits.
  bool take(CompileRequest& request);
  usize size() const { return waiting_.size(); }
  u64 dropped() const { return dropped_; }

 private:
  std::vector<CompileRequest> waiting_;
  u64 dropped_ = 0;
};

}  // namespace bf::microjit
