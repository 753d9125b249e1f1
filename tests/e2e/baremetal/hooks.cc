// A firmware's own pieces in the place of the runtime's.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "tfport/baremetal.h"

namespace {
alignas(16) char arena[300000];
}

extern "C" {
void tfport_bm_uart_put(char byte) {
  auto* data = reinterpret_cast<volatile uint32_t*>(0x09000000);
  *data = static_cast<uint32_t>(toupper(byte));
}
uint64_t tfport_bm_ticks(void) {
  static uint64_t ticks = 0;
  return ticks += 10;
}
uint32_t tfport_bm_ticks_per_second(void) { return 1000; }
int64_t tfport_bm_epoch(void) { return 1700000000; }
int tfport_bm_entropy(void* buffer, size_t size) {
  memset(buffer, 0x5a, size);
  return 0;
}
void tfport_bm_heap_region(uintptr_t* begin, uintptr_t* end) {
  *begin = reinterpret_cast<uintptr_t>(arena);
  *end = *begin + sizeof arena;
}
void tfport_bm_report_fault(const tfport_bm_fault*) { tfport_bm_exit(77); }
}

int main() {
  auto* memory = static_cast<char*>(malloc(1000));
  CHECK(memory >= arena && memory < arena + sizeof arena);
  CHECK(tfport_bm_heap_limit() == sizeof arena);
  void* volatile large = malloc(sizeof arena);
  CHECK(large == nullptr);
  CHECK(time(nullptr) >= 1700000000);
  unsigned char random[4];
  CHECK(getentropy(random, sizeof random) == 0 && random[3] == 0x5a);
  usleep(50000);
  if (Verdict()) return 1;
  __asm volatile("udf #1");
  return 2;
}
