// Threads: start routines, joins, atomics, a mutex, thread-local variables.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_int ready;
static atomic_ulong total;
static _Thread_local int mine = 3;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long guarded;

static void *work(void *argument) {
  const long id = (long)argument;
  atomic_fetch_add(&ready, 1);
  for (int i = 0; i < 2000; ++i) {
    atomic_fetch_add_explicit(&total, (unsigned long)(id + i), memory_order_relaxed);
    mine += i & 1;
    __asm__ volatile(".p2align 4\n\trep; nop\n\tmfence  # waits" ::: "memory");
    if (i % 16 == 0) {
      pthread_mutex_lock(&lock);
      guarded += id;
      pthread_mutex_unlock(&lock);
    }
  }
  return (void *)(long)mine;
}
int main(void) {
  pthread_t threads[4];
  for (long i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, work, (void *)(i + 1));
  for (int i = 0; i < 4; ++i) {
    void *result;
    pthread_join(threads[i], &result);
    printf("%ld\n", (long)result);
  }
  printf("%d %lu %ld %d\n", ready, total, guarded, mine);
  return 0;
}
