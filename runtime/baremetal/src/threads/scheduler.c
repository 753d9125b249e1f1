/* Who runs next. */
#include "tfport/baremetal.h"
#include "thread.h"

struct spin tfport_bm_scheduler;
struct thread tfport_bm_threads[1 + BOARD_THREADS];
CORE_LOCAL struct core tfport_bm_this_core;

struct queue {
  struct thread* first;
  struct thread** end;
};

static struct queue ready = {0, &ready.first};
static struct queue waiting = {0, &waiting.first};
static uint32_t ready_count;
static unsigned idle_cores;
static uint64_t nearest_deadline = NO_DEADLINE;

static void append(struct queue* queue, struct thread* thread) {
  thread->next = 0;
  *queue->end = thread;
  queue->end = &thread->next;
}

static void remove_at(struct queue* queue, struct thread** link) {
  struct thread* thread = *link;
  *link = thread->next;
  if (queue->end == &thread->next) queue->end = link;
}

void tfport_bm_make_ready(struct thread* thread) {
  thread->state = THREAD_READY;
  append(&ready, thread);
  __atomic_store_n(&ready_count, ready_count + 1, __ATOMIC_RELEASE);
  send_event();
}

static void run(struct thread* next) {
  struct thread* previous = this_thread;
  if (next == previous) return;
  tfport_bm_this_core.current = next;
  _impure_ptr = &next->reent;
  set_thread_pointer(next->tls);
  tfport_bm_switch(previous, next);
}

static struct thread* take_ready(void) {
  struct thread* next = ready.first;
  if (!next) return 0;
  remove_at(&ready, &ready.first);
  ready_count--;
  next->state = THREAD_RUNNING;
  return next;
}

/* Threads whose time has come can run again. */
static void expire(void) {
  if (nearest_deadline == NO_DEADLINE || tfport_bm_ticks() < nearest_deadline) return;
  uint64_t now = tfport_bm_ticks();
  uint64_t nearest = NO_DEADLINE;
  for (struct thread** link = &waiting.first; *link;) {
    struct thread* thread = *link;
    if (thread->deadline <= now) {
      remove_at(&waiting, link);
      thread->timed_out = true;
      tfport_bm_make_ready(thread);
    } else {
      if (thread->deadline < nearest) nearest = thread->deadline;
      link = &thread->next;
    }
  }
  __atomic_store_n(&nearest_deadline, nearest, __ATOMIC_RELAXED);
}

void tfport_bm_switch_away(void) {
  expire();
  struct thread* next = take_ready();
  run(next ? next : tfport_bm_this_core.idle);
}

bool tfport_bm_wait(const void* key, uint64_t deadline) {
  struct thread* self = this_thread;
  self->waits_for = key;
  self->deadline = deadline;
  self->timed_out = false;
  self->state = THREAD_WAITING;
  if (deadline < nearest_deadline) __atomic_store_n(&nearest_deadline, deadline, __ATOMIC_RELAXED);
  append(&waiting, self);
  tfport_bm_switch_away();
  return !self->timed_out;
}

unsigned tfport_bm_wake(const void* key, unsigned count) {
  unsigned woken = 0;
  for (struct thread** link = &waiting.first; *link && woken < count;) {
    struct thread* thread = *link;
    if (thread->waits_for == key) {
      remove_at(&waiting, link);
      tfport_bm_make_ready(thread);
      woken++;
    } else {
      link = &thread->next;
    }
  }
  return woken;
}

unsigned tfport_bm_waiting(const void* key) {
  unsigned count = 0;
  for (const struct thread* thread = waiting.first; thread; thread = thread->next)
    if (thread->waits_for == key) count++;
  return count;
}

/* Nothing but a running thread or the clock makes a thread ready. */
static bool stuck(void) {
  return idle_cores == tfport_bm_running_cores() && !ready.first && nearest_deadline == NO_DEADLINE;
}

WAITS static void wait_for_work(void) {
  while (__atomic_load_n(&ready_count, __ATOMIC_ACQUIRE) == 0) {
    uint64_t deadline = __atomic_load_n(&nearest_deadline, __ATOMIC_RELAXED);
    if (deadline != NO_DEADLINE && tfport_bm_ticks() >= deadline) return;
    wait_for_event();
  }
}

void tfport_bm_idle(void) {
  spin_lock(&tfport_bm_scheduler);
  for (;;) {
    tfport_bm_switch_away();
    idle_cores++;
    bool dead = stuck();
    spin_unlock(&tfport_bm_scheduler);
    if (dead) tfport_bm_deadlock();
    wait_for_work();
    spin_lock(&tfport_bm_scheduler);
    idle_cores--;
  }
}
