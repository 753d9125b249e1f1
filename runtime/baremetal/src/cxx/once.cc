// pthread_once, in C++ because what it runs may throw (std::call_once): then it has not run.
#include "../threads/thread.h"

namespace {

enum : int { kNew = 0, kRuns = 1, kDone = 2 };

void Finish(pthread_once_t* once, int state) {
  spin_lock(&tfport_bm_scheduler);
  __atomic_store_n(&once->init_executed, state, __ATOMIC_RELEASE);
  tfport_bm_wake(once, UINT32_MAX);
  spin_unlock(&tfport_bm_scheduler);
}

// True when it falls to the caller to run it.
bool Begin(pthread_once_t* once) {
  spin_lock(&tfport_bm_scheduler);
  while (once->init_executed == kRuns) tfport_bm_wait(once, NO_DEADLINE);
  bool mine = once->init_executed == kNew;
  if (mine) once->init_executed = kRuns;
  spin_unlock(&tfport_bm_scheduler);
  return mine;
}

}  // namespace

extern "C" int pthread_once(pthread_once_t* once, void (*function)()) {
  if (__atomic_load_n(&once->init_executed, __ATOMIC_ACQUIRE) == kDone || !Begin(once)) return 0;
  try {
    function();
  } catch (...) {
    Finish(once, kNew);
    throw;
  }
  Finish(once, kDone);
  return 0;
}
