/* The system calls on files: descriptors 0 to 2 are the console, the others files in memory, which
 * are read-only, or files behind semihosting. */
#include <errno.h>
#include <fcntl.h>
#include <reent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../devices/console.h"
#include "../spin.h"
#include "semihost_file.h"
#include "table.h"

enum { CONSOLES = 3, MOST = 32 };

struct open_file {
  bool used;
  const struct tfport_bm_file* memory; /* or null, and then */
  int handle;                          /* of semihosting */
  size_t position;
};

static struct open_file open_files[MOST];
static struct spin lock;

static struct open_file* file_of(struct _reent* state, int descriptor) {
  unsigned index = (unsigned)(descriptor - CONSOLES);
  if (index < MOST && open_files[index].used) return &open_files[index];
  state->_errno = EBADF;
  return 0;
}

static int take_slot(void) {
  int slot = -1;
  spin_lock(&lock);
  for (int i = 0; i < MOST && slot < 0; i++)
    if (!open_files[i].used) {
      open_files[i] = (struct open_file){.used = true};
      slot = i;
    }
  spin_unlock(&lock);
  return slot;
}

int _open_r(struct _reent* state, const char* name, int flags, int mode) {
  (void)mode;
  const struct tfport_bm_file* memory = tfport_bm_find_file(name);
  if (memory && (flags & O_ACCMODE) != O_RDONLY) {
    state->_errno = EROFS;
    return -1;
  }
  int slot = take_slot();
  if (slot < 0) {
    state->_errno = ENFILE;
    return -1;
  }
  struct open_file* file = &open_files[slot];
  file->memory = memory;
  if (!memory && (file->handle = tfport_bm_host_open(name, flags, &state->_errno)) < 0) {
    file->used = false;
    return -1;
  }
  return slot + CONSOLES;
}

int _close_r(struct _reent* state, int descriptor) {
  if (descriptor >= 0 && descriptor < CONSOLES) return 0;
  struct open_file* file = file_of(state, descriptor);
  if (!file) return -1;
  if (!file->memory) tfport_bm_host_close(file->handle);
  file->used = false;
  return 0;
}

_ssize_t _read_r(struct _reent* state, int descriptor, void* buffer, size_t size) {
  if (descriptor == 0) return 0; /* nobody types */
  struct open_file* file = file_of(state, descriptor);
  if (!file) return -1;
  int count;
  if (file->memory) {
    size_t left = file->position < file->memory->size ? file->memory->size - file->position : 0;
    count = (int)(size < left ? size : left);
    memcpy(buffer, (const char*)file->memory->data + file->position, (size_t)count);
  } else {
    count = tfport_bm_host_read(file->handle, buffer, size, &state->_errno);
  }
  if (count > 0) file->position += (size_t)count;
  return count;
}

_ssize_t _write_r(struct _reent* state, int descriptor, const void* data, size_t size) {
  if (descriptor == 1 || descriptor == 2) {
    tfport_bm_console_write(data, size);
    return (_ssize_t)size;
  }
  struct open_file* file = file_of(state, descriptor);
  if (!file) return -1;
  if (file->memory) {
    state->_errno = EBADF;
    return -1;
  }
  int count = tfport_bm_host_write(file->handle, data, size, &state->_errno);
  if (count > 0) file->position += (size_t)count;
  return count;
}

static int size_of(struct _reent* state, const struct open_file* file) {
  if (file->memory) return (int)file->memory->size;
  return tfport_bm_host_size(file->handle, &state->_errno);
}

_off_t _lseek_r(struct _reent* state, int descriptor, _off_t offset, int whence) {
  if (descriptor >= 0 && descriptor < CONSOLES) {
    state->_errno = ESPIPE;
    return -1;
  }
  struct open_file* file = file_of(state, descriptor);
  if (!file) return -1;
  _off_t base = 0;
  if (whence == SEEK_CUR) base = (_off_t)file->position;
  if (whence == SEEK_END && (base = size_of(state, file)) < 0) return -1;
  if (whence < SEEK_SET || whence > SEEK_END || base + offset < 0) {
    state->_errno = EINVAL;
    return -1;
  }
  size_t position = (size_t)(base + offset);
  if (!file->memory && tfport_bm_host_seek(file->handle, position, &state->_errno) < 0) return -1;
  file->position = position;
  return (_off_t)position;
}

int _fstat_r(struct _reent* state, int descriptor, struct stat* status) {
  memset(status, 0, sizeof *status);
  if (descriptor >= 0 && descriptor < CONSOLES) {
    status->st_mode = S_IFCHR | 0666;
    return 0;
  }
  const struct open_file* file = file_of(state, descriptor);
  if (!file) return -1;
  int size = size_of(state, file);
  if (size < 0) return -1;
  status->st_mode = S_IFREG | (file->memory ? 0444 : 0666);
  status->st_size = size;
  status->st_nlink = 1;
  status->st_blksize = 4096;
  return 0;
}

int _stat_r(struct _reent* state, const char* name, struct stat* status) {
  int descriptor = _open_r(state, name, O_RDONLY, 0);
  if (descriptor < 0) return -1;
  int result = _fstat_r(state, descriptor, status);
  _close_r(state, descriptor);
  return result;
}

int _isatty_r(struct _reent* state, int descriptor) {
  if (descriptor >= 0 && descriptor < CONSOLES) return 1;
  if (file_of(state, descriptor)) state->_errno = ENOTTY;
  return 0;
}

int _unlink_r(struct _reent* state, const char* name) {
  if (tfport_bm_find_file(name)) {
    state->_errno = EROFS;
    return -1;
  }
  return tfport_bm_host_remove(name, &state->_errno) ? -1 : 0;
}

static int not_here(struct _reent* state) {
  state->_errno = ENOSYS;
  return -1;
}

int _link_r(struct _reent* state, const char* from, const char* to) {
  (void)from, (void)to;
  return not_here(state);
}

int _rename_r(struct _reent* state, const char* from, const char* to) {
  if (tfport_bm_find_file(from) || tfport_bm_find_file(to)) {
    state->_errno = EROFS;
    return -1;
  }
  return tfport_bm_host_rename(from, to, &state->_errno) ? -1 : 0;
}

/* What was written is with the other machine already. */
int fsync(int descriptor) { return descriptor < CONSOLES || file_of(_REENT, descriptor) ? 0 : -1; }

int _mkdir_r(struct _reent* state, const char* name, int mode) {
  (void)name, (void)mode;
  return not_here(state);
}

int _fcntl_r(struct _reent* state, int descriptor, int command, int argument) {
  (void)descriptor, (void)command, (void)argument;
  return not_here(state);
}
