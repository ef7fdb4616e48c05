// Static initialisation, pointers between globals, static locals, compound literals, designators.
#include <stdio.h>
#include <string.h>

struct node { const char *name; const struct node *next; int (*run)(int); int data[4]; };
static int one(int x) { return x + 1; }
static int two(int x) { return x * 2; }
extern const struct node nodes[];
const struct node nodes[3] = {
    [1] = {.name = "middle", .next = &nodes[2], .run = two, .data = {[2] = 7}},
    [0] = {"first", nodes + 1, one, {1, 2}},
    [2] = {.name = "last" + 2, .run = one, .data = {9, 8, 7, 6}}};
static int *const inside = (int *)&nodes[2].data[1];
static const char *const words[] = {"alpha", "beta", [5] = "zeta"};
static char text[] = "changeable";
static long matrix[3][4] = {{1}, {[3] = 5}, {1, 2, 3, 4}};
_Thread_local int per_thread = 41;

static int counter(void) {
  static int n = 5;
  static int *where = &n;
  return (*where)++;
}
static int total(const int *v, int n) {
  int t = 0;
  while (n--) t = t * 3 + *v++;
  return t;
}
__attribute__((constructor)) static void before(void) { text[0] = 'C'; puts("constructed"); }
__attribute__((destructor)) static void after(void) { printf("destructed %d\n", counter()); }

int main(void) {
  for (const struct node *n = nodes; n; n = n->next) printf("%s %d %d\n", n->name, n->run(5), n->data[2]);
  printf("%d %s %s %d\n", *inside, words[5], words[3] ? words[3] : "none", (int)(sizeof words / sizeof *words));
  for (int i = 0; i < 6; ++i) text[i] ^= counter() & 1;
  printf("%s %ld %d\n", text, matrix[1][3] + matrix[2][2], ++per_thread);
  printf("%d %d\n", total((int[]){1, 2, 3, counter()}, 4), total(nodes[1].data, 4));
  printf("%s %zu\n", (const char[]){"literal"}, strlen(words[1]));
  return counter();
}
