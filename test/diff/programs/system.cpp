// What programs do beside computing: atomics, threads and their variables, constructors, weak and
// foreign symbols, computed gotos, stack space of variable size.
#include "program.h"

// ---- Atomics -----------------------------------------------------------------------------------

template <class T>
NOINLINE static u64 updates(T start, T x) {
  T cell = start;
  u64 h = 0;
  mix(h, static_cast<u64>(__atomic_fetch_add(&cell, x, __ATOMIC_SEQ_CST)));
  mix(h, static_cast<u64>(__atomic_fetch_sub(&cell, static_cast<T>(x >> 1), __ATOMIC_RELAXED)));
  mix(h, static_cast<u64>(__atomic_fetch_and(&cell, static_cast<T>(x | 0x35), __ATOMIC_ACQUIRE)));
  mix(h, static_cast<u64>(__atomic_fetch_or(&cell, static_cast<T>(x << 2), __ATOMIC_RELEASE)));
  mix(h, static_cast<u64>(__atomic_fetch_xor(&cell, x, __ATOMIC_ACQ_REL)));
  mix(h, static_cast<u64>(__atomic_fetch_nand(&cell, x, __ATOMIC_SEQ_CST)));
  mix(h, static_cast<u64>(__atomic_fetch_min(&cell, static_cast<T>(x + 3), __ATOMIC_SEQ_CST)));
  mix(h, static_cast<u64>(__atomic_fetch_max(&cell, static_cast<T>(x - 7), __ATOMIC_SEQ_CST)));
  mix(h, static_cast<u64>(__atomic_add_fetch(&cell, x, __ATOMIC_SEQ_CST)));
  mix(h, static_cast<u64>(__atomic_exchange_n(&cell, static_cast<T>(x * 5), __ATOMIC_SEQ_CST)));
  (void)__atomic_fetch_or(&cell, T{1}, __ATOMIC_SEQ_CST);
  __atomic_store_n(&cell, static_cast<T>(cell + 1), __ATOMIC_SEQ_CST);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  __atomic_signal_fence(__ATOMIC_ACQUIRE);
  mix(h, static_cast<u64>(__atomic_load_n(&cell, __ATOMIC_ACQUIRE)));
  T expected = static_cast<T>(x * 3);
  mix(h, __atomic_compare_exchange_n(&cell, &expected, x, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED));
  mix(h, static_cast<u64>(expected));
  mix(h, __atomic_compare_exchange_n(&cell, &expected, x, true, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE));
  mix(h, static_cast<u64>(cell));
  return h;
}
TEST(atomics) {
  u64 h = updates(static_cast<u8>(a), static_cast<u8>(b));
  mix(h, updates(static_cast<i8>(a), static_cast<i8>(b)));
  mix(h, updates(static_cast<u16>(a), static_cast<u16>(b)));
  mix(h, updates(static_cast<i16>(a), static_cast<i16>(b)));
  mix(h, updates(static_cast<u32>(a), static_cast<u32>(b)));
  mix(h, updates(static_cast<i32>(a), static_cast<i32>(b)));
  mix(h, updates(a, b));
  mix(h, updates(static_cast<i64>(a), static_cast<i64>(b)));
  return h;
}
TEST(wide_atomics) {
  alignas(16) static u128 cell;
  __atomic_store_n(&cell, u128{a} << 64 | b, __ATOMIC_SEQ_CST);
  u128 expected = b;
  u64 h = __atomic_compare_exchange_n(&cell, &expected, u128{7}, false, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST);
  mix(h, static_cast<u64>(expected >> 64));
  const u128 old = __atomic_exchange_n(&cell, u128{b} << 64 | a, __ATOMIC_SEQ_CST);
  mix(h, static_cast<u64>(old));
  const u128 now = __atomic_load_n(&cell, __ATOMIC_ACQUIRE);
  mix(h, static_cast<u64>(now >> 64));
  return h;
}
TEST(atomic_floats_and_pointers) {
  static u64 things[8];
  u64* p = things;
  double d = make_double(a);
  u64* const old = __atomic_fetch_add(&p, 16, __ATOMIC_SEQ_CST);
  u64 h = static_cast<u64>(old - things);
  double fresh = make_double(b);
  double before;
  __atomic_exchange(&d, &fresh, &before, __ATOMIC_SEQ_CST);
  mix(h, bits_of(before));
  mix(h, bits_of(d));
  u64* expected = things;
  mix(h, __atomic_compare_exchange_n(&p, &expected, things + 5, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST));
  mix(h, static_cast<u64>(expected - things));
  return h;
}
TEST(volatiles) {
  volatile u8 narrow = static_cast<u8>(a);
  volatile float f = static_cast<float>(static_cast<i32>(b));
  volatile u128 wide = u128{a} * b;
  volatile bool flag = a > b;
  narrow = static_cast<u8>(narrow + 1);
  f = f * 2;
  return narrow ^ bits_of(f) ^ static_cast<u64>(wide) ^ static_cast<u64>(wide >> 64) ^ (flag ? 77 : 0);
}

// ---- Threads -----------------------------------------------------------------------------------

extern "C" void import_in_threads(u64 count, void (*run)(void* context, u64 i), void* context);

static thread_local u64 own = 5;
static thread_local u32 own_zero[100];
static thread_local u64* own_pointer = nullptr;
struct Counters {
  u64 total, product_bits;
  u32 lock;
  u64 guarded;
};
NOINLINE static void bump() {
  own += 3;
  own_zero[own % 100] += 1;
}
static void work(void* context, u64 i) {
  Counters& c = *static_cast<Counters*>(context);
  own_pointer = &own;
  for (u64 n = 0; n < 300; ++n) {
    bump();
    __atomic_fetch_add(&c.total, *own_pointer + i, __ATOMIC_RELAXED);
    __atomic_fetch_xor(&c.product_bits, own << (n % 50), __ATOMIC_SEQ_CST);
    while (__atomic_exchange_n(&c.lock, 1u, __ATOMIC_ACQUIRE)) {}
    c.guarded += n;
    __atomic_store_n(&c.lock, 0u, __ATOMIC_RELEASE);
  }
  u64 sum = 0;
  for (const u32 x : own_zero) sum += x;
  __atomic_fetch_add(&c.total, sum, __ATOMIC_SEQ_CST);
}
TEST(threads) {
  if (a % 37 != 0) return 0;  // they are slow
  Counters c{};
  import_in_threads(3 + a % 2, work, &c);
  u64 h = c.total;
  mix(h, c.product_bits);
  mix(h, c.guarded);
  return h;
}
TEST(thread_locals) {
  own += a;
  bump();
  own_zero[b % 100] += 2;
  u64 h = own;
  for (const u32 x : own_zero) mix(h, x);
  return h;
}

// ---- Symbols -----------------------------------------------------------------------------------

extern "C" u64 import_value;
extern "C" [[gnu::weak]] u64 import_that_is_missing(u64);
extern "C" [[gnu::weak]] u64 import_variable_that_is_missing;
extern "C" [[gnu::weak]] u64 weakly_defined(u64 x) { return x + 12; }
extern "C" u64 behind_alias(u64 x) { return x * 3; }
extern "C" u64 alias_of_it(u64) __attribute__((alias("behind_alias")));
static u64* const pointer_to_foreign = &import_value;
TEST(foreign_variable) {
  const u64 before = import_value;
  import_value = a;
  const u64 seen = *pointer_to_foreign ^ b;
  import_value = before;
  return seen + before;
}
TEST(weak_symbols) {
  return (import_that_is_missing ? import_that_is_missing(a) : 1) +
         (&import_variable_that_is_missing ? 100 : 3) + weakly_defined(b);
}
TEST(aliases) {
  u64 (*volatile f)(u64) = alias_of_it;
  return alias_of_it(a) + f(b) + (f == behind_alias ? 1 : 0);
}

// ---- Constructors ------------------------------------------------------------------------------

static u64 order[4];
static u32 constructed;
[[gnu::constructor(301)]] static void third() { order[constructed++] = 3; }
[[gnu::constructor(201)]] static void second() { order[constructed++] = 2; }
[[gnu::constructor(101)]] static void first() { order[constructed++] = 1; }
struct Made {
  u64 values[16];
  Made() {
    for (u64 i = 0; i < 16; ++i) values[i] = i * i + constructed;
  }
};
static Made made;
TEST(constructors) {
  u64 h = constructed;
  for (const u64 o : order) mix(h, o);
  return h + made.values[a % 16] * b;
}

// ---- Computed gotos ----------------------------------------------------------------------------

NOINLINE static u64 run_machine(const u8* code, u64 x, u64 y) {
  static const void* const kTargets[] = {&&halt, &&add, &&sub, &&shift, &&swap, &&loop};
  u64 left = 40;
  goto* kTargets[*code++];
add:
  x += y;
  goto* kTargets[*code++];
sub:
  y -= x;
  goto* kTargets[*code++];
shift:
  x = x << 3 | y >> 61;
  goto* kTargets[*code++];
swap : {
  const u64 t = x;
  x = y;
  y = t;
  goto* kTargets[*code++];
}
loop:
  if (left-- != 0) code -= *code;
  else ++code;
  goto* kTargets[*code++];
halt:
  return x * 31 + y;
}
TEST(computed_goto) {
  const u8 code[] = {1, 2, 4, 3, 1, 5, 6, 2, 4, 0};
  return run_machine(code, a, b);
}
NOINLINE static u64 run_with_distances(const u8* code, u64 x) {
  static const int kDistances[] = {static_cast<int>(0)};
  const void* const targets[] = {&&stop, &&twice, &&plus};
  goto* targets[*code++ + kDistances[0]];
twice:
  x *= 2;
  goto* targets[*code++];
plus:
  x += 1;
  goto* targets[*code++];
stop:
  return x;
}
TEST(computed_goto_of_locals) {
  const u8 code[] = {1, static_cast<u8>(1 + (b & 1)), 2, 1, 0};
  return run_with_distances(code, a);
}

// ---- Stack space of variable size --------------------------------------------------------------

NOINLINE static void fill(u32* to, u64 count, u64 x) {
  for (u64 i = 0; i < count; ++i) to[i] = static_cast<u32>(x * (i + 1));
}
TEST(variable_array) {
  const u64 n = a % 200 + 1;
  u32 values[n];
  fill(values, n, b);
  u64 h = 0;
  for (u64 i = 0; i < n; ++i) mix(h, values[i]);
  for (u64 round = 0; round < 5; ++round) {
    u32 more[round * 3 + b % 7 + 1][3];
    fill(more[0], (round * 3 + b % 7 + 1) * 3, a + round);
    mix(h, more[round][2]);
    mix(h, sizeof more);
  }
  return h;
}
TEST(allocated_on_the_stack) {
  u64 h = 0;
  for (u64 i = 0; i < 6; ++i) {
    auto* const p = static_cast<u32*>(__builtin_alloca((a + i) % 50 * 4 + 4));
    fill(p, (a + i) % 50 + 1, b);
    mix(h, p[(a + i) % 50]);
    auto* const aligned = static_cast<u8*>(__builtin_alloca_with_align(33, 64 * 8));
    aligned[32] = static_cast<u8>(i);
    mix(h, reinterpret_cast<uintptr_t>(aligned) & 63);
    mix(h, aligned[32]);
  }
  return h;
}
NOINLINE static u64 many_arguments(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h, double x) {
  return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + static_cast<u64>(x);
}
NOINLINE static u64 recursive(u64 depth, u64 x) {
  u8 space[depth + 1];
  for (u64 i = 0; i <= depth; ++i) space[i] = static_cast<u8>(x + i);
  const u64 below = depth ? recursive(depth - 1, x * 3) : 1;
  return many_arguments(below, space[depth], space[0], x, 5, 6, 7, space[depth / 2], 2.0);
}
TEST(recursion_with_arrays) { return recursive(a % 30, b); }
NOINLINE static u64 big_frame(u64 x) {
  u32 table[600000];
  for (u64 i = 0; i < 600000; i += 1000) table[i] = static_cast<u32>(x + i);
  return table[(x % 600) * 1000] + table[0];
}
TEST(big_frame) { return a % 97 == 0 ? big_frame(b) : 0; }
