#include <pthread.h>
#include <pthreadpool.h>
#include <stdio.h>

enum { kAllowed = 2 };  // of the three worker threads of a pool of four
static pthread_t workers[kAllowed];
static int created, joined;
static unsigned char done[1000];

static int create(void* context, void* (*entry)(void*), void* argument, void** handle) {
  (void)context;
  if (created == kAllowed) return -1;
  *handle = &workers[created];
  return pthread_create(&workers[created++], NULL, entry, argument);
}

static void join(void* context, void* handle) {
  (void)context;
  ++joined;
  pthread_join(*(pthread_t*)handle, NULL);
}

static void mark(void* context, size_t i) { ((unsigned char*)context)[i]++; }

int main(void) {
  const struct pthreadpool_thread_hooks hooks = {create, join, NULL};
  pthreadpool_set_thread_hooks(&hooks);
  pthreadpool_t pool = pthreadpool_create(4);
  const size_t threads = pthreadpool_get_threads_count(pool);
  pthreadpool_parallelize_1d(pool, mark, done, 1000, 0);
  pthreadpool_destroy(pool);

  int wrong = 0;
  for (int i = 0; i < 1000; ++i) wrong += done[i] != 1;
  printf("%zu threads, %d created, %d joined, %d items wrong\n", threads, created, joined, wrong);
  return threads == 3 && joined == kAllowed && wrong == 0 ? 0 : 1;
}
