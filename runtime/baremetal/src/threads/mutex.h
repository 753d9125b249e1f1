/* What a condition variable needs of a mutex. */
#ifndef TFPORT_BM_MUTEX_H_
#define TFPORT_BM_MUTEX_H_

#include <pthread.h>

/* Releases a mutex of the calling thread with the scheduler's lock held. Returns 0, or EPERM when
 * it is another's. */
int tfport_bm_mutex_release(pthread_mutex_t* mutex);

#endif
