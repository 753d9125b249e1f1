// The destructors of thread_local objects.
#include <cstdlib>

#include "../threads/thread.h"

extern "C" int __cxa_thread_atexit(void (*run)(void*), void* object, void*) noexcept {
  auto* entry = static_cast<thread_destructor*>(malloc(sizeof(thread_destructor)));
  if (!entry) abort();  // the object would outlive its thread's memory
  thread* self = this_thread;
  *entry = {run, object, self->destructors};
  self->destructors = entry;
  return 0;
}
