#include "semihost_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "../devices/console.h"
#include "tfport/baremetal.h"

enum {
  SYS_OPEN = 0x01,
  SYS_CLOSE = 0x02,
  SYS_WRITE = 0x05,
  SYS_READ = 0x06,
  SYS_SEEK = 0x0a,
  SYS_FLEN = 0x0c,
  SYS_REMOVE = 0x0e,
  SYS_RENAME = 0x0f,
  SYS_ERRNO = 0x13
};

/* Modes number fopen's strings: r rb r+ r+b w wb w+ w+b a ab a+ a+b. */
enum { READ = 1, UPDATE = 3, WRITE = 5, CREATE = 7, APPEND = 9, APPEND_UPDATE = 11 };

static int call(int operation, const uint32_t* block, int* error) {
  int result = tfport_bm_semihosting_call(operation, block);
  if (result == -1) *error = tfport_bm_semihosting_call(SYS_ERRNO, 0);
  return result;
}

static int mode_of(int flags) {
  int update = (flags & O_ACCMODE) == O_RDWR;
  if ((flags & O_ACCMODE) == O_RDONLY) return READ;
  if (flags & O_APPEND) return update ? APPEND_UPDATE : APPEND;
  if (flags & O_TRUNC) return update ? CREATE : WRITE;
  return UPDATE;
}

int tfport_bm_host_open(const char* name, int flags, int* error) {
  const uint32_t block[3] = {(uint32_t)name, (uint32_t)mode_of(flags), strlen(name)};
  if (!tfport_bm_semihosting()) {
    *error = ENOENT;
    return -1;
  }
  return call(SYS_OPEN, block, error);
}

void tfport_bm_host_close(int handle) {
  const uint32_t block[1] = {(uint32_t)handle};
  tfport_bm_semihosting_call(SYS_CLOSE, block);
}

/* Reads and writes answer how many bytes were not moved. */
static int transfer(int operation, int handle, const void* data, size_t size, int* error) {
  const uint32_t block[3] = {(uint32_t)handle, (uint32_t)data, size};
  int left = tfport_bm_semihosting_call(operation, block);
  if (left >= 0 && (size_t)left <= size) return (int)size - left;
  *error = EIO;
  return -1;
}

int tfport_bm_host_read(int handle, void* buffer, size_t size, int* error) {
  return transfer(SYS_READ, handle, buffer, size, error);
}

int tfport_bm_host_write(int handle, const void* data, size_t size, int* error) {
  int written = transfer(SYS_WRITE, handle, data, size, error);
  if (written == 0 && size > 0) {
    *error = ENOSPC;
    return -1;
  }
  return written;
}

int tfport_bm_host_seek(int handle, size_t position, int* error) {
  const uint32_t block[2] = {(uint32_t)handle, position};
  return call(SYS_SEEK, block, error);
}

int tfport_bm_host_size(int handle, int* error) {
  const uint32_t block[1] = {(uint32_t)handle};
  return call(SYS_FLEN, block, error);
}

int tfport_bm_host_remove(const char* name, int* error) {
  const uint32_t block[2] = {(uint32_t)name, strlen(name)};
  if (!tfport_bm_semihosting()) {
    *error = EROFS;
    return -1;
  }
  return call(SYS_REMOVE, block, error);
}

int tfport_bm_host_rename(const char* from, const char* to, int* error) {
  const uint32_t block[4] = {(uint32_t)from, strlen(from), (uint32_t)to, strlen(to)};
  if (!tfport_bm_semihosting()) {
    *error = EROFS;
    return -1;
  }
  return call(SYS_RENAME, block, error);
}
