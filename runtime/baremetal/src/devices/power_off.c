/* How the machine is switched off. */
#include "../board_map.h"
#include "psci.h"
#include "tfport/baremetal.h"

__attribute__((weak)) void tfport_bm_power_off(void) {
#if defined(BOARD_POWER_OFF_PSCI_HVC)
  PSCI_CALL("hvc #0", PSCI_SYSTEM_OFF, 0, 0, 0);
#elif defined(BOARD_POWER_OFF_PSCI_SMC)
  PSCI_CALL("smc #0", PSCI_SYSTEM_OFF, 0, 0, 0);
#elif defined(BOARD_POWER_OFF_BCM2835_WATCHDOG)
  /* A reset into partition 63 is what its boot loader takes for "stay off". */
  volatile uint32_t* control = (volatile uint32_t*)(BOARD_POWER_OFF_BASE + 0x1c);
  volatile uint32_t* status = (volatile uint32_t*)(BOARD_POWER_OFF_BASE + 0x20);
  volatile uint32_t* watchdog = (volatile uint32_t*)(BOARD_POWER_OFF_BASE + 0x24);
  const uint32_t password = 0x5a000000u;
  *status = password | 0x555;
  *watchdog = password | 1;
  *control = password | 0x20;
#endif
}
