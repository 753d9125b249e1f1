#include <errno.h>
#include <semaphore.h>

int sem_init(sem_t* semaphore, int shared, unsigned value) {
  (void)shared;
  if (value > SEM_VALUE_MAX) {
    errno = EINVAL;
    return -1;
  }
  pthread_mutex_init(&semaphore->mutex, 0);
  pthread_cond_init(&semaphore->posted, 0);
  semaphore->value = value;
  return 0;
}

int sem_destroy(sem_t* semaphore) {
  pthread_cond_destroy(&semaphore->posted);
  return pthread_mutex_destroy(&semaphore->mutex);
}

/* Takes one, as long as `wait` says that there is sense in waiting. */
static int take(sem_t* semaphore, int (*wait)(sem_t*, const struct timespec*),
                const struct timespec* deadline) {
  int error = 0;
  pthread_mutex_lock(&semaphore->mutex);
  while (semaphore->value == 0 && error == 0) error = wait(semaphore, deadline);
  if (semaphore->value > 0) {
    semaphore->value--;
    error = 0;
  }
  pthread_mutex_unlock(&semaphore->mutex);
  if (error == 0) return 0;
  errno = error;
  return -1;
}

static int forever(sem_t* semaphore, const struct timespec* deadline) {
  (void)deadline;
  return pthread_cond_wait(&semaphore->posted, &semaphore->mutex);
}

static int not_at_all(sem_t* semaphore, const struct timespec* deadline) {
  (void)semaphore, (void)deadline;
  return EAGAIN;
}

static int until(sem_t* semaphore, const struct timespec* deadline) {
  return pthread_cond_timedwait(&semaphore->posted, &semaphore->mutex, deadline);
}

int sem_wait(sem_t* semaphore) { return take(semaphore, forever, 0); }
int sem_trywait(sem_t* semaphore) { return take(semaphore, not_at_all, 0); }
int sem_timedwait(sem_t* semaphore, const struct timespec* deadline) {
  return take(semaphore, until, deadline);
}

int sem_post(sem_t* semaphore) {
  int error = 0;
  pthread_mutex_lock(&semaphore->mutex);
  if (semaphore->value == SEM_VALUE_MAX)
    error = EOVERFLOW;
  else
    semaphore->value++;
  pthread_cond_signal(&semaphore->posted);
  pthread_mutex_unlock(&semaphore->mutex);
  if (error == 0) return 0;
  errno = error;
  return -1;
}

int sem_getvalue(sem_t* semaphore, int* value) {
  pthread_mutex_lock(&semaphore->mutex);
  *value = (int)semaphore->value;
  pthread_mutex_unlock(&semaphore->mutex);
  return 0;
}
