// Ranges shared by several cores, thousands of them: every element is done once, at multiples of
// the grain, and what the cores wrote is there for the caller to read without further ado (which is
// what ThreadSanitizer is asked about).
//
//   workers-test THREADS [RANGES]
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "../support/checks.h"
#include "runtime/platform.h"
#include "runtime/program_abi.h"
#include "runtime/workers.h"
#include "start.h"

namespace {

using namespace bf;

#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

u64 random_state = 1;
u64 random_below(u64 limit) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (random_state >> 33) % limit;
}

void pass_time(u64 nanoseconds) {
  const timespec time = {0, static_cast<long>(nanoseconds)};
  nanosleep(&time, nullptr);
}

struct Marks {
  u64 begin, grain;
  u32* marks;         // of each element: how often it was done
  u32 slow_core;      // which takes longer for each piece
  bool wrong_starts;  // written by all, which is no race as long as nothing is wrong
};

void mark(void* context, u64 first, u64 last) {
  Marks& m = *static_cast<Marks*>(context);
  if (first >= last || (first - m.begin) % m.grain != 0) m.wrong_starts = true;
  for (u64 i = first; i < last; ++i) ++m.marks[i - m.begin];
  if (platform::core_index() == m.slow_core)
    for (u32 i = 0; i < 200; ++i) __builtin_ia32_pause();
}

// Another kind of work, with speeds of its own.
void mark_again(void* context, u64 first, u64 last) {
  mark(context, first, last);
}

void check_ranges(u64 ranges) {
  constexpr u64 kMostElements = 3000;
  std::vector<u32> marks(kMostElements);
  for (u64 n = 0; n < ranges; ++n) {
    const u64 size = random_below(n % 2 == 0 ? kMostElements : 10);
    Marks m = {random_below(1000), 1 + random_below(40), marks.data(), 0, false};
    m.slow_core = n % 3 == 0 ? static_cast<u32>(random_below(4)) : ~0u;
    marks.assign(kMostElements, 0);
    workers::parallel_for(m.begin, m.begin + size, m.grain, n % 5 == 0 ? mark_again : mark, &m);
    CHECK(!m.wrong_starts);
    u64 wrong = 0;
    for (u64 i = 0; i < kMostElements; ++i) wrong += marks[i] != (i < size ? 1 : 0);
    CHECK(wrong == 0);
    if (n % 1000 == 999) pass_time(2'000'000);  // long enough for the workers to fall asleep
  }
}

// More grains than can be counted: they become larger.
void check_large_range() {
  std::vector<u32> marks(1);
  const auto nothing = [](void* context, u64 first, u64 last) {
    __atomic_fetch_add(static_cast<u64*>(context), last - first, __ATOMIC_RELAXED);
  };
  u64 sum = 0;
  workers::parallel_for(5, (u64{1} << 40) + 5, 3, nothing, &sum);
  CHECK(sum == u64{1} << 40);
}

struct Stuck {
  u64 left;  // elements that are not done
};

// One core is stuck in its first piece until everything else has been done by the others.
void check_stuck_core() {
  static bool taken;
  __atomic_store_n(&taken, false, __ATOMIC_RELAXED);
  const auto body = [](void* context, u64 first, u64 last) {
    u64& left = static_cast<Stuck*>(context)->left;
    if (!__atomic_exchange_n(&taken, true, __ATOMIC_RELAXED))
      while (__atomic_load_n(&left, __ATOMIC_RELAXED) > last - first) pass_time(100'000);
    __atomic_fetch_sub(&left, last - first, __ATOMIC_RELAXED);
  };
  Stuck stuck = {1000};
  workers::parallel_for(0, 1000, 1, body, &stuck);
  CHECK(stuck.left == 0);
}

// ---- What goes wrong --------------------------------------------------------------------------

// How a child process ends whose cores run this, and what it said.
struct Ending {
  int status;
  std::string log;
};
template <class F>
Ending ending_of(F&& run) {
  int pipe_ends[2];
  CHECK(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDERR_FILENO);
    const rlimit no_core_file = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core_file);
    run();
    _exit(0);
  }
  close(pipe_ends[1]);
  Ending ending = {};
  char bytes[256];
  for (ssize_t n; (n = read(pipe_ends[0], bytes, sizeof bytes)) > 0;)
    ending.log.append(bytes, static_cast<usize>(n));
  close(pipe_ends[0]);
  waitpid(child, &ending.status, 0);
  return ending;
}

// Runs `body` on each core, on the workers before it is on the first one.
void on_workers(workers::Body body) {
  workers::parallel_for(0, 1000, 1, body, nullptr);
}

// A worker that fails ends the process, as the first core would.
void check_failures() {
  const Ending aborted = ending_of([] {
    on_workers([](void*, u64, u64) {
      if (platform::core_index() != 0) bf_abort("no more", 7);
      pass_time(1'000'000);
    });
  });
  CHECK(WIFSIGNALED(aborted.status) && WTERMSIG(aborted.status) == SIGABRT);
  CHECK(aborted.log.find("program: no more") != std::string::npos);
  const Ending trapped = ending_of([] {
    on_workers([](void*, u64, u64) {
      if (platform::core_index() != 0) __builtin_trap();
      pass_time(1'000'000);
    });
  });
  CHECK(WIFSIGNALED(trapped.status) && WTERMSIG(trapped.status) == SIGILL);
}

// Where the system has no memory for more threads, those that there are do the work.
void check_too_few_threads() {
  const Ending ending = ending_of([] {
    const rlimit no_more_memory = {1 << 20, RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &no_more_memory);
    check_ranges(100);
    const rlimit all_memory = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &all_memory);
    _exit(test::failures == 0 && workers::core_count() == 1 ? 0 : 1);
  });
  CHECK(WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 0);
  CHECK(ending.log.find("[cores] 1 of ") != std::string::npos);
}

}  // namespace

int main(int count, char** words) {
  test::start("workers-test", count, words);
  // In processes of their own, which start their own workers. ThreadSanitizer has other ways to end
  // one, and needs memory of its own.
  if (platform::core_count() > 1 && !kSanitized) {
    check_failures();
    check_too_few_threads();
  }
  const u32 cores = workers::core_count();
  CHECK(cores == platform::core_count());
  check_ranges(1000);
  workers::share_all(true);
  check_ranges(count > 2 ? std::strtoull(words[2], nullptr, 10) : 20'000);
  check_large_range();
  if (cores > 1)
    for (int i = 0; i < 20; ++i) check_stuck_core();
  const workers::Counts counts = workers::counts();
  if (cores == 1)
    CHECK(counts.ranges == 0 && counts.pieces == 0);
  else
    CHECK(counts.ranges > 0 && counts.pieces > counts.ranges && counts.sleeps > 0);
  std::printf("%u cores: %lu ranges, %lu pieces, %lu of them stolen, %lu sleeps\n", cores,
              counts.ranges, counts.pieces, counts.stolen, counts.sleeps);
  return test::failures == 0 ? 0 : 1;
}
