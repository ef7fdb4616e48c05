// Atomics that are no single instruction: 16 bytes by cmpxchg16b, other sizes under a lock. All are
// sequentially consistent, whatever order is asked for. The names are libatomic's; as they are
// builtins of the compiler, too, they are given by __asm__.
#include <atomic>
#include <cstring>

#include "runtime/base.h"

namespace {

using namespace bf;
using Wide = unsigned __int128;

// What was there: `fresh` replaces it if that is as expected. Not by a builtin, which may be a call
// of the functions below.
Wide compare_exchange(void* at, Wide expected, Wide fresh) {
  u64 low = static_cast<u64>(expected), high = static_cast<u64>(expected >> 64);
  asm volatile("lock cmpxchg16b %2"
               : "+a"(low), "+d"(high), "+m"(*static_cast<Wide*>(at))
               : "b"(static_cast<u64>(fresh)), "c"(static_cast<u64>(fresh >> 64))
               : "memory", "cc");
  return Wide{high} << 64 | low;
}

// One lock for all: who needs these is not in a hurry.
std::atomic_flag busy = ATOMIC_FLAG_INIT;
struct Lock {
  Lock() {
    while (busy.test_and_set(std::memory_order_acquire)) __builtin_ia32_pause();
  }
  ~Lock() { busy.clear(std::memory_order_release); }
};

}  // namespace

extern "C" {

Wide bf_atomic_load_16(void* at, int) __asm__("__atomic_load_16");
void bf_atomic_store_16(void* at, Wide value, int) __asm__("__atomic_store_16");
Wide bf_atomic_exchange_16(void* at, Wide value, int) __asm__("__atomic_exchange_16");
bool bf_atomic_compare_exchange_16(void* at, void* expected, Wide fresh, int,
                                   int) __asm__("__atomic_compare_exchange_16");
void bf_atomic_load(usize bytes, void* at, void* result, int) __asm__("__atomic_load");
void bf_atomic_store(usize bytes, void* at, void* value, int) __asm__("__atomic_store");
void bf_atomic_exchange(usize bytes, void* at, void* value, void* result,
                        int) __asm__("__atomic_exchange");
bool bf_atomic_compare_exchange(usize bytes, void* at, void* expected, void* fresh, int,
                                int) __asm__("__atomic_compare_exchange");
bool bf_atomic_is_lock_free(usize bytes, void* at) __asm__("__atomic_is_lock_free");

Wide bf_atomic_load_16(void* at, int) { return compare_exchange(at, 0, 0); }

Wide bf_atomic_exchange_16(void* at, Wide value, int) {
  Wide seen = compare_exchange(at, 0, 0);
  for (;;) {
    const Wide now = compare_exchange(at, seen, value);
    if (now == seen) return now;
    seen = now;
  }
}
void bf_atomic_store_16(void* at, Wide value, int order) {
  bf_atomic_exchange_16(at, value, order);
}
bool bf_atomic_compare_exchange_16(void* at, void* expected, Wide fresh, int, int) {
  Wide wanted;
  std::memcpy(&wanted, expected, sizeof wanted);
  const Wide now = compare_exchange(at, wanted, fresh);
  std::memcpy(expected, &now, sizeof now);
  return now == wanted;
}

void bf_atomic_load(usize bytes, void* at, void* result, int) {
  const Lock lock;
  std::memcpy(result, at, bytes);
}
void bf_atomic_store(usize bytes, void* at, void* value, int) {
  const Lock lock;
  std::memcpy(at, value, bytes);
}
void bf_atomic_exchange(usize bytes, void* at, void* value, void* result, int) {
  const Lock lock;
  std::memmove(result, at, bytes);
  std::memcpy(at, value, bytes);
}
bool bf_atomic_compare_exchange(usize bytes, void* at, void* expected, void* fresh, int, int) {
  const Lock lock;
  const bool equal = std::memcmp(at, expected, bytes) == 0;
  std::memcpy(equal ? at : expected, equal ? fresh : at, bytes);
  return equal;
}
bool bf_atomic_is_lock_free(usize bytes, void*) {
  return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16;
}

}  // extern "C"
