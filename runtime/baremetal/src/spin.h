/* A spin lock. Whoever holds one must not wait for anything else than another spin lock. It does
 * not queue: a core that an emulator or a debugger holds up must not hold up those behind it.
 */
#ifndef TFPORT_BM_SPIN_H_
#define TFPORT_BM_SPIN_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct spin {
  uint32_t taken;
};

/* Code that waits lies in a section of its own, so that it can be told from code that works. */
#define WAITS __attribute__((noinline, section(".text.tfport_bm_idle")))

/* Waits until *word is `value`. */
void tfport_bm_spin_until(const uint32_t* word, uint32_t value);

static inline void send_event(void) { __asm volatile("dsb ish\n\tsev" ::: "memory"); }
static inline void wait_for_event(void) { __asm volatile("wfe" ::: "memory"); }

static inline void spin_lock(struct spin* lock) {
  while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
    tfport_bm_spin_until(&lock->taken, 0);
}

static inline void spin_unlock(struct spin* lock) {
  __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
  send_event();
}

#ifdef __cplusplus
}
#endif

#endif
