// Cores of the host: the program's threads, with core-local words of their own. They are
// interrupted by SIGURG, which is ignored where nobody asked for it and which debuggers pass on in
// silence.
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>

#include "arch/host/bring_up.h"
#include "runtime/options.h"
#include "runtime/platform.h"

namespace bf {

namespace {

constexpr u32 kMostCores = 64;
u32 wanted_cores = 0;  // 0: as many as this process may use

}  // namespace

usize host::processor_count() {
  cpu_set_t set;
  const bool known = sched_getaffinity(0, sizeof set, &set) == 0;
  const auto count = known ? static_cast<usize>(CPU_COUNT(&set)) : usize{1};
  return count < kMostCores ? count : kMostCores;
}

Result<void> host::count_cores() {
  const auto text = options::find("threads");
  wanted_cores = 0;
  if (!text) return {};
  const char* const end = text->data() + text->size();
  const auto [stop, problem] = std::from_chars(text->data(), end, wanted_cores);
  if (problem == std::errc() && stop == end && wanted_cores >= 1 && wanted_cores <= kMostCores)
    return {};
  return Error::format("error: threads=%.*s: use a number from 1 to %u",
                       static_cast<int>(text->size()), text->data(), kMostCores);
}

namespace platform {

namespace {

// In the block of thread-local storage that every thread has from its start, so its distance from
// FS is the same in all of them.
[[gnu::tls_model("local-exec")]] constinit thread_local CoreLocal local;
thread_local StackBounds stack;
thread_local u32 index = 0;

i64 distance_from_fs() {
  u64 self;
  asm("movq %%fs:0, %0" : "=r"(self));
  return static_cast<i64>(reinterpret_cast<u64>(&local) - self);
}

void (*interrupt_hook)() = nullptr;
void (*core_end_hook)() = nullptr;

void on_interrupt(int) {
  const int saved = errno;
  interrupt_hook();
  errno = saved;
}

// The destructor of this key's value runs on a thread that ends.
pthread_key_t end_key() {
  static const pthread_key_t key = [] {
    pthread_key_t k;
    pthread_key_create(&k, [](void*) { core_end_hook(); });
    return k;
  }();
  return key;
}

// ---- Threads

constexpr usize kStackBytes = usize{8} << 20;  // as much as the first thread has, usually

struct ThreadStart {
  void (*body)(void*);
  void* context;
  u32 index;  // of a worker; 0 for those that do not run the program's code
};

// The program's signals are the program's threads' business. A worker is interrupted as they are,
// and what it does wrong itself ends the process in the same way.
sigset_t signals_kept_out(bool worker) {
  sigset_t set;
  sigfillset(&set);
  if (worker)
    for (const int let_in : {SIGURG, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT})
      sigdelset(&set, let_in);
  return set;
}

void* run_thread(void* argument) {
  const ThreadStart mine = *static_cast<ThreadStart*>(argument);
  delete static_cast<ThreadStart*>(argument);
  index = mine.index;
  mine.body(mine.context);
  return nullptr;
}

bool start_thread(const ThreadStart& wanted, ExtraCore& core) {
  auto* start = new ThreadStart(wanted);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  const sigset_t kept_out = signals_kept_out(wanted.index != 0);
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &kept_out, &before);
  pthread_t thread;
  const int failed = pthread_create(&thread, &attributes, run_thread, start);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (failed != 0) {
    delete start;
    return false;
  }
  core.name = static_cast<u64>(thread);
  return true;
}

}  // namespace

i64 core_local_offset = distance_from_fs();

u32 core_count() {
  if (wanted_cores == 0) wanted_cores = static_cast<u32>(host::processor_count());
  return wanted_cores;
}

u32 core_index() {
  return index;
}

u32 processor_number() {
  const int number = sched_getcpu();
  return number < 0 ? index : static_cast<u32>(number);
}

void yield() {
  sched_yield();
}

StackBounds stack_bounds() {
  if (stack.high == nullptr) {
    pthread_attr_t facts;
    if (pthread_getattr_np(pthread_self(), &facts) != 0) return {};
    void* low = nullptr;
    usize bytes = 0;
    if (pthread_attr_getstack(&facts, &low, &bytes) == 0)
      stack = {static_cast<const u8*>(low), static_cast<const u8*>(low) + bytes};
    pthread_attr_destroy(&facts);
  }
  return stack;
}

CoreName core_name() {
  if (core_end_hook != nullptr) pthread_setspecific(end_key(), &local);
  return static_cast<CoreName>(pthread_self());
}

void set_interrupt_hook(void (*hook)()) {
  interrupt_hook = hook;
  struct sigaction action = {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  sigaction(SIGURG, &action, nullptr);
}

void interrupt_core(CoreName core) {
  pthread_kill(static_cast<pthread_t>(core), SIGURG);
}

void set_core_end_hook(void (*hook)()) {
  core_end_hook = hook;
}

bool start_core(void (*body)(void*), void* context, ExtraCore& core) {
  return start_thread({body, context, 0}, core);
}

bool start_worker(u32 worker, void (*body)(void*), void* context, ExtraCore& core) {
  return start_thread({body, context, worker}, core);
}

void join_core(ExtraCore core) {
  pthread_join(static_cast<pthread_t>(core.name), nullptr);
}

void wait_while(const void* word, u32 value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

void wake(const void* word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace platform

}  // namespace bf
