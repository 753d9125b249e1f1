/* The functions by which std::cout, cerr and clog write. They write to streams of the boot
 * state, whichever thread they are called on, so here these streams are locked; and what the thread
 * itself has in its stdout goes first, for the two to come out in the order of the program.
 * fflush() needs no lock on them: they are unbuffered, so it changes nothing.
 */
#include <reent.h>
#include <stdio.h>

#include "../spin.h"
#include "stdio_table.h"

/* newlib's vector of pieces to write. */
struct piece {
  const void* base;
  size_t length;
};
struct pieces {
  struct piece* first;
  int count;
  int bytes;
};
int __sfvwrite_r(struct _reent*, FILE*, struct pieces*);

static struct spin shared_streams;

static int is_shared(const FILE* stream) {
  return stream >= _global_impure_ptr->__sf && stream < _global_impure_ptr->__sf + 3;
}

static void flush_own(struct _reent* state) {
  if (state != _global_impure_ptr && state->__sdidinit && state->_stdout->_bf._base)
    _fflush_r(state, state->_stdout);
}

static int begin(struct _reent* state, FILE* stream) {
  if (!state->__sdidinit) __sinit(state);
  if (!_global_impure_ptr->__sdidinit) __sinit(_global_impure_ptr);
  if (!is_shared(stream)) return 0;
  flush_own(state);
  spin_lock(&shared_streams);
  return 1;
}

static void end(int locked) {
  if (locked) spin_unlock(&shared_streams);
}

size_t _fwrite_r(struct _reent* state, const void* data, size_t size, size_t count, FILE* stream) {
  struct piece piece = {data, size * count};
  struct pieces pieces = {&piece, 1, (int)piece.length};
  if (piece.length == 0) return 0;
  int locked = begin(state, stream);
  int failed = __sfvwrite_r(state, stream, &pieces);
  end(locked);
  return failed ? (piece.length - (size_t)pieces.bytes) / size : count;
}

size_t fwrite(const void* data, size_t size, size_t count, FILE* stream) {
  return _fwrite_r(_REENT, data, size, count, stream);
}

int _putc_r(struct _reent* state, int byte, FILE* stream) {
  unsigned char value = (unsigned char)byte;
  return _fwrite_r(state, &value, 1, 1, stream) == 1 ? value : EOF;
}

int(putc)(int byte, FILE* stream) { return _putc_r(_REENT, byte, stream); }
