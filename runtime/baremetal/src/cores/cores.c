/* The cores: all but the first sleep until the program makes its first thread. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "../boot/stay.h"
#include "../devices/console.h"
#include "../threads/thread.h"
#include "tfport/baremetal.h"

enum { ASLEEP, STARTING, UP, COUNTED, GIVEN_UP };

static uint32_t states[BOARD_CORES];
static struct thread idle_threads[BOARD_CORES];
static unsigned wanted = BOARD_CORES;
static uint32_t running = 1;
static pthread_once_t started = PTHREAD_ONCE_INIT;

void tfport_bm_secondary_reset(void);

unsigned tfport_bm_core(void) { return tfport_bm_this_core.id; }

unsigned tfport_bm_running_cores(void) { return __atomic_load_n(&running, __ATOMIC_ACQUIRE); }

void tfport_bm_enter_core(unsigned core) {
  struct thread* idle = &idle_threads[core];
  idle->state = THREAD_RUNNING;
  tfport_bm_this_core = (struct core){.current = idle, .idle = idle, .id = core};
  _impure_ptr = &idle->reent;
  set_thread_pointer(0);
}

static bool move(unsigned core, uint32_t from, uint32_t to) {
  return __atomic_compare_exchange_n(&states[core], &from, to, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

/* Where a woken core comes to C, with its MMU on. */
void tfport_bm_core_main(unsigned core) {
  if (core >= BOARD_CORES || !move(core, STARTING, UP))
    tfport_bm_stay(); /* nobody counts on it any more */
  tfport_bm_enter_core(core);
  send_event();
  tfport_bm_spin_until(&states[core], COUNTED); /* an idle core that is not would be a deadlock */
  tfport_bm_idle();
}

WAITS static bool came_up(unsigned core, uint64_t deadline) {
  while (__atomic_load_n(&states[core], __ATOMIC_ACQUIRE) != UP) {
    if (tfport_bm_ticks() >= deadline) return false;
    wait_for_event();
  }
  return true;
}

static void start(unsigned core) {
  const unsigned limit = BOARD_CORE_START_MS;
  __atomic_store_n(&states[core], STARTING, __ATOMIC_RELEASE);
  int error = tfport_bm_core_start(core, (uintptr_t)tfport_bm_secondary_reset & ~1u);
  if (error) {
    states[core] = GIVEN_UP;
    tfport_bm_report("tfport: core %u did not start (error %d)\n", core, error);
    return;
  }
  uint64_t deadline = tfport_bm_ticks() + (uint64_t)limit * tfport_bm_ticks_per_second() / 1000;
  if (!came_up(core, deadline) && move(core, STARTING, GIVEN_UP)) {
    tfport_bm_report("tfport: core %u did not start within %u ms\n", core, limit);
    return;
  }
  __atomic_fetch_add(&running, 1, __ATOMIC_ACQ_REL);
  __atomic_store_n(&states[core], COUNTED, __ATOMIC_RELEASE);
  send_event();
}

static void start_all(void) {
  for (unsigned core = 1; core < wanted; core++) start(core);
  if (running < wanted)
    tfport_bm_report("tfport: goes on with %u of %u cores\n", (unsigned)running, wanted);
}

unsigned tfport_bm_cores(void) {
  pthread_once(&started, start_all);
  return tfport_bm_running_cores();
}

int tfport_bm_set_cores(unsigned cores) {
  if (cores == 0 || cores > BOARD_CORES) return EINVAL;
  if (started.init_executed) return EBUSY;
  wanted = cores;
  return 0;
}
