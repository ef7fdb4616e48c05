// A JSON document written, then scanned: recursive descent over bytes, numbers and strings.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Totals {
  long objects, arrays, strings, numbers, literals, bytes;
  double sum;
  int deepest;
};

static const char* value(const char* p, struct Totals* totals, int depth);

static const char* blanks(const char* p) {
  while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') ++p;
  return p;
}

static const char* string(const char* p, struct Totals* totals) {
  ++totals->strings;
  for (++p; *p != '"'; ++p) {
    if (*p == 0) return NULL;
    if (*p == '\\') ++p;
    ++totals->bytes;
  }
  return p + 1;
}

static const char* number(const char* p, struct Totals* totals) {
  double value = 0, scale = 1;
  const int negative = *p == '-';
  p += negative;
  if (*p < '0' || *p > '9') return NULL;
  for (; *p >= '0' && *p <= '9'; ++p) value = value * 10 + (*p - '0');
  if (*p == '.')
    for (++p; *p >= '0' && *p <= '9'; ++p) value += (*p - '0') * (scale /= 10);
  ++totals->numbers;
  totals->sum += negative ? -value : value;
  return p;
}

static const char* array(const char* p, struct Totals* totals, int depth) {
  ++totals->arrays;
  p = blanks(p + 1);
  if (*p == ']') return p + 1;
  for (;;) {
    p = value(p, totals, depth + 1);
    if (!p) return NULL;
    p = blanks(p);
    if (*p == ']') return p + 1;
    if (*p != ',') return NULL;
    ++p;
  }
}

static const char* object(const char* p, struct Totals* totals, int depth) {
  ++totals->objects;
  p = blanks(p + 1);
  if (*p == '}') return p + 1;
  for (;;) {
    p = blanks(p);
    if (*p != '"' || !(p = string(p, totals))) return NULL;
    p = blanks(p);
    if (*p != ':') return NULL;
    p = value(p + 1, totals, depth + 1);
    if (!p) return NULL;
    p = blanks(p);
    if (*p == '}') return p + 1;
    if (*p != ',') return NULL;
    ++p;
  }
}

static const char* literal(const char* p, const char* word, struct Totals* totals) {
  const size_t length = strlen(word);
  ++totals->literals;
  return strncmp(p, word, length) == 0 ? p + length : NULL;
}

static const char* value(const char* p, struct Totals* totals, int depth) {
  if (depth > totals->deepest) totals->deepest = depth;
  p = blanks(p);
  switch (*p) {
    case '{':
      return object(p, totals, depth);
    case '[':
      return array(p, totals, depth);
    case '"':
      return string(p, totals);
    case 't':
      return literal(p, "true", totals);
    case 'f':
      return literal(p, "false", totals);
    case 'n':
      return literal(p, "null", totals);
    default:
      return number(p, totals);
  }
}

static char* write_document(int records, size_t* size) {
  char *text = malloc((size_t)records * 256 + 16), *p = text;
  *p++ = '[';
  for (int i = 0; i < records; ++i) {
    p += sprintf(
        p,
        "%s\n  {\"id\": %d, \"name\": \"person \\\"%d\\\"\", \"active\": %s, \"balance\": %d.%02d,",
        i ? "," : "", i, i * 7919 % 10007, i % 3 ? "true" : "false", (i * 331 % 20011) - 10000,
        i % 100);
    p += sprintf(
        p,
        " \"tags\": [\"a\", \"bc\", \"def\"], \"at\": {\"x\": %d.5, \"y\": -%d, \"parent\": null}}",
        i, i);
  }
  *p++ = ']';
  *p = 0;
  *size = p - text;
  return text;
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 400;
  size_t size;
  char* text = write_document(5000, &size);
  struct Totals totals = {0};
  int wrong = 0;
  for (int i = 0; i < rounds; ++i) wrong += !value(text, &totals, 0);
  printf("%zu bytes, %d wrong\n", size, wrong);
  printf("%ld %ld %ld %ld %ld %ld %d %.3f\n", totals.objects, totals.arrays, totals.strings,
         totals.numbers, totals.literals, totals.bytes, totals.deepest, totals.sum);
  free(text);
  return 0;
}
