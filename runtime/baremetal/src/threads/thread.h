/* A thread, a core, and the scheduler that brings them together.
 *
 * Scheduling is cooperative: a thread runs until it waits, yields or ends, and then its core takes
 * the next one that can run. There are no interrupts. One lock guards all of the scheduler's state;
 * it is held across a switch and released by whoever comes out on the other side.
 */
#ifndef TFPORT_BM_THREAD_H_
#define TFPORT_BM_THREAD_H_

#include <pthread.h>
#include <reent.h>
#include <stdbool.h>
#include <stdint.h>

#include "../board_map.h"
#include "../spin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define THREAD_KEYS 64
#define NO_DEADLINE UINT64_MAX
#define CORE_LOCAL __attribute__((section(".core_local")))

enum thread_state { THREAD_FREE, THREAD_READY, THREAD_RUNNING, THREAD_WAITING, THREAD_ENDED };

/* The exception state of libsupc++, by its ABI. */
struct exception_globals {
  void* caught;
  unsigned uncaught;
  void* propagating;
};

struct thread_destructor {
  void (*run)(void*);
  void* object;
  struct thread_destructor* next;
};

struct thread {
  uint32_t sp; /* saved while it does not run; first, for switch.S */
  void* tls;   /* what TPIDRURO holds while it runs */
  struct thread* next;
  const void* waits_for;
  uint64_t deadline; /* in ticks */
  bool timed_out;
  bool detached;
  bool joined;
  uint8_t state;
  uint16_t generation; /* tells a thread from one that had its slot before */
  void* (*entry)(void*);
  void* argument; /* and later the result */
  char name[16];
  struct exception_globals exceptions;
  struct thread_destructor* destructors;
  const void* specific[THREAD_KEYS];
  struct _reent reent;
};

/* Slot 0 is the thread of main(). */
extern struct thread tfport_bm_threads[1 + BOARD_THREADS];

/* What a core knows of itself; every core has its own copy at the same address. A value read from
 * here holds until the next call that can wait. */
struct core {
  struct thread* current;
  struct thread* idle;
  unsigned id;
  unsigned faults;
  bool printing;
};
extern CORE_LOCAL struct core tfport_bm_this_core;
#define this_thread (tfport_bm_this_core.current)

extern struct spin tfport_bm_scheduler;

/* ---- With the scheduler's lock held ---- */

/* Makes a thread able to run. */
void tfport_bm_make_ready(struct thread* thread);
/* Lets the calling thread wait until somebody wakes `key`. False when `deadline` came first. */
bool tfport_bm_wait(const void* key, uint64_t deadline);
/* Wakes up to `count` of those that wait for `key`, the longest wait first; says how many. */
unsigned tfport_bm_wake(const void* key, unsigned count);
/* How many wait for `key`. */
unsigned tfport_bm_waiting(const void* key);
/* Gives the core to the next thread. The caller has put itself where it belongs. */
void tfport_bm_switch_away(void);

/* ---- Without it ---- */

/* The life of a core that has no thread; does not return. */
void tfport_bm_idle(void) __attribute__((noreturn));
/* Lays out stack and thread_locals in the memory of a slot. */
void tfport_bm_prepare_thread(struct thread* thread, char* stack, size_t size);
/* What the end of a thread destroys: its thread_locals, then its values of keys. */
void tfport_bm_run_thread_destructors(void);
void tfport_bm_run_key_destructors(void);
/* Ends the calling thread. */
void tfport_bm_end_thread(void* result) __attribute__((noreturn));
/* Bottom and size of a thread's stack. */
char* tfport_bm_stack_of(unsigned slot, size_t* size);

/* Exchanges contexts; returns when somebody switches back. */
void tfport_bm_switch(struct thread* from, struct thread* to);
void tfport_bm_thread_start(void);

/* How many cores are up. */
unsigned tfport_bm_running_cores(void);

/* Makes the calling core what the scheduler takes it for: core `core`, idle. */
void tfport_bm_enter_core(unsigned core);

/* Called by the idle core that finds that no thread can ever run again. */
void tfport_bm_deadlock(void);

static inline void set_thread_pointer(void* tls) {
  __asm volatile("mcr p15, 0, %0, c13, c0, 3" ::"r"(tls) : "memory");
}

#ifdef __cplusplus
}
#endif

#endif
