// What concerns more than the values of one frame: variadic arguments, atomics, stack space of
// variable size.
#include <new>

#include "microjit/interp/cell_access.h"
#include "microjit/passing.h"

namespace bf::microjit::interp {

using ir::Op;

namespace {

BF_HANDLER(start_va_list) {
  u8* const area = frame + cell->b;
  VaList list = first_unnamed(*state->type);
  list.save_area = area;
  list.stack = get<void*>(area, sizeof(RegisterSaveArea));
  put(get<u8*>(frame, cell->a), 0, list);
  BF_NEXT(cell + 1);
}

static_assert(kVaAreaBytes >= sizeof(RegisterSaveArea) + sizeof(void*));

// ---- Atomics ------------------------------------------------------------------------------------

template <class T>
[[gnu::always_inline]] inline T* location(const Cell* cell, const u8* frame) {
  return reinterpret_cast<T*>(get<u64>(frame, cell->b) + static_cast<u64>(cell->imm));
}

template <class T>
BF_HANDLER(atomic_load) {
  put<T>(frame, cell->a, __atomic_load_n(location<T>(cell, frame), __ATOMIC_ACQUIRE));
  BF_NEXT(cell + 1);
}
template <class T>
BF_HANDLER(atomic_store) {
  __atomic_store_n(location<T>(cell, frame), get<T>(frame, cell->a), __ATOMIC_RELEASE);
  BF_NEXT(cell + 1);
}

#define BF_ATOMIC_UPDATE(name, builtin)                                                          \
  template <class T>                                                                             \
  BF_HANDLER(name) {                                 \
    put<T>(frame, cell->a,                                                                       \
           builtin(location<T>(cell, frame), get<T>(frame, cell->c), __ATOMIC_SEQ_CST));         \
    BF_NEXT(cell + 1);                                                                           \
  }
BF_ATOMIC_UPDATE(atomic_swap, __atomic_exchange_n)
BF_ATOMIC_UPDATE(atomic_add, __atomic_fetch_add)
BF_ATOMIC_UPDATE(atomic_and, __atomic_fetch_and)
BF_ATOMIC_UPDATE(atomic_or, __atomic_fetch_or)
BF_ATOMIC_UPDATE(atomic_xor, __atomic_fetch_xor)
#undef BF_ATOMIC_UPDATE

template <class T>
BF_HANDLER(atomic_compare) {
  T there = get<T>(frame, cell->c);
  __atomic_compare_exchange_n(location<T>(cell, frame), &there, get<T>(frame, cell->d), false,
                              __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  put<T>(frame, cell->a, there);
  BF_NEXT(cell + 1);
}

BF_HANDLER(fence) {
  if (cell->imm != 0) __atomic_thread_fence(__ATOMIC_SEQ_CST);
  BF_NEXT(cell + 1);
}

template <class T>
Handler* atomic_handler_of(Op op) {
  switch (op) {
    case Op::atomic_load:
      return atomic_load<T>;
    case Op::atomic_swap:
      return atomic_swap<T>;
    case Op::atomic_add:
      return atomic_add<T>;
    case Op::atomic_and:
      return atomic_and<T>;
    case Op::atomic_or:
      return atomic_or<T>;
    case Op::atomic_xor:
      return atomic_xor<T>;
    case Op::atomic_compare:
      return atomic_compare<T>;
    default:
      return nullptr;
  }
}

// ---- Stack space of variable size ---------------------------------------------------------------

// The native stack cannot grow below a handler, so each piece has memory of its own, in a list
// whose head is in the frame. What `stack_save` gives is the head.
struct Chunk {
  Chunk* before;
};

void free_until(u8* frame, u32 list, const Chunk* last) {
  auto* chunk = get<Chunk*>(frame, list);
  while (chunk && chunk != last) {
    Chunk* const before = chunk->before;
    ::operator delete(chunk);
    chunk = before;
  }
  put(frame, list, chunk);
}

BF_HANDLER(stack_grow) {
  const u64 bytes = get<u64>(frame, cell->b);
  auto* const chunk = static_cast<Chunk*>(
      ::operator new(sizeof(Chunk) + cell->c + static_cast<usize>(bytes), std::nothrow));
  BF_ASSERT(chunk != nullptr);
  chunk->before = get<Chunk*>(frame, cell->d);
  put(frame, cell->d, chunk);
  put(frame, cell->a, align_up(reinterpret_cast<u64>(chunk + 1), u64{cell->c}));
  BF_NEXT(cell + 1);
}
BF_HANDLER(stack_save) {
  put(frame, cell->a, get<u64>(frame, cell->d));
  BF_NEXT(cell + 1);
}
BF_HANDLER(stack_restore) {
  free_until(frame, cell->d, get<const Chunk*>(frame, cell->b));
  BF_NEXT(cell + 1);
}
BF_HANDLER(stack_start) {
  put<u64>(frame, cell->d, 0);
  BF_NEXT(cell + 1);
}
BF_HANDLER(stack_release) {
  free_until(frame, cell->d, nullptr);
  BF_NEXT(cell + 1);
}

}  // namespace

Handler* atomic_handler(Op op, ir::Type type) {
  return with_integer(type.kind, [op]<class T>() -> Handler* { return atomic_handler_of<T>(op); });
}
Handler* atomic_store_handler(u32 bytes) {
  return bytes == 1   ? atomic_store<u8>
         : bytes == 2 ? atomic_store<u16>
         : bytes == 4 ? atomic_store<u32>
                      : atomic_store<u64>;
}
Handler* fence_handler() { return fence; }
Handler* stack_grow_handler() { return stack_grow; }
Handler* stack_save_handler() { return stack_save; }
Handler* stack_restore_handler() { return stack_restore; }
Handler* stack_start_handler() { return stack_start; }
Handler* stack_release_handler() { return stack_release; }
Handler* va_start_handler() { return start_va_list; }

}  // namespace bf::microjit::interp
