// Structures by value: in registers, in memory, of floats, mixed, returned, nested, flexible arrays.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct pair { int a, b; };
struct mixed { double d; long l; };
struct floats { float x, y, z; };
struct big { long v[7]; };
struct odd { char c[13]; };
struct tree { struct tree *left, *right; struct pair value; };
struct flexible { int count; short items[]; };

__attribute__((noinline)) static struct pair swap(struct pair p) { return (struct pair){p.b, p.a}; }
__attribute__((noinline)) static struct mixed mix(struct mixed m, struct pair p) {
  return (struct mixed){m.d * p.a, m.l - p.b};
}
__attribute__((noinline)) static struct floats cross(struct floats a, struct floats b) {
  return (struct floats){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
__attribute__((noinline)) static struct big grow(struct big b, int by) {
  for (int i = 0; i < 7; ++i) b.v[i] += by * i;
  return b;
}
__attribute__((noinline)) static struct odd turn(struct odd o) {
  for (int i = 0; i < 6; ++i) {
    char c = o.c[i];
    o.c[i] = o.c[11 - i];
    o.c[11 - i] = c;
  }
  return o;
}
static struct tree *insert(struct tree *t, struct pair value) {
  if (!t) {
    t = calloc(1, sizeof *t);
    t->value = value;
  } else if (value.a < t->value.a) {
    t->left = insert(t->left, value);
  } else {
    t->right = insert(t->right, value);
  }
  return t;
}
static long walk(const struct tree *t, int depth) {
  return t ? walk(t->left, depth + 1) * 3 + t->value.b * depth + walk(t->right, depth + 1) : 1;
}

int main(void) {
  struct pair p = {3, 4};
  struct mixed m = {1.25, 100};
  struct floats f = {1, 2, 3}, g = {-2, 0.5f, 4};
  struct big b = {{1, 2, 3, 4, 5, 6, 7}};
  struct odd o = {"hello, world"};
  struct tree *root = NULL;
  for (int i = 0; i < 50; ++i) {
    p = swap(p);
    m = mix(m, p);
    if (i % 10 == 0) m.d = 1.0 / (i + 1);
    f = cross(f, g);
    if (i % 5 == 4) f = (struct floats){i, 1, -i};
    b = grow(b, i);
    o = turn(o);
    root = insert(root, (struct pair){i * 37 % 101, i});
  }
  printf("%d %d %g %ld\n%g %g %g\n", p.a, p.b, m.d, m.l, f.x, f.y, f.z);
  for (int i = 0; i < 7; ++i) printf("%ld ", b.v[i]);
  printf("\n%s\n%ld\n", o.c, walk(root, 0));
  struct flexible *x = malloc(offsetof(struct flexible, items) + 9 * sizeof(short));
  x->count = 9;
  for (int i = 0; i < x->count; ++i) x->items[i] = (short)(i * 7919);
  int sum = 0;
  for (const short *s = x->items; s < x->items + x->count; ++s) sum += *s;
  printf("%d %zu\n", sum, sizeof *x);
  free(x);
  return sum & 127;
}
