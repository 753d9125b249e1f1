/* The life of a thread: pthread_create, join, detach and the end. */
#include <errno.h>
#include <string.h>

#include "../libc/stdio_table.h"
#include "tfport/baremetal.h"
#include "thread.h"

/* A pthread_t names a slot and the generation of the thread in it. */
static pthread_t name_of(const struct thread* thread) {
  return (pthread_t)(thread->generation << 16 | ((thread - tfport_bm_threads) + 1));
}

static struct thread* find(pthread_t name) {
  uint32_t slot = (name & 0xffff) - 1;
  if (slot > BOARD_THREADS) return 0;
  struct thread* thread = &tfport_bm_threads[slot];
  if (thread->state == THREAD_FREE || thread->generation != name >> 16) return 0;
  return thread;
}

char* tfport_bm_stack_of(unsigned slot, size_t* size) {
  *size = slot ? BOARD_STACK_SIZE : BOARD_MAIN_STACK_SIZE;
  if (slot == 0) return tfport_bm_stack_main + GUARD_SIZE;
  return tfport_bm_stack_threads + (slot - 1) * (GUARD_SIZE + BOARD_STACK_SIZE) + GUARD_SIZE;
}

static uintptr_t round_up(uintptr_t value, uintptr_t to) { return (value + to - 1) & ~(to - 1); }

void tfport_bm_prepare_thread(struct thread* thread, char* stack, size_t size) {
  uintptr_t align = (uintptr_t)tfport_bm_tls_align, tls_size = (uintptr_t)tfport_bm_tls_size;
  uintptr_t data_size = (uintptr_t)tfport_bm_tls_data_size;
  if (align < 8) align = 8;
  /* The ABI's layout: eight bytes at the thread pointer, then the thread_locals. */
  uintptr_t locals = ((uintptr_t)stack + size - tls_size) & ~(align - 1);
  uintptr_t pointer = locals - round_up(8, align);
  memset((void*)pointer, 0, 8);
  memcpy((void*)locals, tfport_bm_tls_begin, data_size);
  memset((char*)locals + data_size, 0, tls_size - data_size);
  thread->tls = (void*)pointer;

  /* What switch.S pops: FPSCR and padding, d8 to d15, r3 to r11, lr. */
  uint32_t* top = (uint32_t*)(pointer & ~15u);
  uint32_t* frame = top - (2 + 16 + 10);
  memset(frame, 0, (size_t)((char*)top - (char*)frame));
  frame[2 + 16 + 9] = (uint32_t)tfport_bm_thread_start;
  thread->sp = (uint32_t)frame;

  memset(&thread->exceptions, 0, sizeof thread->exceptions);
  memset(thread->specific, 0, sizeof thread->specific);
  thread->destructors = 0;
  _REENT_INIT_PTR(&thread->reent);
}

/* Where a new thread begins, with the scheduler's lock held by the switch that led here. */
void tfport_bm_run_thread(void) {
  spin_unlock(&tfport_bm_scheduler);
  struct thread* self = this_thread;
  tfport_bm_end_thread(self->entry(self->argument));
}

static struct thread* take_slot(void) {
  for (unsigned slot = 1; slot <= BOARD_THREADS; slot++) {
    struct thread* thread = &tfport_bm_threads[slot];
    if (thread->state == THREAD_FREE) {
      thread->state = THREAD_RUNNING; /* not free, and in no queue */
      thread->generation++;
      return thread;
    }
  }
  return 0;
}

int pthread_create(pthread_t* name, const pthread_attr_t* attributes, void* (*entry)(void*),
                   void* argument) {
  if (attributes && attributes->stacksize > BOARD_STACK_SIZE) return EAGAIN;
  tfport_bm_cores();
  spin_lock(&tfport_bm_scheduler);
  struct thread* thread = take_slot();
  spin_unlock(&tfport_bm_scheduler);
  if (!thread) return EAGAIN;
  size_t size;
  char* stack = tfport_bm_stack_of((unsigned)(thread - tfport_bm_threads), &size);
  tfport_bm_prepare_thread(thread, stack, size);
  thread->entry = entry;
  thread->argument = argument;
  thread->joined = false;
  thread->detached = attributes && attributes->detachstate == PTHREAD_CREATE_DETACHED;
  thread->name[0] = 0;
  *name = name_of(thread);
  spin_lock(&tfport_bm_scheduler);
  tfport_bm_make_ready(thread);
  spin_unlock(&tfport_bm_scheduler);
  return 0;
}

void tfport_bm_end_thread(void* result) {
  struct thread* self = this_thread;
  tfport_bm_run_thread_destructors();
  tfport_bm_run_key_destructors();
  tfport_bm_close_thread_stdio(&self->reent);
  /* newlib frees the state of another thread only; the boot state serves for these last calls. */
  _impure_ptr = _global_impure_ptr;
  _reclaim_reent(&self->reent);

  spin_lock(&tfport_bm_scheduler);
  self->argument = result;
  if (self->detached) {
    self->state = THREAD_FREE; /* nobody takes the slot before the switch is done */
  } else {
    self->state = THREAD_ENDED;
    tfport_bm_wake(self, 1);
  }
  tfport_bm_switch_away();
  __builtin_unreachable();
}

void pthread_exit(void* result) { tfport_bm_end_thread(result); }

int pthread_join(pthread_t name, void** result) {
  int error = 0;
  spin_lock(&tfport_bm_scheduler);
  struct thread* thread = find(name);
  if (!thread) {
    error = ESRCH;
  } else if (thread == this_thread) {
    error = EDEADLK;
  } else if (thread->detached || thread->joined) {
    error = EINVAL;
  } else {
    thread->joined = true;
    while (thread->state != THREAD_ENDED) tfport_bm_wait(thread, NO_DEADLINE);
    if (result) *result = thread->argument;
    thread->state = THREAD_FREE;
  }
  spin_unlock(&tfport_bm_scheduler);
  return error;
}

int pthread_detach(pthread_t name) {
  int error = 0;
  spin_lock(&tfport_bm_scheduler);
  struct thread* thread = find(name);
  if (!thread) {
    error = ESRCH;
  } else if (thread->detached || thread->joined) {
    error = EINVAL;
  } else if (thread->state == THREAD_ENDED) {
    thread->state = THREAD_FREE;
  } else {
    thread->detached = true;
  }
  spin_unlock(&tfport_bm_scheduler);
  return error;
}

pthread_t pthread_self(void) { return name_of(this_thread); }

int pthread_equal(pthread_t a, pthread_t b) { return a == b; }

int pthread_setname_np(pthread_t name, const char* text) {
  struct thread* thread = find(name);
  if (!thread) return ESRCH;
  if (strlen(text) >= sizeof thread->name) return ERANGE;
  strcpy(thread->name, text);
  return 0;
}

int pthread_getname_np(pthread_t name, char* text, size_t size) {
  const struct thread* thread = find(name);
  if (!thread) return ESRCH;
  if (strlen(thread->name) >= size) return ERANGE;
  strcpy(text, thread->name);
  return 0;
}

int sched_yield(void) {
  spin_lock(&tfport_bm_scheduler);
  tfport_bm_make_ready(this_thread);
  tfport_bm_switch_away();
  spin_unlock(&tfport_bm_scheduler);
  return 0;
}

void pthread_yield(void) { sched_yield(); }
