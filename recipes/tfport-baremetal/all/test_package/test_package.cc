#include <tfport/baremetal.h>

#include <cstdio>
#include <thread>

int main() {
  unsigned core = 0;
  std::thread([&core] { core = tfport_bm_core() + 1; }).join();
  std::printf("a thread ran on core %u of %u\n", core - 1, tfport_bm_cores());
  return core == 0;
}
