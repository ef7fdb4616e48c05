// Linked lists: built from a pool, reversed, merge-sorted, filtered. Chains of loads.
#include <stdio.h>
#include <stdlib.h>

struct Link {
  struct Link* next;
  int value;
};

static struct Link* reverse(struct Link* list) {
  struct Link* result = NULL;
  while (list) {
    struct Link* next = list->next;
    list->next = result;
    result = list;
    list = next;
  }
  return result;
}

static struct Link* merge(struct Link* a, struct Link* b) {
  struct Link head = {NULL, 0}, *tail = &head;
  while (a && b) {
    struct Link** first = a->value <= b->value ? &a : &b;
    tail->next = *first;
    tail = *first;
    *first = tail->next;
  }
  tail->next = a ? a : b;
  return head.next;
}

static struct Link* sort(struct Link* list) {
  if (!list || !list->next) return list;
  struct Link* slow = list;
  for (struct Link* fast = list->next; fast && fast->next; fast = fast->next->next)
    slow = slow->next;
  struct Link* second = slow->next;
  slow->next = NULL;
  return merge(sort(list), sort(second));
}

static int length(const struct Link* list) {
  int n = 0;
  for (; list; list = list->next) ++n;
  return n;
}

static struct Link* filter(struct Link* list, int (*keep)(int)) {
  struct Link *head = NULL, **tail = &head;
  for (; list; list = list->next) {
    if (!keep(list->value)) continue;
    *tail = list;
    tail = &list->next;
  }
  *tail = NULL;
  return head;
}

static int odd(int value) {
  return value & 1;
}
static int small(int value) {
  return value < 700000;
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 100;
  const int n = 20000;
  struct Link* pool = malloc(n * sizeof *pool);
  unsigned random = 11, hash = 0;
  for (int round = 0; round < rounds; ++round) {
    struct Link* list = NULL;
    for (int i = 0; i < n; ++i) {
      random = random * 1664525u + 1013904223u;
      pool[i] = (struct Link){list, random >> 12};
      list = &pool[i];
    }
    list = filter(reverse(sort(reverse(list))), round & 1 ? odd : small);
    for (const struct Link* l = list; l; l = l->next) hash = hash * 31 + l->value;
    hash ^= length(list);
  }
  printf("%08x\n", hash);
  free(pool);
  return 0;
}
