// Frequencies of short sequences in random DNA, and its reverse complement: an open hash table.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { kSlots = 1 << 18 };
struct Slot {
  uint64_t key;
  int count;
};
static struct Slot slots[kSlots];

static int* slot_of(uint64_t key) {
  uint64_t at = key * 0x9e3779b97f4a7c15u >> (64 - 18);
  while (slots[at].count && slots[at].key != key) at = (at + 1) & (kSlots - 1);
  slots[at].key = key;
  return &slots[at].count;
}

static int count_all(const char* dna, int size, int length) {
  const uint64_t mask = ((uint64_t)1 << 2 * length) - 1;
  uint64_t key = 0;
  int different = 0;
  for (int i = 0; i < kSlots; ++i) slots[i].count = 0;
  for (int i = 0; i < size; ++i) {
    key = (key << 2 | (dna[i] >> 1 & 3)) & mask;
    if (i >= length - 1) different += ++*slot_of(key) == 1;
  }
  return different;
}

static void reverse_complement(char* dna, int size) {
  static const char kOther[] = {'T', 'G', 'A', 'C'};
  for (int i = 0, j = size - 1; i <= j; ++i, --j) {
    const char t = kOther[dna[i] >> 1 & 3];
    dna[i] = kOther[dna[j] >> 1 & 3];
    dna[j] = t;
  }
}

static uint32_t random_state = 42;
static double next_random(void) {
  random_state = (random_state * 3877 + 29573) % 139968;
  return random_state / 139968.0;
}

static void make(char* dna, int size) {
  static const struct {
    char letter;
    double up_to;
  } kShare[] = {{'A', 0.3029549}, {'C', 0.5009432}, {'G', 0.6984905}, {'T', 1.0}};
  for (int i = 0; i < size; ++i) {
    const double r = next_random();
    int k = 0;
    while (kShare[k].up_to < r) ++k;
    dna[i] = kShare[k].letter;
  }
}

int main(int argc, char** argv) {
  const int size = argc > 1 ? atoi(argv[1]) : 6000000;
  char* dna = malloc(size + 1);
  make(dna, size);
  reverse_complement(dna, size);
  uint32_t hash = 0;
  for (int i = 0; i < size; ++i) hash = hash * 33 + dna[i];
  printf("%08x\n", hash);
  static const int kLengths[] = {1, 2, 4, 6, 8, 12};
  for (int i = 0; i < 6; ++i) {
    const int different = count_all(dna, size, kLengths[i]);
    printf("%d of length %d, first %d\n", different, kLengths[i], *slot_of(0));
  }
  free(dna);
  return 0;
}
