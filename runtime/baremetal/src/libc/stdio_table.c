/* newlib's table of streams, with locks, which the one in libc.a was built without. Every thread
 * has standard streams of its own; streams that are opened are in the table of the boot state.
 */
#include "stdio_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void prepare(FILE* stream, int flags, int descriptor) {
  memset(stream, 0, sizeof *stream);
  stream->_flags = (short)flags;
  stream->_file = (short)descriptor;
  stream->_cookie = stream;
  stream->_read = __sread;
  stream->_write = __swrite;
  stream->_seek = __sseek;
  stream->_close = __sclose;
}

void _cleanup_r(struct _reent* state) { _fwalk(state, fflush); }

void _cleanup(void) { _cleanup_r(_global_impure_ptr); }

void __sinit(struct _reent* state) {
  __sfp_lock_acquire();
  if (!state->__sdidinit) {
    state->__cleanup = _cleanup_r;
    state->_stdin = &state->__sf[0];
    state->_stdout = &state->__sf[1];
    state->_stderr = &state->__sf[2];
    prepare(state->_stdin, __SRD, 0);
    /* All threads share the boot state's stdout: nothing may be left in its buffer. */
    prepare(state->_stdout, state == _global_impure_ptr ? __SWR | __SNBF : __SWR, 1);
    prepare(state->_stderr, __SRW | __SNBF, 2);
    state->__sglue = (struct _glue){0, 3, state->__sf};
    state->__sdidinit = 1;
  }
  __sfp_lock_release();
}

struct _glue* __sfmoreglue(struct _reent* state, int count) {
  struct _glue* glue = calloc(1, sizeof *glue + (size_t)count * sizeof(FILE));
  (void)state;
  if (!glue) return 0;
  glue->_niobs = count;
  glue->_iobs = (FILE*)(glue + 1);
  return glue;
}

static FILE* find_free(struct _reent* state) {
  for (struct _glue* glue = &state->__sglue;; glue = glue->_next) {
    for (int i = 0; i < glue->_niobs; i++)
      if (glue->_iobs[i]._flags == 0) return &glue->_iobs[i];
    if (!glue->_next && !(glue->_next = __sfmoreglue(state, 4))) return 0;
  }
}

FILE* __sfp(struct _reent* state) {
  if (!_global_impure_ptr->__sdidinit) __sinit(_global_impure_ptr);
  __sfp_lock_acquire();
  FILE* stream = find_free(_global_impure_ptr);
  if (stream) {
    prepare(stream, 1, -1); /* taken; the caller sets both */
    stream->_cookie = 0;
  } else {
    state->_errno = ENOMEM;
  }
  __sfp_lock_release();
  return stream;
}

void tfport_bm_close_thread_stdio(struct _reent* state) {
  if (!state->__sdidinit) return;
  for (int i = 0; i < 3; i++) {
    FILE* stream = &state->__sf[i];
    _fflush_r(state, stream);
    if (stream->_flags & __SMBF) free(stream->_bf._base);
    memset(stream, 0, sizeof *stream);
  }
  state->__sdidinit = 0; /* _reclaim_reent() has nothing left to close */
  state->__sglue = (struct _glue){0, 0, 0};
}

/* Streams are not shared without a lock of the program's own (streams.c has the exception). */
void __fp_lock_all(void) {}
void __fp_unlock_all(void) {}
