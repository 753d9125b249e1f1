/* The ARM generic timer's virtual counter. */
#include "../board_map.h"
#include "../spin.h"
#include "tfport/baremetal.h"

/* Among the code that waits: waiting for a deadline is reading this. */
__attribute__((weak)) WAITS uint64_t tfport_bm_ticks(void) {
  uint64_t ticks;
  __asm volatile("isb\n\tmrrc p15, 1, %Q0, %R0, c14" : "=r"(ticks)::"memory");
  return ticks;
}

__attribute__((weak)) uint32_t tfport_bm_ticks_per_second(void) {
#if BOARD_TIMER_HZ
  return BOARD_TIMER_HZ;
#else
  uint32_t frequency;
  __asm("mrc p15, 0, %0, c14, c0, 0" : "=r"(frequency));
  return frequency;
#endif
}
