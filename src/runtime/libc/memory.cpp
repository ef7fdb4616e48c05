// malloc and its family, operator new and delete: over bf::heap.
#include <cstdlib>
#include <cstring>
#include <new>

#include "runtime/heap.h"

using bf::usize;
namespace heap = bf::heap;

extern "C" {

void* malloc(usize bytes) {
  return heap::allocate(bytes);
}

void* calloc(usize count, usize bytes) {
  usize all;
  if (__builtin_mul_overflow(count, bytes, &all)) return nullptr;
  return heap::allocate_zeroed(all);
}

void* realloc(void* block, usize bytes) {
  return heap::reallocate(block, bytes);
}

void free(void* block) {
  heap::release(block);
}

}  // extern "C"

namespace {

void* allocate_or_panic(usize bytes, usize alignment) {
  void* block = heap::allocate(
      bytes, alignment < heap::kDefaultAlignment ? heap::kDefaultAlignment : alignment);
  if (block == nullptr) BF_UNREACHABLE("out of memory: give the machine more");
  return block;
}

}  // namespace

void* operator new(usize bytes) {
  return allocate_or_panic(bytes, heap::kDefaultAlignment);
}
void* operator new[](usize bytes) {
  return allocate_or_panic(bytes, heap::kDefaultAlignment);
}
void* operator new(usize bytes, std::align_val_t alignment) {
  return allocate_or_panic(bytes, static_cast<usize>(alignment));
}
void* operator new[](usize bytes, std::align_val_t alignment) {
  return allocate_or_panic(bytes, static_cast<usize>(alignment));
}
void* operator new(usize bytes, const std::nothrow_t&) noexcept {
  return heap::allocate(bytes);
}
void* operator new[](usize bytes, const std::nothrow_t&) noexcept {
  return heap::allocate(bytes);
}
const std::nothrow_t std::nothrow{};

void operator delete(void* block) noexcept {
  heap::release(block);
}
void operator delete[](void* block) noexcept {
  heap::release(block);
}
void operator delete(void* block, usize) noexcept {
  heap::release(block);
}
void operator delete[](void* block, usize) noexcept {
  heap::release(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  heap::release(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
  heap::release(block);
}
void operator delete(void* block, usize, std::align_val_t) noexcept {
  heap::release(block);
}
void operator delete[](void* block, usize, std::align_val_t) noexcept {
  heap::release(block);
}
