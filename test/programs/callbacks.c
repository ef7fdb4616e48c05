// Callbacks from the C library: qsort, bsearch, atexit, signal handlers.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
  char name[12];
  int key;
};
static int calls;
static int by_key(const void *a, const void *b) {
  ++calls;
  const struct entry *x = a, *y = b;
  return (x->key > y->key) - (x->key < y->key);
}
static int by_name(const void *a, const void *b) {
  return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}
static void last(void) { puts("last"); }
static void first(void) { printf("first, after %s comparisons\n", calls > 0 ? "some" : "no"); }
static volatile sig_atomic_t got;
static void on_signal(int number) { got = number; }

int main(void) {
  struct entry table[100];
  unsigned seed = 7;
  for (int i = 0; i < 100; ++i) {
    seed = seed * 1103515245u + 12345u;
    table[i].key = (int)(seed >> 16) % 1000 - 500;
    sprintf(table[i].name, "n%05d", table[i].key * 3 + 5000);
  }
  int (*const orders[])(const void *, const void *) = {by_key, by_name};
  for (int o = 0; o < 2; ++o) {
    qsort(table, 100, sizeof *table, orders[o]);
    for (int i = 0; i < 100; i += 9) printf("%s %d\n", table[i].name, table[i].key);
  }
  qsort(table, 100, sizeof *table, by_key);
  struct entry wanted = {"", table[42].key};
  struct entry *found = bsearch(&wanted, table, 100, sizeof *table, by_key);
  printf("%s\n", found ? found->name : "none");
  atexit(last);
  atexit(first);
  signal(SIGUSR1, on_signal);
  raise(SIGUSR1);
  printf("signal %s\n", got == SIGUSR1 ? "came" : "lost");
  return calls > 0 ? 3 : 4;
}
