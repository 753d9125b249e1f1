#include "../spin.h"

WAITS void tfport_bm_spin_until(const uint32_t* word, uint32_t value) {
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) wait_for_event();
}
