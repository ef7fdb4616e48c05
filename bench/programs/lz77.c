// LZ77 with hash chains, compressed and taken apart again: bytes compared, copied, overlapping.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kWindow = 1 << 15, kHashes = 1 << 14, kShortest = 4, kLongest = 258, kTries = 16 };

static int heads[kHashes];
static int* previous;

static unsigned hash_at(const unsigned char* p) {
  uint32_t word;
  memcpy(&word, p, 4);
  return word * 2654435761u >> (32 - 14);
}

static int match_length(const unsigned char* a, const unsigned char* b, const unsigned char* end) {
  int length = 0;
  while (b + length < end && length < kLongest && a[length] == b[length]) ++length;
  return length;
}

// A literal run is its length (1..127) and bytes; a match 128 + (length high), length low,
// distance.
static size_t compress(const unsigned char* in, size_t size, unsigned char* out) {
  unsigned char *to = out, *run = NULL;
  for (int i = 0; i < kHashes; ++i) heads[i] = -1;
  for (size_t at = 0; at < size;) {
    int best = 0, distance = 0;
    if (at + kShortest <= size) {
      const unsigned hash = hash_at(in + at);
      int candidate = heads[hash];
      for (int tries = kTries; candidate >= 0 && (int)at - candidate < kWindow && tries; --tries) {
        const int length = match_length(in + candidate, in + at, in + size);
        if (length > best) best = length, distance = (int)at - candidate;
        candidate = previous[candidate];
      }
      previous[at] = heads[hash];
      heads[hash] = (int)at;
    }
    if (best >= kShortest) {
      *to++ = 128 + (best >> 8);
      *to++ = best & 255;
      *to++ = distance >> 8;
      *to++ = distance & 255;
      for (size_t k = at + 1; k < at + best && k + kShortest <= size; ++k) {
        const unsigned hash = hash_at(in + k);
        previous[k] = heads[hash];
        heads[hash] = (int)k;
      }
      at += best;
      run = NULL;
    } else {
      if (!run || *run == 127) {
        run = to++;
        *run = 0;
      }
      ++*run;
      *to++ = in[at++];
    }
  }
  return to - out;
}

static size_t expand(const unsigned char* in, size_t size, unsigned char* out) {
  unsigned char* to = out;
  for (const unsigned char* end = in + size; in < end;) {
    if (*in < 128) {
      const int length = *in++;
      for (int i = 0; i < length; ++i) *to++ = *in++;
    } else {
      const int length = (in[0] - 128) << 8 | in[1], distance = in[2] << 8 | in[3];
      in += 4;
      for (int i = 0; i < length; ++i, ++to) *to = to[-distance];
    }
  }
  return to - out;
}

static void write_text(unsigned char* out, size_t size) {
  static const char* const kWords[] = {"the ",     "quick ",  "fox ",   "jumps ", "over ",  "lazy ",
                                       "dogs\n",   "window ", "chain ", "of ",    "bytes ", "that ",
                                       "repeats ", "often ",  "and ",   "then "};
  uint32_t random = 99;
  for (size_t at = 0; at < size;) {
    random = random * 1664525u + 1013904223u;
    for (const char* word = kWords[random >> 28]; *word && at < size;) out[at++] = *word++;
    if ((random & 0xff00) == 0 && at < size) out[at++] = random >> 16;
  }
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 16;
  const size_t size = 1 << 20;
  unsigned char *text = malloc(size), *packed = malloc(size * 2), *back = malloc(size);
  previous = malloc(size * sizeof *previous);
  write_text(text, size);
  size_t total = 0;
  int wrong = 0;
  for (int i = 0; i < rounds; ++i) {
    const size_t packed_size = compress(text, size, packed);
    wrong += expand(packed, packed_size, back) != size || memcmp(text, back, size) != 0;
    total += packed_size;
    text[i * 1000] ^= 1;
  }
  printf("%zu bytes, %d wrong\n", total, wrong);
  free(text);
  free(packed);
  free(back);
  free(previous);
  return 0;
}
