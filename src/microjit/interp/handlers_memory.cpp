#include <cstring>

#include "microjit/interp/cell_access.h"

namespace bf::microjit::interp {

using ir::Op;

namespace {

struct Wide32 {
  sem::Vector<u64> chunk[2];
};
struct Wide64 {
  sem::Vector<u64> chunk[4];
};

[[gnu::always_inline]] inline u8* address(const u8* frame, u32 pointer, i64 offset) {
  return reinterpret_cast<u8*>(get<u64>(frame, pointer) + static_cast<u64>(offset));
}

template <class T>
BF_HANDLER(load) {
  put<T>(frame, cell->a, get<T>(address(frame, cell->b, cell->imm), 0));
  BF_NEXT(cell + 1);
}
template <class T>
BF_HANDLER(store) {
  put<T>(address(frame, cell->b, cell->imm), 0, get<T>(frame, cell->a));
  BF_NEXT(cell + 1);
}
template <class T>
BF_HANDLER(indexed_load) {
  const u64 scaled = get<u64>(frame, cell->c) * cell->d;
  put<T>(frame, cell->a, get<T>(address(frame, cell->b, cell->imm) + scaled, 0));
  BF_NEXT(cell + 1);
}
template <class T>
BF_HANDLER(indexed_store) {
  const u64 scaled = get<u64>(frame, cell->c) * cell->d;
  put<T>(address(frame, cell->b, cell->imm) + scaled, 0, get<T>(frame, cell->a));
  BF_NEXT(cell + 1);
}
template <class T>
BF_HANDLER(move) {
  put<T>(frame, cell->a, get<T>(frame, cell->b));
  BF_NEXT(cell + 1);
}

#define BF_BY_SIZE(handler)        \
  switch (bytes) {                 \
    case 1: return handler<u8>;    \
    case 2: return handler<u16>;   \
    case 4: return handler<u32>;   \
    case 8: return handler<u64>;   \
    case 16: return handler<sem::Vector<u64>>; \
    case 32: return handler<Wide32>;           \
    case 64: return handler<Wide64>;           \
    default: return nullptr;       \
  }

BF_HANDLER(memcopy) {
  std::memcpy(get<u8*>(frame, cell->a), get<u8*>(frame, cell->b), get<u64>(frame, cell->c));
  BF_NEXT(cell + 1);
}
BF_HANDLER(memmove_) {
  std::memmove(get<u8*>(frame, cell->a), get<u8*>(frame, cell->b), get<u64>(frame, cell->c));
  BF_NEXT(cell + 1);
}
BF_HANDLER(memfill) {
  std::memset(get<u8*>(frame, cell->a), get<u8>(frame, cell->b), get<u64>(frame, cell->c));
  BF_NEXT(cell + 1);
}
BF_HANDLER(ptradd) {
  put<u64>(frame, cell->a, get<u64>(frame, cell->b) + get<u64>(frame, cell->c));
  BF_NEXT(cell + 1);
}
BF_HANDLER(index) {
  put<u64>(frame, cell->a,
           get<u64>(frame, cell->b) + get<u64>(frame, cell->c) * cell->d +
               static_cast<u64>(cell->imm));
  BF_NEXT(cell + 1);
}
// b: offset of the reserved space, which has room to align in; imm: alignment.
BF_HANDLER(stack_alloc) {
  put<u64>(frame, cell->a,
           align_up(reinterpret_cast<u64>(frame) + cell->b, static_cast<u64>(cell->imm)));
  BF_NEXT(cell + 1);
}

}  // namespace

Handler* load_handler(u32 bytes) { BF_BY_SIZE(load) }
Handler* store_handler(u32 bytes) { BF_BY_SIZE(store) }
Handler* indexed_load_handler(u32 bytes) { BF_BY_SIZE(indexed_load) }
Handler* indexed_store_handler(u32 bytes) { BF_BY_SIZE(indexed_store) }
Handler* move_handler(u32 bytes) { BF_BY_SIZE(move) }

Choice memory_handler(Op op) {
  switch (op) {
    case Op::memcopy:
      return {memcopy};
    case Op::memmove:
      return {memmove_};
    case Op::memfill:
      return {memfill};
    case Op::ptradd:
      return {ptradd};
    case Op::index:
      return {index};
    case Op::stack_alloc:
      return {stack_alloc};
    default:
      return {};
  }
}

}  // namespace bf::microjit::interp
