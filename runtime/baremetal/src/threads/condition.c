/* Condition variables. newlib's pthread_cond_t is one word: bit 31 says that timeouts are on the
 * monotonic clock, the rest counts who waits. PTHREAD_COND_INITIALIZER, all ones, stands for nobody
 * and the realtime clock.
 */
#include <errno.h>

#include "../libc/clock.h"
#include "mutex.h"
#include "thread.h"

#define MONOTONIC 0x80000000u
#define FRESH _PTHREAD_COND_INITIALIZER

static uint32_t load(const pthread_cond_t* condition) {
  uint32_t word = __atomic_load_n(condition, __ATOMIC_ACQUIRE);
  return word == FRESH ? 0 : word;
}

static void store(pthread_cond_t* condition, uint32_t word) {
  __atomic_store_n(condition, word, __ATOMIC_RELEASE);
}

static int wait_until(pthread_cond_t* condition, pthread_mutex_t* mutex, uint64_t deadline) {
  spin_lock(&tfport_bm_scheduler);
  /* Counted before the mutex is free: who changes the condition under it sees that somebody waits.
   */
  store(condition, load(condition) + 1);
  int error = tfport_bm_mutex_release(mutex);
  bool woken = error ? false : tfport_bm_wait(condition, deadline);
  if (!woken) store(condition, load(condition) - 1);
  spin_unlock(&tfport_bm_scheduler);
  if (error) return error;
  error = pthread_mutex_lock(mutex);
  return error ? error : woken ? 0 : ETIMEDOUT;
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  return wait_until(condition, mutex, NO_DEADLINE);
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const struct timespec* time) {
  if (time->tv_nsec < 0 || time->tv_nsec >= 1000000000) return EINVAL;
  clockid_t clock = load(condition) & MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME;
  return wait_until(condition, mutex, tfport_bm_deadline(clock, time));
}

static int wake(pthread_cond_t* condition, unsigned count) {
  if ((load(condition) & ~MONOTONIC) == 0) return 0;
  spin_lock(&tfport_bm_scheduler);
  unsigned woken = tfport_bm_wake(condition, count);
  store(condition, load(condition) - woken);
  spin_unlock(&tfport_bm_scheduler);
  return 0;
}

int pthread_cond_signal(pthread_cond_t* condition) { return wake(condition, 1); }

int pthread_cond_broadcast(pthread_cond_t* condition) { return wake(condition, UINT32_MAX); }

int pthread_cond_init(pthread_cond_t* condition, const pthread_condattr_t* attributes) {
  *condition = attributes && attributes->clock == CLOCK_MONOTONIC ? MONOTONIC : 0;
  return 0;
}

int pthread_cond_destroy(pthread_cond_t* condition) {
  return load(condition) & ~MONOTONIC ? EBUSY : 0;
}

int pthread_condattr_init(pthread_condattr_t* attributes) {
  *attributes = (pthread_condattr_t){.is_initialized = 1, .clock = CLOCK_REALTIME};
  return 0;
}

int pthread_condattr_destroy(pthread_condattr_t* attributes) {
  attributes->is_initialized = 0;
  return 0;
}

int pthread_condattr_setclock(pthread_condattr_t* attributes, clockid_t clock) {
  if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) return EINVAL;
  attributes->clock = clock;
  return 0;
}

int pthread_condattr_getclock(const pthread_condattr_t* restrict attributes,
                              clockid_t* restrict clock) {
  *clock = attributes->clock;
  return 0;
}
