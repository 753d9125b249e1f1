#include "../spin.h"
#include "tfport/baremetal.h"

/* SplitMix64 from a fixed seed: no entropy, but two calls differ, and two boots do not. */
__attribute__((weak)) int tfport_bm_entropy(void* buffer, size_t size) {
  static struct spin lock;
  static uint64_t state = 0x7466706f72742121;
  unsigned char* bytes = buffer;
  spin_lock(&lock);
  for (size_t i = 0; i < size; i++) {
    if (i % 8 == 0) state += 0x9e3779b97f4a7c15;
    uint64_t mixed = state;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    bytes[i] = (unsigned char)((mixed ^ mixed >> 31) >> i % 8 * 8);
  }
  spin_unlock(&lock);
  return 0;
}
