// A binary heap in an array that the caller owns: the element that comes `before` all others is
// at items[0].
//
//   push_heap(items, count, item, before);
//   T first = pop_heap(items, count, before);
//
// or sorted, in place:
//
//   heap_sort(items, count, before);
//
// `before(a, b)` is a strict order: whether a leaves the heap before b.
#pragma once

#include "inference/types.h"

namespace inference {

template <class T, class Before>
void sift_down(T* items, u64 count, u64 at, Before before) {
  const T item = items[at];
  for (;;) {
    u64 child = 2 * at + 1;
    if (child >= count) break;
    if (child + 1 < count && before(items[child + 1], items[child])) ++child;
    if (!before(items[child], item)) break;
    items[at] = items[child];
    at = child;
  }
  items[at] = item;
}

// Makes a heap of `count` items in any order.
template <class T, class Before>
void make_heap(T* items, u64 count, Before before) {
  for (u64 at = count / 2; at > 0; --at) sift_down(items, count, at - 1, before);
}

template <class T, class Before>
void push_heap(T* items, u64& count, const T& item, Before before) {
  u64 at = count++;
  while (at > 0) {
    const u64 parent = (at - 1) / 2;
    if (!before(item, items[parent])) break;
    items[at] = items[parent];
    at = parent;
  }
  items[at] = item;
}

template <class T, class Before>
T pop_heap(T* items, u64& count, Before before) {
  const T first = items[0];
  --count;
  if (count > 0) {
    items[0] = items[count];
    sift_down(items, count, 0, before);
  }
  return first;
}

// What comes `before` all others becomes the first.
template <class T, class Before>
void heap_sort(T* items, u64 count, Before before) {
  // What leaves a heap first goes to the back, so the heap's order is the other way around.
  const auto after = [&](const T& a, const T& b) { return before(b, a); };
  make_heap(items, count, after);
  for (u64 left = count; left > 1;) {
    const T last = pop_heap(items, left, after);
    items[left] = last;
  }
}

}  // namespace inference
