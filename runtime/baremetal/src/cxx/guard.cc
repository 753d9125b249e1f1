// The guards of static objects in functions. By the ARM C++ ABI a guard is one word whose lowest
// bit says that the object is there.
#include "../threads/thread.h"

namespace {

enum : uint32_t { kNew = 0, kDone = 1, kRuns = 0x100 };

void Finish(uint32_t* guard, uint32_t state) {
  spin_lock(&tfport_bm_scheduler);
  __atomic_store_n(guard, state, __ATOMIC_RELEASE);
  tfport_bm_wake(guard, UINT32_MAX);
  spin_unlock(&tfport_bm_scheduler);
}

}  // namespace

extern "C" int __cxa_guard_acquire(uint32_t* guard) {
  if (__atomic_load_n(guard, __ATOMIC_ACQUIRE) & kDone) return 0;
  spin_lock(&tfport_bm_scheduler);
  while (*guard == kRuns) tfport_bm_wait(guard, NO_DEADLINE);
  bool mine = *guard == kNew;
  if (mine) *guard = kRuns;
  spin_unlock(&tfport_bm_scheduler);
  return mine;
}

extern "C" void __cxa_guard_release(uint32_t* guard) { Finish(guard, kDone); }

extern "C" void __cxa_guard_abort(uint32_t* guard) { Finish(guard, kNew); }
