/* The end of the program. */
#include "../devices/console.h"
#include "../spin.h"
#include "stay.h"
#include "tfport/baremetal.h"

enum { SYS_EXIT_EXTENDED = 0x20, APPLICATION_EXIT = 0x20026 };

WAITS void tfport_bm_stay(void) {
  for (;;) __asm volatile("wfi");
}

__attribute__((weak)) void tfport_bm_exit(int status) {
  tfport_bm_console_seize(); /* the verdict is the last line */
  tfport_bm_console_one();
  tfport_bm_report("tfport: exit %d\n", status);
  if (tfport_bm_semihosting()) {
    const uint32_t reason[2] = {APPLICATION_EXIT, (uint32_t)status};
    tfport_bm_semihosting_call(SYS_EXIT_EXTENDED, reason);
  }
  tfport_bm_power_off();
  tfport_bm_stay();
}
