// What this machine could do at most: reading memory, multiplying bytes, multiplying floats.
//
//   machine-limits THREADS        one JSON object: read_gb_s, cache_gb_s, int8_gops, f32_gflops, and by which
//                         instructions; a multiplication with its addition counts as two operations
//   machine-limits THREADS BYTES  an engine (bench/model/engines.py) that only reads weights: "generate N"
//                         takes as long as reading BYTES N times
//
// Each is the best of some repeats, all threads at once, from a common start to the last end. Of one
// thread, what counts is its time of the processor: others may have it in between.
#include <immintrin.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRepeats = 7;
constexpr size_t kBytes = size_t{1} << 30;  // read in all; no cache holds a tenth of it
constexpr int kRounds = 4'000'000;
constexpr int kChains = 12;  // independent sums: more than latency times throughput

std::atomic<uint64_t> sink;

double processor_seconds(const std::function<void(unsigned)>& work) {
  const auto now = [] {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  };
  const double start = now();
  work(0);
  return now() - start;
}

// Seconds that `work(thread)` takes on all threads, this one among them. Who waits sleeps: there
// may be nobody else to run on this core.
double seconds(unsigned threads, const std::function<void(unsigned)>& work) {
  const auto pause = [] { std::this_thread::sleep_for(std::chrono::microseconds(50)); };
  std::atomic<unsigned> ready = 0;
  std::atomic<bool> go = false;
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i)
    others.emplace_back([&, i] {
      ++ready;
      while (!go) pause();
      work(i);
    });
  while (ready + 1 < threads) pause();
  const auto start = Clock::now();
  go = true;
  work(0);
  for (std::thread& other : others) other.join();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double best_seconds(unsigned threads, const std::function<void(unsigned)>& work) {
  double best = 1e9;
  for (int i = 0; i < kRepeats; ++i)
    best = std::min(best, threads == 1 ? processor_seconds(work) : seconds(threads, work));
  return best;
}

// ---- Reading ---------------------------------------------------------------------------------

using Read = uint64_t(const char* at, size_t bytes);

// From the beginning to the end, as the processor's own prefetching likes it; or both halves side by
// side with prefetches ahead, which gives more of some memories.
struct Reads {
  Read *one_stream, *two_streams;
};

template <int streams>
[[gnu::always_inline]] inline void fetch_ahead(const char* at, size_t bytes) {
  constexpr size_t kAhead = 2048, kLine = 64;
  if (streams == 1) return;
  for (size_t i = 0; i < bytes; i += kLine) _mm_prefetch(at + kAhead + i, _MM_HINT_T0);
}

#define BF_READ(name, targets, vector, load, combine, lowest)                     \
  template <int streams>                                                          \
  __attribute__((target(targets))) uint64_t name(const char* at, size_t bytes) {  \
    constexpr size_t kVectors = 8, kStep = kVectors * sizeof(vector);             \
    vector sum[kVectors] = {};                                                    \
    const size_t part = bytes / streams;                                          \
    for (size_t i = 0; i < part; i += kStep)                                      \
      for (size_t stream = 0; stream < streams; ++stream) {                       \
        const char* const from = at + stream * part + i;                          \
        fetch_ahead<streams>(from, kStep);                                        \
        for (size_t j = 0; j < kVectors; ++j)                                     \
          sum[j] = combine(sum[j], load(reinterpret_cast<const vector*>(from) + j)); \
      }                                                                           \
    for (size_t j = 1; j < kVectors; ++j) sum[0] = combine(sum[0], sum[j]);       \
    return static_cast<uint64_t>(lowest(sum[0]));                                 \
  }
BF_READ(read_sse2, "sse2", __m128i, _mm_load_si128, _mm_xor_si128,
        _mm_cvtsi128_si64)
BF_READ(read_avx2, "avx2", __m256i, _mm256_load_si256, _mm256_xor_si256,
        [](__m256i v) __attribute__((target("avx2"))) { return _mm256_extract_epi64(v, 0); })
BF_READ(read_avx512, "avx512f", __m512i, _mm512_load_si512, _mm512_xor_si512,
        _mm512_reduce_add_epi64)

// Memory in large pages, each of them written; null if there is not that much.
char* touched_memory(size_t bytes) {
  void* const memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  madvise(memory, bytes, MADV_HUGEPAGE);
  char* const start = static_cast<char*>(memory);
  for (size_t i = 0; i < bytes; i += 4096) start[i] = static_cast<char>(i >> 12);
  return start;
}

// Of whole pages.
size_t share_of(size_t bytes, unsigned threads) { return bytes / threads & ~size_t{4095}; }

double seconds_to_read(unsigned threads, const char* memory, size_t bytes, Read* read) {
  const size_t share = share_of(bytes, threads);
  return best_seconds(threads, [&](unsigned i) { sink += read(memory + i * share, share); });
}

// Gigabytes a second, whichever way gives more.
double read_bandwidth(unsigned threads, Reads reads) {
  char* const memory = touched_memory(kBytes);
  if (memory == nullptr) return 0;
  const double time = std::min(seconds_to_read(threads, memory, kBytes, reads.one_stream),
                               seconds_to_read(threads, memory, kBytes, reads.two_streams));
  munmap(memory, kBytes);
  return static_cast<double>(share_of(kBytes, threads) * threads) / time / 1e9;
}

// The same of what is in the first-level cache.
double cache_bandwidth(unsigned threads, Read* read) {
  constexpr size_t kCached = size_t{16} << 10;
  constexpr int kTimes = 20'000;
  const double time = best_seconds(threads, [&](unsigned) {
    alignas(64) static thread_local char bytes[kCached];
    uint64_t sum = 0;
    for (int i = 0; i < kTimes; ++i) {
      asm volatile("" : : "r"(bytes) : "memory");
      sum += read(bytes, kCached);
    }
    sink += sum;
  });
  return static_cast<double>(kCached) * kTimes * threads / time / 1e9;
}

// ---- Multiplying -----------------------------------------------------------------------------

// The assembly keeps the compiler from folding rounds that compute the same.
#define BF_ROUNDS(vector, zero, instruction)                                     \
  vector sum[kChains];                                                           \
  for (vector & s : sum) s = zero();                                             \
  vector a = zero(), b = zero();                                                 \
  for (int round = 0; round < kRounds; ++round)                                  \
    for (vector & s : sum) asm volatile(instruction : "+x"(s) : "x"(a), "x"(b)); \
  asm volatile("" ::"x"(sum[0]));

// Of EVEX registers.
#define BF_ROUNDS_512(vector, zero, instruction)                                 \
  vector sum[kChains];                                                           \
  for (vector & s : sum) s = zero();                                             \
  vector a = zero(), b = zero();                                                 \
  for (int round = 0; round < kRounds; ++round)                                  \
    for (vector & s : sum) asm volatile(instruction : "+v"(s) : "v"(a), "v"(b)); \
  asm volatile("" ::"v"(sum[0]));

__attribute__((target("avx512vnni,avx512bw"))) void int8_avx512vnni(unsigned) {
  BF_ROUNDS_512(__m512i, _mm512_setzero_si512, "vpdpbusd %2, %1, %0")
}
__attribute__((target("avxvnni,avx2"))) void int8_avxvnni(unsigned) {
  BF_ROUNDS(__m256i, _mm256_setzero_si256, "%{vex%} vpdpbusd %2, %1, %0")
}
// Products of pairs of bytes, widened to 32 bits and added.
__attribute__((target("avx2"))) void int8_avx2(unsigned) {
  BF_ROUNDS(__m256i, _mm256_setzero_si256,
            "vpmaddubsw %2, %1, %%ymm14; vpmaddwd %%ymm14, %1, %%ymm14; vpaddd %%ymm14, %0, %0")
}
void int8_sse2(unsigned) {
  BF_ROUNDS(__m128i, _mm_setzero_si128,
            "movdqa %1, %%xmm14; pmaddwd %2, %%xmm14; paddd %%xmm14, %0")
}
__attribute__((target("avx512f"))) void f32_avx512(unsigned) {
  BF_ROUNDS_512(__m512, _mm512_setzero_ps, "vfmadd231ps %2, %1, %0")
}
__attribute__((target("avx2,fma"))) void f32_avx2(unsigned) {
  BF_ROUNDS(__m256, _mm256_setzero_ps, "vfmadd231ps %2, %1, %0")
}
void f32_sse2(unsigned) {
  BF_ROUNDS(__m128, _mm_setzero_ps, "movaps %1, %%xmm14; mulps %2, %%xmm14; addps %%xmm14, %0")
}

struct Multiply {
  const char* name;
  void (*work)(unsigned);
  int products;  // of one instruction (or what takes its place)
};

double billions(unsigned threads, const Multiply& multiply) {
  const double operations = 2.0 * multiply.products * kChains * kRounds * threads;
  return operations / best_seconds(threads, multiply.work) / 1e9;
}

bool has_avx512vnni() {
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw");
}

Multiply widest_int8() {
  if (has_avx512vnni()) return {"vpdpbusd, 512 bits", int8_avx512vnni, 64};
  if (__builtin_cpu_supports("avxvnni")) return {"vpdpbusd, 256 bits", int8_avxvnni, 32};
  if (__builtin_cpu_supports("avx2")) return {"vpmaddubsw, 256 bits", int8_avx2, 32};
  return {"pmaddwd, 128 bits", int8_sse2, 8};
}

Multiply widest_f32() {
  if (__builtin_cpu_supports("avx512f")) return {"vfmadd231ps, 512 bits", f32_avx512, 16};
  if (__builtin_cpu_supports("fma")) return {"vfmadd231ps, 256 bits", f32_avx2, 8};
  return {"mulps and addps, 128 bits", f32_sse2, 4};
}

Reads widest_reads() {
  if (__builtin_cpu_supports("avx512f")) return {read_avx512<1>, read_avx512<2>};
  if (__builtin_cpu_supports("avx2")) return {read_avx2<1>, read_avx2<2>};
  return {read_sse2<1>, read_sse2<2>};
}

// Answers "generate N" lines until the input ends.
int read_for_others(unsigned threads, size_t bytes) {
  char* const weights = touched_memory(bytes);
  if (weights == nullptr) {
    std::fprintf(stderr, "error: not enough memory to read %zu bytes\n", bytes);
    return 1;
  }
  const Reads reads = widest_reads();
  const bool two = seconds_to_read(threads, weights, bytes, reads.two_streams) <
                   seconds_to_read(threads, weights, bytes, reads.one_stream);
  Read* const read = two ? reads.two_streams : reads.one_stream;
  const size_t share = share_of(bytes, threads);
  std::printf("ready\n");
  std::fflush(stdout);
  for (unsigned tokens; std::scanf(" generate %u", &tokens) == 1;) {
    const double time = seconds(threads, [&](unsigned i) {
      for (unsigned token = 0; token < tokens; ++token) sink += read(weights + i * share, share);
    });
    std::printf("%.0f\n", time * 1e9);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const int threads = count >= 2 ? std::atoi(words[1]) : 0;
  const unsigned long long bytes = count == 3 ? std::strtoull(words[2], nullptr, 10) : 0;
  const bool known = count == 2 || (count == 3 && bytes >= 1024 * 4096);
  if (threads < 1 || threads > 1024 || !known) {
    std::fprintf(stderr, "usage: machine-limits THREADS [BYTES, at least 4194304]\n");
    return 2;
  }
  const auto cores = static_cast<unsigned>(threads);
  if (bytes != 0) return read_for_others(cores, bytes);
  const Multiply int8 = widest_int8(), f32 = widest_f32();
  std::printf(
      "{\"threads\": %d, \"read_gb_s\": %.2f, \"cache_gb_s\": %.1f, \"int8_gops\": %.1f, \"int8_by\": \"%s\", "
      "\"f32_gflops\": %.1f, \"f32_by\": \"%s\"}\n",
      threads, read_bandwidth(cores, widest_reads()),
      cache_bandwidth(cores, widest_reads().one_stream), billions(cores, int8), int8.name,
      billions(cores, f32), f32.name);
  return 0;
}
