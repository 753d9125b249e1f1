/* The locks that newlib asks for. The holder never waits, so spinning is enough. */
#include <envlock.h>
#include <malloc.h>
#include <reent.h>

#include "../threads/thread.h"

/* A spin lock that its holder may take again. */
struct recursive {
  struct spin spin;
  struct thread* owner;
  unsigned depth;
};

static void lock(struct recursive* lock) {
  struct thread* self = this_thread;
  if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != self) {
    spin_lock(&lock->spin);
    __atomic_store_n(&lock->owner, self, __ATOMIC_RELAXED);
  }
  lock->depth++;
}

static void unlock(struct recursive* lock) {
  if (--lock->depth > 0) return;
  __atomic_store_n(&lock->owner, (struct thread*)0, __ATOMIC_RELAXED);
  spin_unlock(&lock->spin);
}

static struct recursive heap, environment, time_zone, file_table;

void __malloc_lock(struct _reent* state) {
  (void)state;
  lock(&heap);
}

void __malloc_unlock(struct _reent* state) {
  (void)state;
  unlock(&heap);
}

void __env_lock(struct _reent* state) {
  (void)state;
  lock(&environment);
}

void __env_unlock(struct _reent* state) {
  (void)state;
  unlock(&environment);
}

void __tz_lock(void) { lock(&time_zone); }
void __tz_unlock(void) { unlock(&time_zone); }

void __sfp_lock_acquire(void) { lock(&file_table); }
void __sfp_lock_release(void) { unlock(&file_table); }
void __sinit_lock_acquire(void) { lock(&file_table); }
void __sinit_lock_release(void) { unlock(&file_table); }
