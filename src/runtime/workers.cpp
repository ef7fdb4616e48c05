#include "runtime/workers.h"

namespace bf::workers {

// No other core has been woken as yet: the whole range is the caller's. Others will take their
// ranges from here, and nothing above this function will notice.
void parallel_for(u64 begin, u64 end, u64 grain, Body body, void* context) {
  BF_ASSERT(grain > 0);
  if (begin < end) body(context, begin, end);
}

}  // namespace bf::workers
