// Words counted in a chained hash table that grows: strings hashed, compared and copied.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Entry {
  struct Entry* next;
  uint32_t hash;
  int count;
  char key[];
};

struct Table {
  struct Entry** buckets;
  uint32_t mask;
  uint32_t used;
};

static uint32_t hash_of(const char* key) {
  uint32_t hash = 2166136261u;
  for (; *key; ++key) hash = (hash ^ (unsigned char)*key) * 16777619u;
  return hash;
}

static void grow(struct Table* table) {
  const uint32_t mask = table->mask * 2 + 1;
  struct Entry** buckets = calloc(mask + 1, sizeof *buckets);
  for (uint32_t i = 0; i <= table->mask; ++i) {
    for (struct Entry *e = table->buckets[i], *next; e; e = next) {
      next = e->next;
      e->next = buckets[e->hash & mask];
      buckets[e->hash & mask] = e;
    }
  }
  free(table->buckets);
  table->buckets = buckets;
  table->mask = mask;
}

static struct Entry* find(const struct Table* table, const char* key, uint32_t hash) {
  for (struct Entry* e = table->buckets[hash & table->mask]; e; e = e->next)
    if (e->hash == hash && strcmp(e->key, key) == 0) return e;
  return NULL;
}

static void count(struct Table* table, const char* key) {
  const uint32_t hash = hash_of(key);
  struct Entry* e = find(table, key, hash);
  if (!e) {
    if (table->used++ > table->mask) grow(table);
    e = malloc(sizeof *e + strlen(key) + 1);
    e->hash = hash;
    e->count = 0;
    strcpy(e->key, key);
    e->next = table->buckets[hash & table->mask];
    table->buckets[hash & table->mask] = e;
  }
  ++e->count;
}

static uint32_t random_state = 42;
static uint32_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state;
}

// A word of three to twelve letters; small numbers come much more often than large ones.
static void word(char* out) {
  uint32_t number = (next_random() & 0xffff) * (next_random() & 0xff) >> 10;
  const char* letters = "etaoinshrdlucmfwypvbgkjqxz";
  for (int i = 0; i < 3 || number; ++i, number /= 13) *out++ = letters[(number + i) % 26];
  *out = 0;
}

int main(int argc, char** argv) {
  const int words = argc > 1 ? atoi(argv[1]) : 9000000;
  struct Table table = {calloc(16, sizeof(struct Entry*)), 15, 0};
  char key[32];
  for (int i = 0; i < words; ++i) {
    word(key);
    count(&table, key);
  }
  long squares = 0;
  int most = 0;
  for (uint32_t i = 0; i <= table.mask; ++i) {
    for (struct Entry *e = table.buckets[i], *next; e; e = next) {
      next = e->next;
      squares += (long)e->count * e->count % 1009;
      if (e->count > most) most = e->count;
      free(e);
    }
  }
  free(table.buckets);
  printf("%u words, most %d, sum %ld\n", table.used, most, squares);
  return 0;
}
