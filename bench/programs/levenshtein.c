// Edit distances, longest common subsequences and a knapsack: tables filled row by row.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kLongest = 2000 };

static int min3(int a, int b, int c) {
  const int ab = a < b ? a : b;
  return ab < c ? ab : c;
}

static int distance(const char* a, int a_length, const char* b, int b_length) {
  static int row[kLongest + 1];
  for (int j = 0; j <= b_length; ++j) row[j] = j;
  for (int i = 1; i <= a_length; ++i) {
    int diagonal = row[0];
    row[0] = i;
    for (int j = 1; j <= b_length; ++j) {
      const int above = row[j];
      row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
      diagonal = above;
    }
  }
  return row[b_length];
}

static int common(const char* a, int a_length, const char* b, int b_length) {
  static short table[kLongest + 1][kLongest + 1];
  for (int i = 1; i <= a_length; ++i) {
    for (int j = 1; j <= b_length; ++j) {
      if (a[i - 1] == b[j - 1])
        table[i][j] = table[i - 1][j - 1] + 1;
      else
        table[i][j] = table[i - 1][j] > table[i][j - 1] ? table[i - 1][j] : table[i][j - 1];
    }
  }
  return table[a_length][b_length];
}

static int knapsack(const char* weights, int count, int room) {
  static int best[kLongest * 4 + 1];
  memset(best, 0, sizeof best);
  for (int i = 0; i < count; ++i) {
    const int weight = weights[i] * 3 + 1, value = weights[i] * weights[i] % 101 + i % 7;
    for (int r = room; r >= weight; --r) {
      const int with = best[r - weight] + value;
      if (with > best[r]) best[r] = with;
    }
  }
  return best[room];
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 25;
  char *a = malloc(kLongest + 1), *b = malloc(kLongest + 1);
  unsigned random = 1;
  for (int i = 0; i < kLongest; ++i) {
    random = random * 1103515245u + 12345u;
    a[i] = 'a' + (random >> 16) % 4;
    b[i] = (random >> 24) % 3 ? a[i / 2] : 'a' + (random >> 20) % 4;
  }
  int edits = 0, longest = 0, value = 0;
  for (int i = 0; i < rounds; ++i) {
    edits += distance(a + i, kLongest - i, b, kLongest - i);
    longest += common(a, kLongest - i, b + i, kLongest - i);
    value += knapsack(a, 500, kLongest * 4 - i);
  }
  printf("%d %d %d\n", edits, longest, value);
  free(a);
  free(b);
  return 0;
}
