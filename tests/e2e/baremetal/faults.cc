// One way to fail, chosen when the image is linked (--defsym test_case=N), so that it needs nobody
// to tell it while it runs.
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tfport/baremetal.h"

extern char test_case[];

namespace {

const int kConstant = 5;
int variable = 5;
uint32_t data_code[] = {0xe12fff1e};  // bx lr

__attribute__((noinline)) int Overflow(int depth) {
  volatile char frame[1000];
  memset(const_cast<char*>(frame), depth, sizeof frame);
  return depth < 0 ? 0 : Overflow(depth + 1) + frame[depth % 1000];
}

__attribute__((noinline)) void Unaligned(char* buffer) {
  uint32_t low, high;
  __asm volatile("ldrd %0, %1, [%2]" : "=r"(low), "=r"(high) : "r"(buffer + 2) : "memory");
  printf("%u %u\n", static_cast<unsigned>(low), static_cast<unsigned>(high));
}

int Unaligned32(const char* buffer) {
  uint32_t value;
  __asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(buffer + 1) : "memory");
  return value == 0x04030201 ? 0 : 1;
}

void Deadlock() {
  static std::mutex first, second;
  first.lock();
  std::thread other([] {
    second.lock();
    first.lock();
  });
  while (second.try_lock()) {
    second.unlock();
    std::this_thread::yield();
  }
  second.lock();
}

int ExhaustHeap() {
  std::vector<void*> pieces;
  pieces.reserve(100000);
  while (void* piece = malloc(1 << 20)) pieces.push_back(piece);
  while (void* piece = malloc(1000)) pieces.push_back(piece);
  int caught = 0;
  std::vector<std::thread> none;
  try {
    none.reserve(1 << 20);
  } catch (const std::bad_alloc& error) {
    caught++;
    puts(error.what());
  }
  if (tfport_bm_heap_high_water() > tfport_bm_heap_limit()) return 3;
  for (void* piece : pieces) free(piece);
  void* again = malloc(64 << 20);
  if (!again) return 2;
  free(again);
  printf("%u MiB of heap were used up\n", static_cast<unsigned>(tfport_bm_heap_high_water() >> 20));
  return caught == 1 ? 0 : 1;
}

int Run(int which) {
  char buffer[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  volatile int* volatile null = nullptr;
  switch (which) {
    case 1:
      *null = 1;
      break;
    case 2:
      return *null;
    case 3:
      reinterpret_cast<void (*volatile)()>(0)();
      break;
    case 4:
      *reinterpret_cast<volatile uint32_t*>(reinterpret_cast<uintptr_t>(&Overflow) & ~3u) = 0;
      break;
    case 5:
      *const_cast<volatile int*>(&kConstant) = 6;
      break;
    case 6:
      __asm volatile("udf #7");
      break;
    case 7:
      Unaligned(buffer);
      break;
    case 8:
      return Unaligned32(buffer);
    case 9:
      return Overflow(variable);
    case 10: {
      std::thread thread([] { Overflow(variable); });
      pthread_setname_np(thread.native_handle(), "digger");
      thread.join();
      break;
    }
    case 11:
      return ExhaustHeap();
    case 12:
      abort();
    case 13:
      throw std::runtime_error("nobody catches this");
    case 14:
      Deadlock();
      break;
    case 15:
      reinterpret_cast<void (*)()>(data_code)();
      break;
    case 16:
      return *reinterpret_cast<volatile int*>(0xf0000000);
    case 17:
      std::thread([] { exit(5); }).join();
      break;
    case 18:
      assert(variable == 6);
      break;
    case 19:
      __asm volatile("svc #1");
      break;
    case 20:
      __asm volatile("vld1.32 {d0}, [%0:64]" ::"r"(buffer + 4) : "d0", "memory");
      break;
  }
  return 0;
}

}  // namespace

int main() {
  printf("case %d\n", static_cast<int>(reinterpret_cast<intptr_t>(test_case)));
  return Run(static_cast<int>(reinterpret_cast<intptr_t>(test_case)));
}
