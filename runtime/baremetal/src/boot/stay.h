#ifndef TFPORT_BM_STAY_H_
#define TFPORT_BM_STAY_H_

/* Stops the core for good, counted as waiting. */
void tfport_bm_stay(void) __attribute__((noreturn));

#endif
