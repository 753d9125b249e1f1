#include "../board_map.h"
#include "tfport/baremetal.h"

__attribute__((weak)) void tfport_bm_heap_region(uintptr_t* begin, uintptr_t* end) {
  uint32_t ram_end = BOARD_RAM_BASE + BOARD_RAM_SIZE;
  *begin = (uintptr_t)tfport_bm_image_end;
  uint32_t room = ram_end - *begin;
  if (BOARD_HEAP_SIZE && BOARD_HEAP_SIZE < room) room = BOARD_HEAP_SIZE;
  *end = *begin + room;
}
