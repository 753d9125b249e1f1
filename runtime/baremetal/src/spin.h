/* A fair spin lock. Whoever holds one must not wait for anything else than another spin lock. */
#ifndef TFPORT_BM_SPIN_H_
#define TFPORT_BM_SPIN_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct spin {
  uint32_t next;
  uint32_t serving;
};

/* Code that waits lies in a section of its own, so that it can be told from code that works. */
#define WAITS __attribute__((noinline, section(".text.tfport_bm_idle")))

/* Waits until *word is `value`. */
void tfport_bm_spin_until(const uint32_t* word, uint32_t value);

static inline void send_event(void) { __asm volatile("dsb ish\n\tsev" ::: "memory"); }
static inline void wait_for_event(void) { __asm volatile("wfe" ::: "memory"); }

static inline void spin_lock(struct spin* lock) {
  uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
  if (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket)
    tfport_bm_spin_until(&lock->serving, ticket);
}

static inline void spin_unlock(struct spin* lock) {
  __atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
  send_event();
}

#ifdef __cplusplus
}
#endif

#endif
