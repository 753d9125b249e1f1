/* The memory that newlib's malloc() takes its pieces from. */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdlib.h>

#include "../board_map.h"
#include "tfport/baremetal.h"

/* Changed by malloc() only, under its lock. */
static uintptr_t begin, end, taken_to, high_water;

static void find_room(void) {
  if (begin) return;
  tfport_bm_heap_region(&begin, &end);
  taken_to = high_water = begin;
}

void* _sbrk_r(struct _reent* state, ptrdiff_t bytes) {
  find_room();
  if (bytes > 0 ? (size_t)bytes > end - taken_to : (size_t)-bytes > taken_to - begin) {
    state->_errno = ENOMEM;
    return (void*)-1;
  }
  uintptr_t before = taken_to;
  taken_to += (uintptr_t)bytes;
  if (taken_to > high_water) high_water = taken_to;
  return (void*)before;
}

int posix_memalign(void** result, size_t alignment, size_t size) {
  if (alignment < sizeof(void*) || (alignment & (alignment - 1))) return EINVAL;
  void* memory = memalign(alignment, size);
  if (!memory) return ENOMEM;
  *result = memory;
  return 0;
}

size_t tfport_bm_heap_used(void) { return mallinfo().uordblks; }
size_t tfport_bm_heap_high_water(void) { return high_water - begin; }

size_t tfport_bm_heap_limit(void) {
  __malloc_lock(_REENT);
  find_room();
  __malloc_unlock(_REENT);
  return end - begin;
}
