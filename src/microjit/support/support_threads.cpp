// Thread-local variables of lowered programs: each thread has a list of its copies, by a key that a
// variable gets at its first use.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "runtime/base.h"

namespace {

using namespace bf;

// As the lowering lays it out (module_lowering.cpp).
struct Variable {
  u64 key;
  u64 bytes, alignment;
  const void* image;
};
static_assert(sizeof(Variable) == 32);

struct Copies {
  std::vector<void*> by_key;
  ~Copies() {
    for (void* const copy : by_key) std::free(copy);
  }
};
thread_local Copies copies;

u64 make_key(Variable& variable) {
  static std::atomic<u64> next{1};
  u64 key = 0;
  const u64 fresh = next.fetch_add(1, std::memory_order_relaxed);
  return __atomic_compare_exchange_n(&variable.key, &key, fresh, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED)
             ? fresh
             : key;
}

[[gnu::noinline]] void* make_copy(const Variable& variable, u64 key) {
  if (copies.by_key.size() <= key) copies.by_key.resize(key + 1);
  const u64 alignment = variable.alignment < 16 ? 16 : variable.alignment;
  void* const copy = std::aligned_alloc(alignment, align_up(variable.bytes + 1, alignment));
  BF_ASSERT(copy != nullptr);
  std::memcpy(copy, variable.image, variable.bytes);
  copies.by_key[key] = copy;
  return copy;
}

}  // namespace

extern "C" void* bf_thread_local(Variable* variable) {
  u64 key = __atomic_load_n(&variable->key, __ATOMIC_RELAXED);
  if (key == 0) key = make_key(*variable);
  if (key < copies.by_key.size() && copies.by_key[key]) return copies.by_key[key];
  return make_copy(*variable, key);
}
