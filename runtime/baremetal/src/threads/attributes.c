/* Attributes of threads. A stack is a slot of fixed size, so a size is only held against it. */
#include <errno.h>
#include <limits.h>

#include "thread.h"

int pthread_attr_init(pthread_attr_t* attributes) {
  *attributes = (pthread_attr_t){
      .is_initialized = 1, .stacksize = BOARD_STACK_SIZE, .detachstate = PTHREAD_CREATE_JOINABLE};
  return 0;
}

int pthread_attr_destroy(pthread_attr_t* attributes) {
  attributes->is_initialized = 0;
  return 0;
}

int pthread_attr_setstacksize(pthread_attr_t* attributes, size_t size) {
  if (size > BOARD_STACK_SIZE) return EINVAL;
  attributes->stacksize = (int)size;
  return 0;
}

int pthread_attr_getstacksize(const pthread_attr_t* attributes, size_t* size) {
  *size = (size_t)attributes->stacksize;
  return 0;
}

int pthread_attr_setdetachstate(pthread_attr_t* attributes, int state) {
  if (state != PTHREAD_CREATE_DETACHED && state != PTHREAD_CREATE_JOINABLE) return EINVAL;
  attributes->detachstate = state;
  return 0;
}

int pthread_attr_getdetachstate(const pthread_attr_t* attributes, int* state) {
  *state = attributes->detachstate;
  return 0;
}
