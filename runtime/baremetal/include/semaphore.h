/* POSIX semaphores within one image; newlib has none. */
#ifndef TFPORT_SEMAPHORE_H
#define TFPORT_SEMAPHORE_H

#include <limits.h>
#include <pthread.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef SEM_VALUE_MAX
#define SEM_VALUE_MAX INT_MAX
#endif

typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t posted;
  unsigned value;
} sem_t;

int sem_init(sem_t* semaphore, int shared, unsigned value);
int sem_destroy(sem_t* semaphore);
int sem_wait(sem_t* semaphore);
int sem_trywait(sem_t* semaphore);
int sem_timedwait(sem_t* semaphore, const struct timespec* deadline);
int sem_post(sem_t* semaphore);
int sem_getvalue(sem_t* semaphore, int* value);

#ifdef __cplusplus
}
#endif

#endif
