// Sorting by the library's qsort with callbacks of ours, by our own quicksort, and a binary search.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct Record {
  uint32_t key;
  int index;
  double weight;
};

static int by_key(const void* a, const void* b) {
  const struct Record *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return x->index - y->index;
}

static int by_weight(const void* a, const void* b) {
  const struct Record *x = a, *y = b;
  return x->weight < y->weight ? -1 : x->weight > y->weight;
}

static void quicksort(uint32_t* a, int low, int high) {
  while (high - low > 12) {
    const uint32_t pivot = a[low + (high - low) / 2];
    int i = low, j = high;
    while (i <= j) {
      while (a[i] < pivot) ++i;
      while (a[j] > pivot) --j;
      if (i <= j) {
        const uint32_t t = a[i];
        a[i++] = a[j];
        a[j--] = t;
      }
    }
    if (j - low < high - i) {
      quicksort(a, low, j);
      low = i;
    } else {
      quicksort(a, i, high);
      high = j;
    }
  }
  for (int i = low + 1; i <= high; ++i) {
    const uint32_t value = a[i];
    int j = i;
    for (; j > low && a[j - 1] > value; --j) a[j] = a[j - 1];
    a[j] = value;
  }
}

static int lower_bound(const uint32_t* a, int n, uint32_t value) {
  int low = 0;
  for (int high = n; low < high;) {
    const int middle = low + (high - low) / 2;
    if (a[middle] < value)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

int main(int argc, char** argv) {
  const int n = argc > 1 ? atoi(argv[1]) : 500000;
  struct Record* records = malloc(n * sizeof *records);
  uint32_t *numbers = malloc(2 * n * sizeof *numbers), random = 17, hash = 0;
  for (int i = 0; i < 2 * n; ++i) {
    random = random * 1664525u + 1013904223u;
    numbers[i] = random >> 4;
    if (i < n) records[i] = (struct Record){random >> 14, i, (random >> 8) * 0.001};
  }
  qsort(records, n, sizeof *records, by_key);
  for (int i = 0; i < n; ++i) hash = hash * 31 + records[i].index;
  qsort(records, n, sizeof *records, by_weight);
  for (int i = 0; i < n; ++i) hash = hash * 31 + records[i].key;
  quicksort(numbers, 0, 2 * n - 1);
  int wrong = 0;
  for (int i = 1; i < 2 * n; ++i) wrong += numbers[i - 1] > numbers[i];
  for (int i = 0; i < n; ++i) hash += lower_bound(numbers, 2 * n, i * 537u);
  printf("%08x, %d wrong\n", hash, wrong);
  free(records);
  free(numbers);
  return 0;
}
