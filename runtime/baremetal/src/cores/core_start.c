/* How another core is woken. */
#include "../board_map.h"
#include "../devices/psci.h"
#include "../spin.h"
#include "tfport/baremetal.h"

__attribute__((weak)) int tfport_bm_core_start(unsigned core, uintptr_t entry) {
#if defined(BOARD_CORE_START_PSCI_HVC) || defined(BOARD_CORE_START_PSCI_SMC)
  uint32_t affinity;
  __asm("mrc p15, 0, %0, c0, c0, 5" : "=r"(affinity));
  affinity = (affinity & 0x00ffff00) | core;
#endif
#if defined(BOARD_CORE_START_PSCI_HVC)
  return PSCI_CALL("hvc #0", PSCI_CPU_ON, affinity, entry, 0);
#elif defined(BOARD_CORE_START_PSCI_SMC)
  return PSCI_CALL("smc #0", PSCI_CPU_ON, affinity, entry, 0);
#elif defined(BOARD_CORE_START_BCM2836_MAILBOX)
  /* Mailbox 3 of the core, which reset.S or the board's firmware waits for. */
  *(volatile uint32_t*)(BOARD_CORE_START_BASE + 0x8c + core * 16) = entry;
  send_event();
  return 0;
#else
  (void)core, (void)entry;
  return -1;
#endif
}
