/* Files of the machine that answers semihosting calls. Errors are -1 with errno in *error. */
#ifndef TFPORT_BM_SEMIHOST_FILE_H_
#define TFPORT_BM_SEMIHOST_FILE_H_

#include <stddef.h>

int tfport_bm_host_open(const char* name, int flags, int* error);
void tfport_bm_host_close(int handle);
/* How many bytes were moved. */
int tfport_bm_host_read(int handle, void* buffer, size_t size, int* error);
int tfport_bm_host_write(int handle, const void* data, size_t size, int* error);
int tfport_bm_host_seek(int handle, size_t position, int* error);
int tfport_bm_host_size(int handle, int* error);
int tfport_bm_host_remove(const char* name, int* error);
int tfport_bm_host_rename(const char* from, const char* to, int* error);

#endif
