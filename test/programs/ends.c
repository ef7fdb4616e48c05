// Ends by a signal, after having flushed: the status of a program that divides by zero.
#include <stdio.h>

int main(int argc, char **argv) {
  volatile int zero = argc - 1;
  printf("%d %s\n", argc, argv[argc]  ? "more" : "no more");
  fflush(NULL);
  return 7 / zero;
}
