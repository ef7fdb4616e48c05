// Cores of the host: one that the program starts on; its further threads have core-local words of
// their own.
#include <sched.h>

#include "runtime/platform.h"

namespace bf::platform {

namespace {

// In the block of thread-local storage that every thread has from its start, so its distance from
// FS is the same in all of them.
[[gnu::tls_model("local-exec")]] constinit thread_local CoreLocal local;

i64 distance_from_fs() {
  u64 self;
  asm("movq %%fs:0, %0" : "=r"(self));
  return static_cast<i64>(reinterpret_cast<u64>(&local) - self);
}

}  // namespace

i64 core_local_offset = distance_from_fs();

u32 core_count() {
  return 1;
}

u32 core_index() {
  return 0;
}

void yield() {
  sched_yield();
}

}  // namespace bf::platform
