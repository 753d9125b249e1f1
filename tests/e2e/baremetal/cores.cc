// Fewer cores than the board has. SILENT_CORE: one that is started and never comes.
#include <unistd.h>

#include <thread>
#include <vector>

#include "check.h"
#include "tfport/baremetal.h"

#ifdef SILENT_CORE
extern "C" int tfport_bm_core_start(unsigned, uintptr_t) { return 0; }
#endif

int main() {
#ifdef LIMIT
  CHECK(tfport_bm_set_cores(0) == EINVAL);
  CHECK(tfport_bm_set_cores(5) == EINVAL);
  CHECK(tfport_bm_set_cores(LIMIT) == 0);
#endif
  std::atomic<unsigned> seen{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; i++)
    threads.emplace_back([&] {
      for (int round = 0; round < 50; round++) {
        seen |= 1u << tfport_bm_core();
        std::this_thread::yield();
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(tfport_bm_set_cores(1) == EBUSY);
  printf("%u cores, threads ran on %x\n", std::thread::hardware_concurrency(), seen.load());
  CHECK((seen & ~((1u << tfport_bm_cores()) - 1)) == 0);
  return Verdict();
}
