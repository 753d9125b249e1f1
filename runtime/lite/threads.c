/* The thread hooks: handed on to pthreadpool, which makes all worker threads of the library. */
#include <pthreadpool.h>
#include <stddef.h>

#include "tfport/tfport.h"

TfPortStatus TfPortSetThreadHooks(const TfPortThreadHooks* hooks) {
  struct pthreadpool_thread_hooks pool_hooks;
  if (hooks == NULL) {
    pthreadpool_set_thread_hooks(NULL);
    return kTfPortOk;
  }
  if (hooks->create == NULL || hooks->join == NULL) return kTfPortInvalidArgument;
  pool_hooks.create = hooks->create;
  pool_hooks.join = hooks->join;
  pool_hooks.context = hooks->context;
  pthreadpool_set_thread_hooks(&pool_hooks);
  return kTfPortOk;
}
