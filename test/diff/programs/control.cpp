// Jumps of every kind: switches, loops, recursion, irreducible flow.
#include "program.h"

TEST(dense_switch) {
  u64 h = b;
  for (int i = 0; i < 12; ++i) {
    switch ((a >> i * 4) & 15) {
      case 0:
        h += 1;
        break;
      case 1:
        h *= 3;
        break;
      case 2:
        h ^= h >> 7;  // falls through
      case 3:
        h -= 11;
        break;
      case 4:
        h = ~h;
        break;
      case 5:
        h <<= 1;
        break;
      case 6:
        continue;
      case 7:
        h += a;
        break;
      case 9:
        h ^= b;
        break;
      case 10:
        h += i;
        break;
      case 15:
        return h;
      default:
        h ^= 0x55;
    }
    h = h << 3 | h >> 61;
  }
  return h;
}
TEST(sparse_switch) {
  switch (static_cast<i32>(a % 2000) - 1000) {
    case -1000:
      return b + 1;
    case -7:
      return b * 2;
    case 0:
      return b - 1;
    case 3:
      return b ^ 3;
    case 500:
      return ~b;
    case 998:
      return b >> 1;
    case 100 ... 180:
      return b + 5;
    default:
      break;
  }
  switch (b) {
    case 0xffffffffffffffff:
      return 1;
    case 0x8000000000000000:
      return 2;
    case 1ull << 40:
      return 3;
    case 17:
      return 4;
    default:
      return 5;
  }
}
TEST(byte_switch) {
  u64 h = 0;
  for (int i = 0; i < 8; ++i) switch (static_cast<char>(a >> i * 8)) {
      case 'a' ... 'z':
        mix(h, 1);
        break;
      case '0' ... '9':
        mix(h, 2);
        break;
      case ' ':
      case '\n':
      case '\t':
        mix(h, 3);
        break;
      case -128:
        mix(h, 4);
        break;
      case -1:
        mix(h, 5);
        break;
      default:
        mix(h, 6 + b);
    }
  return h;
}
static int lookup(int x) {
  switch (x) {
    case 0:
      return 12;
    case 1:
      return 7;
    case 2:
      return -3;
    case 3:
      return 99;
    case 4:
      return 1000000;
    case 5:
      return 8;
    case 6:
      return 3;
  }
  return -1;
}
TEST(table_switch) {
  return static_cast<u64>(lookup(static_cast<int>(a & 7))) ^ b;
}

NOINLINE static u64 fibonacci(u64 n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
NOINLINE static u64 ackermann(u64 m, u64 n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}
NOINLINE static bool is_odd(u64 n);
NOINLINE static bool is_even(u64 n) {
  return n == 0 || is_odd(n - 1);
}
NOINLINE static bool is_odd(u64 n) {
  return n != 0 && is_even(n - 1);
}
TEST(recursion) {
  return fibonacci(a & 7) + ackermann(a & 1, b & 3) * 1000 + is_even(b & 31);
}

TEST(irreducible) {
  u64 x = a, y = b;
  int fuel = 50;
  if (x & 1) goto middle;
top:
  x = x * 5 + 1;
  if (--fuel == 0) goto out;
  if (x & 2) goto top;
middle:
  y ^= x;
  x >>= 1;
  if (--fuel > 0) goto top;
out:
  return x + y;
}
TEST(nested_loops) {
  u64 h = a;
  for (u64 i = 0; i < (a & 7) + 1; ++i) {
    for (u64 k = i; k < 9; ++k) {
      if ((h ^ k) % 5 == 0) continue;
      u64 n = k;
      while (n > 0) {
        h = h * 31 + n;
        n = n & 1 ? n - 1 : n / 2;
        if (h % 11 == 3) break;
      }
      if (h % 13 == 1) goto next;
    }
    h ^= b;
  next:
    h += i;
  }
  do {
    h ^= h << 9;
    h ^= h >> 7;
  } while (h % 10 != 0 && h > a);
  return h;
}
TEST(collatz) {
  u64 n = a % 10000 + 1, steps = 0;
  while (n != 1 && steps < 1000) {
    n = n & 1 ? 3 * n + 1 : n / 2;
    ++steps;
  }
  return steps + b;
}
TEST(swapped_phis) {
  u64 x = a, y = b, z = a ^ b;
  for (int i = 0; i < static_cast<int>(a % 17); ++i) {
    const u64 t = x;
    x = y;
    y = z;
    z = t + i;
  }
  return x * 3 + y * 5 + z * 7;
}
TEST(short_circuit) {
  const bool p = a > b, q = (a & 1) != 0, r = b % 3 == 0;
  u64 h = 0;
  mix(h, (p && q) || r);
  mix(h, (p || q) && !r);
  mix(h, p ? q ? 1 : 2 : r ? 3 : 4);
  mix(h, p ^ q ^ r);
  mix(h, p == q);
  mix(h, p < r);
  const bool array[4] = {p, q, r, p != q};
  mix(h, array[a & 3]);
  mix(h, static_cast<u64>(static_cast<i64>(-static_cast<int>(array[b & 3]))));
  mix(h, bits_of(static_cast<float>(array[1]) + static_cast<double>(r)));
  return h;
}
