// Conway's Life on a torus of bytes: eight neighbours, wrap-around by remainder at the edges.
#include <stdio.h>
#include <stdlib.h>

static int neighbours(const unsigned char* cells, int n, int x, int y) {
  int count = 0;
  for (int dy = -1; dy <= 1; ++dy) {
    for (int dx = -1; dx <= 1; ++dx) {
      if (dx == 0 && dy == 0) continue;
      count += cells[(y + dy + n) % n * n + (x + dx + n) % n];
    }
  }
  return count;
}

static void step_inside(const unsigned char* from, unsigned char* to, int n) {
  for (int y = 1; y < n - 1; ++y) {
    for (int x = 1; x < n - 1; ++x) {
      const unsigned char* c = from + y * n + x;
      const int count = c[-n - 1] + c[-n] + c[-n + 1] + c[-1] + c[1] + c[n - 1] + c[n] + c[n + 1];
      to[y * n + x] = count == 3 || (count == 2 && *c);
    }
  }
}

static void step_edges(const unsigned char* from, unsigned char* to, int n) {
  for (int i = 0; i < n; ++i) {
    const int edge[4][2] = {{i, 0}, {i, n - 1}, {0, i}, {n - 1, i}};
    for (int k = 0; k < 4; ++k) {
      const int x = edge[k][0], y = edge[k][1], count = neighbours(from, n, x, y);
      to[y * n + x] = count == 3 || (count == 2 && from[y * n + x]);
    }
  }
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 800;
  const int n = 400;
  unsigned char *now = malloc(n * n), *next = malloc(n * n);
  unsigned random = 3;
  for (int i = 0; i < n * n; ++i) {
    random = random * 1664525u + 1013904223u;
    now[i] = random >> 24 < 80;
  }
  for (int i = 0; i < rounds; ++i) {
    step_inside(now, next, n);
    step_edges(now, next, n);
    unsigned char* t = now;
    now = next;
    next = t;
  }
  int alive = 0;
  unsigned hash = 0;
  for (int i = 0; i < n * n; ++i) {
    alive += now[i];
    hash = hash * 31 + now[i];
  }
  printf("%d alive, %08x\n", alive, hash);
  free(now);
  free(next);
  return 0;
}
