/* pthread keys, and what is destroyed when a thread ends. */
#include <errno.h>
#include <stdlib.h>

#include "thread.h"

typedef void (*destructor)(void*);

static void none(void* value) { (void)value; }

/* Null: the key is free. */
static destructor destructors[THREAD_KEYS];

int pthread_key_create(pthread_key_t* key, destructor destroy) {
  for (unsigned i = 0; i < THREAD_KEYS; i++) {
    destructor expected = 0;
    if (__atomic_compare_exchange_n(&destructors[i], &expected, destroy ? destroy : none, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
      for (unsigned t = 0; t <= BOARD_THREADS; t++) tfport_bm_threads[t].specific[i] = 0;
      *key = i;
      return 0;
    }
  }
  return EAGAIN;
}

int pthread_key_delete(pthread_key_t key) {
  if (key >= THREAD_KEYS || !destructors[key]) return EINVAL;
  __atomic_store_n(&destructors[key], (destructor)0, __ATOMIC_RELEASE);
  return 0;
}

void* pthread_getspecific(pthread_key_t key) {
  return key < THREAD_KEYS ? (void*)this_thread->specific[key] : 0;
}

int pthread_setspecific(pthread_key_t key, const void* value) {
  if (key >= THREAD_KEYS || !destructors[key]) return EINVAL;
  this_thread->specific[key] = value;
  return 0;
}

void tfport_bm_run_key_destructors(void) {
  struct thread* self = this_thread;
  for (int round = 0; round < 4; round++) { /* PTHREAD_DESTRUCTOR_ITERATIONS */
    bool any = false;
    for (unsigned i = 0; i < THREAD_KEYS; i++) {
      void* value = (void*)self->specific[i];
      destructor destroy = destructors[i];
      if (!value || !destroy) continue;
      self->specific[i] = 0;
      destroy(value);
      any = true;
    }
    if (!any) return;
  }
}

void tfport_bm_run_thread_destructors(void) {
  struct thread* self = this_thread;
  while (self->destructors) {
    struct thread_destructor* last = self->destructors;
    self->destructors = last->next;
    last->run(last->object);
    free(last);
  }
}
