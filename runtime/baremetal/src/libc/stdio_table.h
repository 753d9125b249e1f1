/* The table of open streams. */
#ifndef TFPORT_BM_STDIO_TABLE_H_
#define TFPORT_BM_STDIO_TABLE_H_

#include <stdio.h>

/* Flushes a thread's standard streams and frees their buffers. */
void tfport_bm_close_thread_stdio(struct _reent* state);

/* newlib's, which this file replaces. */
void __sfp_lock_acquire(void);
void __sfp_lock_release(void);
void __sinit(struct _reent* state);
FILE* __sfp(struct _reent* state);
struct _glue* __sfmoreglue(struct _reent* state, int count);

/* newlib's, as it stands. */
_READ_WRITE_RETURN_TYPE __sread(struct _reent*, void*, char*, _READ_WRITE_BUFSIZE_TYPE);
_READ_WRITE_RETURN_TYPE __swrite(struct _reent*, void*, const char*, _READ_WRITE_BUFSIZE_TYPE);
_fpos_t __sseek(struct _reent*, void*, _fpos_t, int);
int __sclose(struct _reent*, void*);
int _fwalk(struct _reent*, int (*)(FILE*));

#endif
