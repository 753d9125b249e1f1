#include "tfport/baremetal.h"

/* There is no clock that runs while the machine is off. */
__attribute__((weak)) int64_t tfport_bm_epoch(void) { return 0; }
