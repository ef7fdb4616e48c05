// Variadic functions: defined and called here, passed on to the C library, va_copy.
#include <stdarg.h>
#include <stdio.h>

struct point { double x, y; };
struct triple { long a, b, c; };

__attribute__((noinline)) static double sum(const char *kinds, ...) {
  va_list list, again;
  va_start(list, kinds);
  va_copy(again, list);
  double total = 0;
  for (const char *k = kinds; *k; ++k) switch (*k) {
      case 'i': total += va_arg(list, int); break;
      case 'l': total += (double)va_arg(list, long long); break;
      case 'd': total += va_arg(list, double); break;
      case 'p': { struct point p = va_arg(list, struct point); total += p.x * 10 + p.y; break; }
      case 't': { struct triple t = va_arg(list, struct triple); total += (double)(t.a + t.b + t.c); break; }
      case 's': total += *va_arg(list, const char *); break;
    }
  if (*kinds == 'i') total += va_arg(again, int);
  va_end(again);
  va_end(list);
  return total;
}
__attribute__((format(printf, 2, 3))) static int say(int level, const char *format, ...) {
  char text[200];
  va_list list;
  va_start(list, format);
  const int length = vsnprintf(text, sizeof text, format, list);
  va_end(list);
  printf("%*s%s\n", level * 2, "", text);
  return length;
}

int main(void) {
  const struct point p = {1.5, -2};
  const struct triple t = {1, 2, 3};
  printf("%g\n", sum("iiiiiiiii", 1, 2, 3, 4, 5, 6, 7, 8, 9));
  printf("%g\n", sum("ddddddddddd", 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., .5));
  printf("%g\n", sum("idlptispd", 1, 2.5, 1ll << 40, p, t, -7, "A", p, 1e3));
  int length = 0;
  for (int i = 0; i < 8; ++i)
    length += say(i, "%d %s %c %5.2f %#x %-6ld| %+d %e %%", i, "text", 'a' + i, i / 3.0, i * 77,
                  (long)i << 33, -i, i * 1e10);
  printf("%d\n", length);
  return 0;
}
