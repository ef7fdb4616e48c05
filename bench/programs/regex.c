// Regular expressions, compiled to a small program that threads run in step (after Thompson, Pike).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum Op { kChar, kAny, kClass, kSplit, kJump, kMatch };
struct Inst {
  enum Op op;
  int x, y;
  unsigned char set[32];
};

enum { kLongest = 256 };
static struct Inst program[kLongest];
static int length;
static const char* pattern;

static int emit(enum Op op, int x, int y) {
  memset(&program[length], 0, sizeof program[length]);
  program[length].op = op;
  program[length].x = x;
  program[length].y = y;
  return length++;
}

static void insert(int at, enum Op op, int x, int y) {
  memmove(&program[at + 1], &program[at], (length - at) * sizeof program[0]);
  ++length;
  for (int i = at + 1; i < length; ++i) {
    if (program[i].op != kSplit && program[i].op != kJump) continue;
    if (program[i].x >= at) ++program[i].x;
    if (program[i].y >= at) ++program[i].y;
  }
  program[at].op = op;
  program[at].x = x;
  program[at].y = y;
}

static void alternatives(void);

static void char_class(void) {
  const int at = emit(kClass, 0, 0), negated = *pattern == '^';
  unsigned char* set = program[at].set;
  if (negated) ++pattern;
  for (; *pattern != ']'; ++pattern) {
    const int low = (unsigned char)*pattern;
    int high = low;
    if (pattern[1] == '-' && pattern[2] != ']') high = (unsigned char)pattern[2], pattern += 2;
    for (int c = low; c <= high; ++c) set[c >> 3] |= 1 << (c & 7);
  }
  ++pattern;
  if (negated)
    for (int i = 0; i < 32; ++i) set[i] = ~set[i];
}

static void atom(void) {
  if (*pattern == '(') {
    ++pattern;
    alternatives();
    ++pattern;
  } else if (*pattern == '[') {
    ++pattern;
    char_class();
  } else if (*pattern == '.') {
    ++pattern;
    emit(kAny, 0, 0);
  } else {
    if (*pattern == '\\') ++pattern;
    emit(kChar, (unsigned char)*pattern++, 0);
  }
}

static void repetition(void) {
  const int start = length;
  atom();
  if (*pattern == '*') {
    insert(start, kSplit, start + 1, length + 2);
    emit(kJump, start, 0);
  } else if (*pattern == '+') {
    emit(kSplit, start, length + 1);
  } else if (*pattern == '?') {
    insert(start, kSplit, start + 1, length + 1);
  } else {
    return;
  }
  ++pattern;
}

static void alternatives(void) {
  const int start = length;
  while (*pattern && *pattern != '|' && *pattern != ')') repetition();
  if (*pattern != '|') return;
  ++pattern;
  insert(start, kSplit, start + 1, length + 2);
  const int jump = emit(kJump, 0, 0);
  alternatives();
  program[jump].x = length;
}

static void compile(const char* text) {
  pattern = text;
  length = 0;
  alternatives();
  emit(kMatch, 0, 0);
}

struct Threads {
  int count, pc[kLongest];
};
static unsigned mark[kLongest], generation;

static void add(struct Threads* list, int pc) {
  if (mark[pc] == generation) return;
  mark[pc] = generation;
  if (program[pc].op == kJump) {
    add(list, program[pc].x);
  } else if (program[pc].op == kSplit) {
    add(list, program[pc].x);
    add(list, program[pc].y);
  } else {
    list->pc[list->count++] = pc;
  }
}

// Number of positions in the text where a match ends, of matches that start anywhere.
static int count_matches(const char* text) {
  static struct Threads lists[2];
  struct Threads *now = &lists[0], *next = &lists[1];
  int found = 0;
  now->count = 0;
  ++generation;
  for (const char* at = text;; ++at) {
    add(now, 0);
    next->count = 0;
    ++generation;
    const int c = (unsigned char)*at;
    for (int i = 0; i < now->count; ++i) {
      const struct Inst* inst = &program[now->pc[i]];
      switch (inst->op) {
        case kChar:
          if (c == inst->x) add(next, now->pc[i] + 1);
          break;
        case kAny:
          if (c && c != '\n') add(next, now->pc[i] + 1);
          break;
        case kClass:
          if (c && inst->set[c >> 3] >> (c & 7) & 1) add(next, now->pc[i] + 1);
          break;
        case kMatch:
          ++found;
          break;
        default:
          break;
      }
    }
    if (!c) return found;
    struct Threads* t = now;
    now = next;
    next = t;
  }
}

static char* make_text(int size) {
  char* text = malloc(size + 1);
  unsigned random = 7;
  for (int i = 0; i < size; ++i) {
    random = random * 1103515245u + 12345u;
    const unsigned r = random >> 16 & 63;
    text[i] = r < 26   ? 'a' + r
              : r < 36 ? '0' + r - 26
              : r < 46 ? ' '
              : r < 52 ? '.'
              : r < 55 ? '@'
              : r < 57 ? '\n'
                       : 'e';
  }
  text[size] = 0;
  return text;
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 180;
  static const char* const kPatterns[] = {
      "[a-z]+@[a-z]+\\.[a-z]+", "(ab|cd|ef)+",        "e.*e",
      "[0-9][0-9]?\\.[0-9]+",   "(a|e)(b|e)*[^a-z ]", "(e|ee|eee)+x?y?z?",
  };
  char* text = make_text(20000);
  for (unsigned p = 0; p < sizeof kPatterns / sizeof *kPatterns; ++p) {
    compile(kPatterns[p]);
    int found = 0;
    for (int i = 0; i < rounds; ++i) found += count_matches(text + i);
    printf("%s: %d\n", kPatterns[p], found);
  }
  free(text);
  return 0;
}
