/* Between timespec and the ticks of the machine's counter. */
#ifndef TFPORT_BM_CLOCK_H_
#define TFPORT_BM_CLOCK_H_

#include <stdint.h>
#include <time.h>

/* The tick at which `clock` shows `time`. */
uint64_t tfport_bm_deadline(clockid_t clock, const struct timespec* time);

#endif
