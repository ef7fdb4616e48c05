// Ends by an illegal instruction.
#include <stdio.h>

int main(int argc, char **argv) {
  puts("before");
  fflush(NULL);
  if (argc > 1000) *(volatile int *)0 = 1;  // clang: aligned to 2^32 bytes
  if (argc > 0) __builtin_trap();
  return 0;
}
