/* Calls to the firmware by the Power State Coordination Interface. */
#ifndef TFPORT_BM_PSCI_H_
#define TFPORT_BM_PSCI_H_

#include <stdint.h>

#define PSCI_SYSTEM_OFF 0x84000008u
#define PSCI_CPU_ON 0x84000003u

/* `conduit` is the instruction that reaches the firmware. */
#define PSCI_CALL(conduit, function, a, b, c)                                \
  ({                                                                         \
    register uint32_t r0 __asm("r0") = (function);                           \
    register uint32_t r1 __asm("r1") = (a);                                  \
    register uint32_t r2 __asm("r2") = (b);                                  \
    register uint32_t r3 __asm("r3") = (c);                                  \
    __asm volatile(".arch_extension virt\n\t.arch_extension sec\n\t" conduit \
                   : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)                  \
                   :                                                         \
                   : "r12", "memory");                                       \
    (int32_t) r0;                                                            \
  })

#endif
