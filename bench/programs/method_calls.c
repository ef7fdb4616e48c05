// Objects with tables of methods: shapes in an array, and toggles as in the old shootout.
#include <stdio.h>
#include <stdlib.h>

struct Shape;
struct Methods {
  double (*area)(const struct Shape*);
  void (*scale)(struct Shape*, double);
  int (*kind)(const struct Shape*);
};
struct Shape {
  const struct Methods* methods;
  double a, b, c;
};

static double circle_area(const struct Shape* s) {
  return 3.14159265358979 * s->a * s->a;
}
static double box_area(const struct Shape* s) {
  return s->a * s->b;
}
static double triangle_area(const struct Shape* s) {
  return 0.5 * s->a * s->b;
}
static void scale_one(struct Shape* s, double f) {
  s->a *= f;
}
static void scale_two(struct Shape* s, double f) {
  s->a *= f;
  s->b *= f;
}
static int kind_circle(const struct Shape* s) {
  return s->a > 1;
}
static int kind_box(const struct Shape* s) {
  return s->a > s->b ? 2 : 3;
}
static int kind_triangle(const struct Shape* s) {
  return s->c > 0 ? 4 : 5;
}

static const struct Methods kCircle = {circle_area, scale_one, kind_circle};
static const struct Methods kBox = {box_area, scale_two, kind_box};
static const struct Methods kTriangle = {triangle_area, scale_two, kind_triangle};

struct Toggle {
  int (*value)(struct Toggle*);
  struct Toggle* (*activate)(struct Toggle*);
  int state, counter, limit;
};

static int toggle_value(struct Toggle* t) {
  return t->state;
}
static struct Toggle* toggle_activate(struct Toggle* t) {
  t->state = !t->state;
  return t;
}
static struct Toggle* nth_activate(struct Toggle* t) {
  if (++t->counter >= t->limit) {
    t->state = !t->state;
    t->counter = 0;
  }
  return t;
}

static int toggles(int rounds, struct Toggle* t) {
  int on = 0;
  for (int i = 0; i < rounds; ++i) on += t->value(t->activate(t));
  return on;
}

static double shapes(int rounds) {
  enum { kCount = 300 };
  static struct Shape shape[kCount];
  for (int i = 0; i < kCount; ++i) {
    const struct Methods* methods = i % 3 == 0 ? &kCircle : i % 3 == 1 ? &kBox : &kTriangle;
    shape[i] = (struct Shape){methods, 1 + i * 0.01, 2 + i * 0.02, i & 1};
  }
  double area = 0;
  int kinds = 0;
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < kCount; ++i) {
      struct Shape* s = &shape[i];
      area += s->methods->area(s);
      s->methods->scale(s, round & 1 ? 1.25 : 0.8);
      kinds += s->methods->kind(s);
    }
  }
  printf("kinds %d\n", kinds);
  return area;
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 100;
  struct Toggle *plain = malloc(sizeof *plain), *nth = malloc(sizeof *nth);
  *plain = (struct Toggle){toggle_value, toggle_activate, 1, 0, 0};
  *nth = (struct Toggle){toggle_value, nth_activate, 1, 0, 3};
  printf("%d %d\n", toggles(rounds * 400000, plain), toggles(rounds * 400000, nth));
  printf("%.6f\n", shapes(rounds * 400));
  free(plain);
  free(nth);
  return 0;
}
