/* What is left of a process: one program, number 1, without children or signals from outside. */
#include <errno.h>
#include <reent.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "../devices/console.h"
#include "tfport/baremetal.h"

int _getpid_r(struct _reent* state) {
  (void)state;
  return 1;
}

int _kill_r(struct _reent* state, int process, int signal) {
  if (process != 1) {
    state->_errno = ESRCH;
    return -1;
  }
  if (signal == 0) return 0;
  tfport_bm_report("tfport: ended by signal %d%s\n", signal, signal == SIGABRT ? " (abort)" : "");
  tfport_bm_exit(128 + signal);
}

void _exit(int status) { tfport_bm_exit(status); }

void abort(void) {
  raise(SIGABRT); /* a program may have a handler, from which it must not come back */
  tfport_bm_exit(128 + SIGABRT);
}

long sysconf(int name) {
  switch (name) {
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
      return (long)tfport_bm_cores();
    case _SC_PAGESIZE:
      return 4096;
    default:
      errno = EINVAL;
      return -1;
  }
}

int getpagesize(void) { return 4096; }

int getentropy(void* buffer, size_t size) {
  int error = size > 256 ? EIO : tfport_bm_entropy(buffer, size);
  if (error == 0) return 0;
  errno = error;
  return -1;
}

int _fork_r(struct _reent* state) {
  state->_errno = ENOSYS;
  return -1;
}

int _execve_r(struct _reent* state, const char* name, char* const* arguments,
              char* const* environment) {
  (void)name, (void)arguments, (void)environment;
  state->_errno = ENOSYS;
  return -1;
}

int _wait_r(struct _reent* state, int* status) {
  (void)status;
  state->_errno = ECHILD;
  return -1;
}
