/* Mutexes. newlib's pthread_mutex_t is one word, which is all the state that there is:
 *   bits 0-7   slot of the owner plus one, 0 when free
 *   bits 8-23  how often a recursive mutex is locked beyond the first time
 *   bit 24     somebody may wait
 *   bits 28-29 type
 * PTHREAD_MUTEX_INITIALIZER, all ones, stands for a free mutex of the normal type.
 */
#include "mutex.h"

#include <errno.h>

#include "../libc/clock.h"
#include "thread.h"

#define OWNER 0xffu
#define DEPTH_ONE 0x100u
#define DEPTH 0xffff00u
#define WAITERS 0x1000000u
#define TYPE_SHIFT 28
#define FRESH _PTHREAD_MUTEX_INITIALIZER

_Static_assert(BOARD_THREADS < OWNER, "a mutex has eight bits for its owner");

static uint32_t own_slot(void) { return (uint32_t)(this_thread - tfport_bm_threads) + 1; }

static uint32_t load(const pthread_mutex_t* mutex) {
  return __atomic_load_n(mutex, __ATOMIC_RELAXED);
}

static bool replace(pthread_mutex_t* mutex, uint32_t old, uint32_t new, int order) {
  return __atomic_compare_exchange_n(mutex, &old, new, false, order, __ATOMIC_RELAXED);
}

/* 0, EBUSY when another thread has it, or an answer that is final. */
static int try_lock(pthread_mutex_t* mutex) {
  for (;;) {
    uint32_t word = load(mutex), self = own_slot();
    uint32_t known = word == FRESH ? 0 : word;
    if ((known & OWNER) == 0) {
      if (replace(mutex, word, known | self, __ATOMIC_ACQUIRE)) return 0;
      continue;
    }
    if ((known & OWNER) != self) return EBUSY;
    switch (known >> TYPE_SHIFT) {
      case PTHREAD_MUTEX_RECURSIVE:
        if ((known & DEPTH) == DEPTH) return EAGAIN;
        if (replace(mutex, word, known + DEPTH_ONE, __ATOMIC_RELAXED)) return 0;
        continue;
      case PTHREAD_MUTEX_ERRORCHECK:
        return EDEADLK;
      default:
        return EBUSY;
    }
  }
}

static int lock_until(pthread_mutex_t* mutex, uint64_t deadline) {
  int result = try_lock(mutex);
  if (result != EBUSY) return result;
  spin_lock(&tfport_bm_scheduler);
  while ((result = try_lock(mutex)) == EBUSY) {
    uint32_t word = load(mutex);
    if ((word & OWNER) == 0 || word == FRESH) continue;
    if (!(word & WAITERS) && !replace(mutex, word, word | WAITERS, __ATOMIC_RELAXED)) continue;
    if (!tfport_bm_wait(mutex, deadline)) {
      result = try_lock(mutex);
      if (result == EBUSY) result = ETIMEDOUT;
      break;
    }
  }
  spin_unlock(&tfport_bm_scheduler);
  return result;
}

int pthread_mutex_lock(pthread_mutex_t* mutex) { return lock_until(mutex, NO_DEADLINE); }

int pthread_mutex_timedlock(pthread_mutex_t* mutex, const struct timespec* time) {
  return lock_until(mutex, tfport_bm_deadline(CLOCK_REALTIME, time));
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) {
  int result = try_lock(mutex);
  return result == EDEADLK ? EBUSY : result;
}

/* The word after one release, for a mutex that the caller owns. */
static uint32_t released(uint32_t word) {
  return word & DEPTH ? word - DEPTH_ONE : word & ~(OWNER | WAITERS);
}

int tfport_bm_mutex_release(pthread_mutex_t* mutex) {
  for (;;) {
    uint32_t word = load(mutex);
    if (word == FRESH || (word & OWNER) != own_slot()) return EPERM;
    uint32_t free = released(word);
    bool wake = (word & WAITERS) && !(word & DEPTH);
    if (wake && tfport_bm_waiting(mutex) > 1) free |= WAITERS;
    if (!replace(mutex, word, free, __ATOMIC_RELEASE)) continue;
    if (wake) tfport_bm_wake(mutex, 1);
    return 0;
  }
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) {
  for (;;) {
    uint32_t word = load(mutex);
    if (word == FRESH || (word & OWNER) != own_slot()) return EPERM;
    if (word & WAITERS) break;
    if (replace(mutex, word, released(word), __ATOMIC_RELEASE)) return 0;
  }
  spin_lock(&tfport_bm_scheduler);
  int result = tfport_bm_mutex_release(mutex);
  spin_unlock(&tfport_bm_scheduler);
  return result;
}

int pthread_mutex_init(pthread_mutex_t* mutex, const pthread_mutexattr_t* attributes) {
  int type = attributes ? attributes->type : PTHREAD_MUTEX_NORMAL;
  if (type == PTHREAD_MUTEX_DEFAULT) type = PTHREAD_MUTEX_NORMAL;
  *mutex = (uint32_t)type << TYPE_SHIFT;
  return 0;
}

int pthread_mutex_destroy(pthread_mutex_t* mutex) {
  return *mutex != FRESH && (*mutex & OWNER) ? EBUSY : 0;
}

int pthread_mutexattr_init(pthread_mutexattr_t* attributes) {
  *attributes = (pthread_mutexattr_t){.is_initialized = 1, .type = PTHREAD_MUTEX_NORMAL};
  return 0;
}

int pthread_mutexattr_destroy(pthread_mutexattr_t* attributes) {
  attributes->is_initialized = 0;
  return 0;
}

int pthread_mutexattr_settype(pthread_mutexattr_t* attributes, int type) {
  if (type < PTHREAD_MUTEX_NORMAL || type > PTHREAD_MUTEX_DEFAULT) return EINVAL;
  attributes->type = type;
  return 0;
}

int pthread_mutexattr_gettype(const pthread_mutexattr_t* attributes, int* type) {
  *type = attributes->type;
  return 0;
}
