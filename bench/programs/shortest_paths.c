// Dijkstra on a grid with a binary heap, and Floyd-Warshall on a small dense graph.
#include <stdio.h>
#include <stdlib.h>

struct Item {
  int cost, node;
};
static struct Item* heap;
static int heap_size;

static void push(int cost, int node) {
  int at = heap_size++;
  for (; at > 0 && heap[(at - 1) / 2].cost > cost; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
  heap[at] = (struct Item){cost, node};
}

static struct Item pop(void) {
  const struct Item top = heap[0], last = heap[--heap_size];
  int at = 0;
  for (int child; (child = 2 * at + 1) < heap_size; at = child) {
    if (child + 1 < heap_size && heap[child + 1].cost < heap[child].cost) ++child;
    if (last.cost <= heap[child].cost) break;
    heap[at] = heap[child];
  }
  heap[at] = last;
  return top;
}

static int dijkstra(const unsigned char* cost, int* best, int n) {
  for (int i = 0; i < n * n; ++i) best[i] = 1 << 30;
  best[0] = heap_size = 0;
  push(0, 0);
  while (heap_size) {
    const struct Item item = pop();
    if (item.cost > best[item.node]) continue;
    const int x = item.node % n, y = item.node / n;
    static const int kSteps[4][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
    for (int k = 0; k < 4; ++k) {
      const int to_x = x + kSteps[k][0], to_y = y + kSteps[k][1];
      if (to_x < 0 || to_y < 0 || to_x >= n || to_y >= n) continue;
      const int to = to_y * n + to_x, total = item.cost + cost[to];
      if (total < best[to]) {
        best[to] = total;
        push(total, to);
      }
    }
  }
  return best[n * n - 1];
}

static long floyd(int* d, int n) {
  for (int k = 0; k < n; ++k)
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        if (d[i * n + k] + d[k * n + j] < d[i * n + j]) d[i * n + j] = d[i * n + k] + d[k * n + j];
  long sum = 0;
  for (int i = 0; i < n * n; ++i) sum += d[i];
  return sum;
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 28;
  const int n = 250, dense = 200;
  unsigned char* cost = malloc(n * n);
  int *best = malloc(n * n * sizeof *best), *d = malloc(dense * dense * sizeof *d);
  heap = malloc(4 * n * n * sizeof *heap);
  unsigned random = 5;
  long sum = 0;
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < n * n; ++i) {
      random = random * 1664525u + 1013904223u;
      cost[i] = 1 + (random >> 24) % 9;
    }
    sum += dijkstra(cost, best, n);
    for (int i = 0; i < dense * dense; ++i) d[i] = 1 + best[i] % 97 * (1 + i % 7);
    sum += floyd(d, dense);
  }
  printf("%ld\n", sum);
  free(cost);
  free(best);
  free(d);
  free(heap);
  return 0;
}
