// Files and errno: a temporary file, seeking, reading back, errors of the C library.
#include <errno.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  FILE *file = tmpfile();
  if (!file) return 9;
  for (int i = 0; i < 100; ++i) fprintf(file, "line %d of %s\n", i, "many");
  fseek(file, 0, SEEK_SET);
  char line[64];
  int lines = 0;
  long sum = 0;
  while (fgets(line, sizeof line, file)) {
    int n = 0;
    if (sscanf(line, "line %d", &n) == 1) sum += n;
    ++lines;
  }
  printf("%d %ld %ld %d\n", lines, sum, ftell(file), feof(file) != 0);
  fclose(file);
  errno = 0;
  file = fopen("/there/is/no/such/file", "r");
  printf("%s %s\n", file ? "open" : "closed", strerror(errno));
  perror("to nobody");
  return 0;
}
