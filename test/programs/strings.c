// Strings: the C library's and our own, wide characters, conversions, formats.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static void reverse(char *s) {
  for (char *e = s + strlen(s) - 1; s < e; ++s, --e) {
    const char c = *s;
    *s = *e;
    *e = c;
  }
}
static unsigned hash(const unsigned char *s) {
  unsigned h = 2166136261u;
  for (; *s; ++s) h = (h ^ *s) * 16777619u;
  return h;
}
int main(void) {
  char line[] = "The quick brown fox; jumps over,the lazy dog -17 0x1f 3.25e2";
  char copy[sizeof line];
  strcpy(copy, line);
  for (char *word = strtok(copy, " ;,"); word; word = strtok(NULL, " ;,")) {
    char *end;
    const long n = strtol(word, &end, 0);
    printf("%-8s %08x %ld %d %g ", word, hash((const unsigned char *)word), n, (int)(end - word), strtod(word, NULL));
    for (char *c = word; *c; ++c) *c = (char)(isupper((unsigned char)*c) ? tolower(*c) : toupper(*c));
    reverse(word);
    puts(word);
  }
  printf("%s %d %td\n", strstr(line, "fox"), strncmp(line, "Thf", 3) < 0, strrchr(line, 'o') - line);
  printf("[%10.3s] [%-10s] [%+05d] [%x] [%o] [%c] [%5.1f] [%.3e] [%g] [%llu] [%hhd] [%zu] [%p]\n", "abcdef", "left",
         42, 255u, 8u, 'z', 3.14159, 12345.678, 1e-5, 18446744073709551615ull, 300, sizeof line, (void *)0);
  wchar_t wide[32] = L"wide \u00e9 text";
  wcscat(wide, L"!");
  unsigned sum = 0;
  for (const wchar_t *w = wide; *w; ++w) sum = sum * 31 + (unsigned)*w;
  printf("%zu %u %d\n", wcslen(wide), sum, wcscmp(wide, L"wide") > 0);
  char buffer[64];
  memset(buffer, '.', sizeof buffer);
  memmove(buffer + 3, line, 20);
  memmove(buffer + 5, buffer + 3, 20);
  printf("%.40s\n", buffer);
  int a, n;
  char word[8];
  n = sscanf("12 abc 7", "%d %7s %*d", &a, word);
  printf("%d %d %s\n", n, a, word);
  return (int)(hash((const unsigned char *)line) & 63);
}
