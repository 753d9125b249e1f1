/* What runs at exit: newlib's list, with a lock. Static objects of functions register here whenever
 * they are first used, on any thread. */
#include <stdlib.h>

#include "../spin.h"

enum { PLAIN, ON_EXIT, CXA }; /* newlib's kinds */

struct entry {
  struct entry* older;
  void (*function)(void);
  void* argument;
  void* library;
  int kind;
};

/* ISO C promises room for 32; they need no heap. */
static struct entry first_entries[32];
static unsigned first_used;
static struct entry* newest;
static struct spin lock;

int __register_exitproc(int kind, void (*function)(void), void* argument, void* library) {
  spin_lock(&lock);
  struct entry* entry = first_used < 32 ? &first_entries[first_used++] : 0;
  spin_unlock(&lock);
  if (!entry) entry = malloc(sizeof *entry);
  if (!entry) return -1;
  spin_lock(&lock);
  *entry = (struct entry){newest, function, argument, library, kind};
  newest = entry;
  spin_unlock(&lock);
  return 0;
}

static struct entry* take(const void* library) {
  spin_lock(&lock);
  struct entry** link = &newest;
  while (*link && library && (*link)->library != library) link = &(*link)->older;
  struct entry* entry = *link;
  if (entry) *link = entry->older;
  spin_unlock(&lock);
  return entry;
}

void __call_exitprocs(int status, void* library) {
  for (struct entry* entry; (entry = take(library));) {
    if (entry->kind == PLAIN)
      entry->function();
    else if (entry->kind == ON_EXIT)
      ((void (*)(int, void*))entry->function)(status, entry->argument);
    else
      ((void (*)(void*))entry->function)(entry->argument);
  }
}
