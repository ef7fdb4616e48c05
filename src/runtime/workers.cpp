#include "runtime/workers.h"

#include "runtime/platform.h"

namespace bf::workers {

// Both platforms have one core as yet: the whole range is the caller's. Other cores will take
// their ranges from here, and nothing above this function will notice.
void parallel_for(u64 begin, u64 end, u64 grain, Body body, void* context) {
  BF_ASSERT(grain > 0);
  BF_ASSERT(platform::core_count() == 1);
  if (begin < end) body(context, begin, end);
}

}  // namespace bf::workers
