// Computed gotos: a small interpreter.
#include <stdio.h>

__attribute__((noinline)) static int interpret(const char *code) {
  static const void *const labels[] = {&&add, &&sub, &&dup, &&mul, &&end};
  unsigned stack[32] = {1, 2}, *top = stack + 1, n = 0;
next:
  ++n;
  goto *labels[*code++ - 'a'];
add: --top; top[0] += top[1]; goto next;
sub: --top; top[0] -= top[1]; goto next;
dup: ++top; top[0] = top[-1] + n; goto next;
mul: --top; top[0] *= top[1]; goto next;
end: return (int)*top;
}

int main(void) {
  char code[18] = {0};
  unsigned seed = 1;
  for (int round = 0; round < 60; ++round) {
    int depth = 2, n = 0;
    while (n < 16) {
      seed = seed * 1664525u + 1013904223u;
      const int choice = depth < 3 ? 2 : (int)(seed >> 28) % 4;
      depth += choice == 2 ? 1 : -1;
      code[n++] = (char)('a' + choice);
    }
    code[n] = 'e';
    printf("%s %d\n", code, interpret(code));
  }
  return interpret("cccaacdce") & 63;
}
