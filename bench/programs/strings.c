// Building and editing strings: appending with growth, reversing, replacing, joining numbers.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct String {
  char* text;
  size_t length, room;
};

static void reserve(struct String* s, size_t more) {
  if (s->length + more + 1 <= s->room) return;
  s->room = (s->length + more + 1) * 2;
  s->text = realloc(s->text, s->room);
}

static void append(struct String* s, const char* text, size_t length) {
  reserve(s, length);
  memcpy(s->text + s->length, text, length);
  s->length += length;
  s->text[s->length] = 0;
}

static void append_char(struct String* s, char c) {
  reserve(s, 1);
  s->text[s->length++] = c;
  s->text[s->length] = 0;
}

static void append_number(struct String* s, unsigned number) {
  char digits[12];
  int at = 12;
  do digits[--at] = '0' + number % 10;
  while (number /= 10);
  append(s, digits + at, 12 - at);
}

static void reverse(struct String* s) {
  for (size_t i = 0, j = s->length; i + 1 < j; ++i) {
    --j;
    const char t = s->text[i];
    s->text[i] = s->text[j];
    s->text[j] = t;
  }
}

static void upper(struct String* s) {
  for (char* c = s->text; *c; ++c)
    if (*c >= 'a' && *c <= 'z') *c -= 'a' - 'A';
}

static void replace(const struct String* s, char from, const char* to, struct String* out) {
  const size_t length = strlen(to);
  for (size_t i = 0; i < s->length; ++i) {
    if (s->text[i] == from)
      append(out, to, length);
    else
      append_char(out, s->text[i]);
  }
}

static uint32_t hash_of(const struct String* s) {
  uint32_t hash = 5381;
  for (size_t i = 0; i < s->length; ++i) hash = hash * 33 + (unsigned char)s->text[i];
  return hash;
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 600;
  static const char* const kWords[] = {"alpha",   "be",   "gamma", "delta",
                                       "epsilon", "zeta", "eta",   "theta"};
  uint32_t hash = 0;
  size_t total = 0;
  for (int round = 0; round < rounds; ++round) {
    struct String s = {0}, out = {0};
    for (int i = 0; i < 10000; ++i) {
      const char* word = kWords[(i * 7 + round) & 7];
      append(&s, word, strlen(word));
      append_char(&s, i % 11 ? ' ' : '\n');
      append_number(&s, i * 31u + round);
      append_char(&s, ',');
    }
    reverse(&s);
    upper(&s);
    replace(&s, ',', " & ", &out);
    hash = hash * 31 + hash_of(&out);
    total += out.length;
    free(s.text);
    free(out.text);
  }
  printf("%zu bytes, %08x\n", total, hash);
  return 0;
}
