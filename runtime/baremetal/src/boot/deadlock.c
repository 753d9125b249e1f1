#include "../devices/console.h"
#include "../threads/thread.h"
#include "tfport/baremetal.h"

enum { DEADLOCK = 125 };

/* Only a thread or the clock wakes threads, so this cannot end. A firmware with interrupts that
 * wake threads replaces it by a function that returns. */
__attribute__((weak)) void tfport_bm_deadlock(void) {
  unsigned waiting = 0;
  for (unsigned slot = 0; slot <= BOARD_THREADS; slot++)
    if (tfport_bm_threads[slot].state == THREAD_WAITING) waiting++;
  tfport_bm_report("tfport: deadlock: all %u threads wait for each other\n", waiting);
  tfport_bm_exit(DEADLOCK);
}
