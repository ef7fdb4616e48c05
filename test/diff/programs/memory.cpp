// Globals with pointers, strings, block copies, arrays on the stack, a few data structures.
#include "program.h"

static u8 bytes[256];
TEST(block_operations) {
  const u64 from = a & 63, to = b & 63, count = (a >> 8) & 63;
  for (int i = 0; i < 8; ++i) bytes[(a + i * 37) & 255] += static_cast<u8>(b >> i * 8);
  __builtin_memcpy(bytes + 128 + to, bytes + from, count);
  __builtin_memmove(bytes + to, bytes + from, count);
  __builtin_memset(bytes + 200 + (a & 15), static_cast<int>(b), b & 31);
  __builtin_memset(bytes + 5, 0, 16);
  __builtin_memset(bytes + 30, 0x5a, 12);
  __builtin_memcpy(bytes + 64, bytes + 100, 32);
  __builtin_memcpy(bytes + 1, bytes + 90, 3);
  u64 h = 0;
  for (const u8 x : bytes) mix(h, x);
  return h;
}

struct Node {
  const Node* next;
  const char* text;
  i32 values[3];
  const i32* inside;
};
extern const Node nodes[3];
const Node nodes[3] = {{&nodes[2], "alpha", {1, 2, 3}, &nodes[1].values[2]},
                       {nullptr, "beta", {-4, 5, -6}, nodes[0].values},
                       {&nodes[1], "gamma ray", {7, -8, 9}, nullptr}};
static const void* const addresses[] = {&nodes[1], bytes + 17, &"tail"[2], addresses};
TEST(linked_globals) {
  u64 h = 0;
  for (const Node* n = &nodes[a % 3]; n; n = n->next) {
    for (const char* c = n->text; *c; ++c) mix(h, static_cast<u64>(*c));
    mix(h, static_cast<u64>(static_cast<i64>(n->values[b % 3])));
    if (n->inside) mix(h, static_cast<u64>(static_cast<i64>(*n->inside)));
  }
  mix(h, *static_cast<const char*>(addresses[2]) == 'i');
  mix(h, static_cast<const u8*>(addresses[1]) - bytes);
  mix(h, addresses[3] == addresses);
  return h;
}

static const char* describe(u64 n) {
  switch (n) {
    case 0:
      return "zero";
    case 1:
      return "one";
    case 2:
      return "two";
    case 3:
      return "many";
  }
  return "";
}
TEST(strings) {
  u64 h = 0;
  for (const char* c = describe(a % 5); *c; ++c) mix(h, static_cast<u64>(*c));
  char text[24];
  int n = 0;
  u64 value = b;
  do text[n++] = static_cast<char>('0' + value % 10);
  while (value /= 10);
  for (int i = 0, k = n - 1; i < k; ++i, --k) {
    const char t = text[i];
    text[i] = text[k];
    text[k] = t;
  }
  for (int i = 0; i < n; ++i) mix(h, static_cast<u64>(text[i]));
  return h;
}

TEST(sorting) {
  u32 v[32];
  u64 seed = a;
  for (u32& x : v) {
    seed = seed * 6364136223846793005 + b;
    x = static_cast<u32>(seed >> 33);
  }
  for (int i = 1; i < 32; ++i)
    for (int k = i; k > 0 && v[k - 1] > v[k]; --k) {
      const u32 t = v[k];
      v[k] = v[k - 1];
      v[k - 1] = t;
    }
  u64 h = 0;
  for (const u32 x : v) mix(h, x);
  return h;
}

static u64 table[64][2];
TEST(hash_table) {
  for (int i = 0; i < 6; ++i) {
    const u64 key = (a >> i * 5) % 61 + 1;
    u64 slot = key * 0x9e3779b97f4a7c15 >> 58;
    for (int probes = 0; probes < 64 && table[slot][0] != 0 && table[slot][0] != key; ++probes)
      slot = (slot + 1) & 63;
    table[slot][0] = key;
    table[slot][1] += b;
  }
  u64 h = 0;
  for (const auto& row : table) mix(h, row[0] ^ row[1]);
  return h;
}

static i16 matrix[5][7][3];
TEST(indices) {
  const u32 i = a % 5, k = b % 7;
  matrix[i][k][a % 3] = static_cast<i16>(b);
  i64 sum = matrix[4 - i][6 - k][1];
  for (i32 n = -2; n < 3; ++n) sum = sum * 3 + (&matrix[2][3][1])[n * 9];
  const i16* const end = &matrix[4][6][2];
  sum += end - &matrix[i][k][0];
  return static_cast<u64>(sum);
}

union Bits {
  double d;
  u64 n;
  u8 bytes[8];
  struct {
    u32 low;
    float high;
  };
};
TEST(unions) {
  Bits x;
  x.n = a;
  x.bytes[3] = static_cast<u8>(b);
  u64 h = x.low;
  mix(h, bits_of(x.high));
  mix(h, bits_of(x.d));
  volatile u32 seen = static_cast<u32>(b);
  seen += 1;
  mix(h, seen);
  alignas(64) u64 lines[16] = {};
  lines[a & 15] = b;
  mix(h, reinterpret_cast<u64>(&lines[0]) & 63);
  for (const u64 l : lines) mix(h, l);
  return h;
}

static u32 crc_table[256];
TEST(crc) {
  if (crc_table[1] == 0)
    for (u32 i = 0; i < 256; ++i) {
      u32 c = i;
      for (int k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320 ^ c >> 1 : c >> 1;
      crc_table[i] = c;
    }
  u32 crc = ~0u;
  for (int i = 0; i < 8; ++i) crc = crc_table[(crc ^ a >> i * 8) & 255] ^ crc >> 8;
  for (int i = 0; i < 8; ++i) crc = crc_table[(crc ^ b >> i * 8) & 255] ^ crc >> 8;
  return ~crc;
}
