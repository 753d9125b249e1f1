/* Readers and writers. newlib's pthread_rwlock_t is one word: the number of readers, or WRITER.
 * PTHREAD_RWLOCK_INITIALIZER, all ones, stands for free. Readers do not wait for writers that wait.
 */
#include <errno.h>

#include "../libc/clock.h"
#include "thread.h"

#define WRITER 0x80000000u
#define FRESH _PTHREAD_RWLOCK_INITIALIZER

static int try_lock(pthread_rwlock_t* lock, bool write) {
  uint32_t word = *lock == FRESH ? 0 : *lock;
  if (write ? word != 0 : (word & WRITER) != 0) return EBUSY;
  *lock = write ? WRITER : word + 1;
  return 0;
}

static int lock_until(pthread_rwlock_t* lock, bool write, uint64_t deadline) {
  int result;
  spin_lock(&tfport_bm_scheduler);
  while ((result = try_lock(lock, write)) == EBUSY)
    if (!tfport_bm_wait(lock, deadline)) {
      result = try_lock(lock, write) ? ETIMEDOUT : 0;
      break;
    }
  spin_unlock(&tfport_bm_scheduler);
  return result;
}

static int lock_now(pthread_rwlock_t* lock, bool write) {
  spin_lock(&tfport_bm_scheduler);
  int result = try_lock(lock, write);
  spin_unlock(&tfport_bm_scheduler);
  return result;
}

int pthread_rwlock_rdlock(pthread_rwlock_t* lock) { return lock_until(lock, false, NO_DEADLINE); }
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) { return lock_until(lock, true, NO_DEADLINE); }
int pthread_rwlock_tryrdlock(pthread_rwlock_t* lock) { return lock_now(lock, false); }
int pthread_rwlock_trywrlock(pthread_rwlock_t* lock) { return lock_now(lock, true); }

int pthread_rwlock_timedrdlock(pthread_rwlock_t* lock, const struct timespec* time) {
  return lock_until(lock, false, tfport_bm_deadline(CLOCK_REALTIME, time));
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t* lock, const struct timespec* time) {
  return lock_until(lock, true, tfport_bm_deadline(CLOCK_REALTIME, time));
}

int pthread_rwlock_unlock(pthread_rwlock_t* lock) {
  spin_lock(&tfport_bm_scheduler);
  bool held = *lock != FRESH && *lock != 0;
  if (held) {
    *lock = *lock == WRITER ? 0 : *lock - 1;
    if (*lock == 0) tfport_bm_wake(lock, UINT32_MAX);
  }
  spin_unlock(&tfport_bm_scheduler);
  return held ? 0 : EPERM;
}

int pthread_rwlock_init(pthread_rwlock_t* lock, const pthread_rwlockattr_t* attributes) {
  (void)attributes;
  *lock = 0;
  return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t* lock) {
  return *lock == FRESH || *lock == 0 ? 0 : EBUSY;
}
