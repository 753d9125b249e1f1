#include "table.h"

#include <errno.h>
#include <string.h>

#include "../spin.h"

enum { MOST = 32 };

static const struct tfport_bm_file* files[MOST];
static unsigned count;
static struct spin lock;

const struct tfport_bm_file* tfport_bm_find_file(const char* name) {
  unsigned known = __atomic_load_n(&count, __ATOMIC_ACQUIRE);
  for (unsigned i = 0; i < known; i++)
    if (strcmp(files[i]->name, name) == 0) return files[i];
  return 0;
}

int tfport_bm_add_file(const struct tfport_bm_file* file) {
  int error = 0;
  spin_lock(&lock);
  if (tfport_bm_find_file(file->name)) {
    error = EEXIST;
  } else if (count == MOST) {
    error = ENFILE;
  } else {
    files[count] = file;
    __atomic_store_n(&count, count + 1, __ATOMIC_RELEASE);
  }
  spin_unlock(&lock);
  return error;
}
