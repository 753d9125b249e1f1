// Work on four cores. Under -icount the clock counts instructions: the tick at the end is the same
// every time.
#include <stdint.h>

#include <cmath>
#include <mutex>
#include <thread>
#include <vector>

#include "check.h"
#include "tfport/baremetal.h"

int main() {
  std::mutex mutex;
  double sum = 0;
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; id++)
    threads.emplace_back([&, id] {
      double own = 0;
      for (int i = 1; i < 20000; i++) own += std::sqrt(i * id);
      std::lock_guard<std::mutex> lock(mutex);
      sum += own;
    });
  for (std::thread& thread : threads) thread.join();
  printf("sum %.3f at tick %llu\n", sum, static_cast<unsigned long long>(tfport_bm_ticks()));
  return Verdict();
}
