#include <cpuinfo.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  if (!cpuinfo_initialize()) {
    // It counts the cores in /sys, which a chroot need not have; then a refusal, not a crash, is
    // right.
    return access("/sys/devices/system/cpu", R_OK) == 0 ? 1 : 0;
  }
  printf("%u cores, NEON: %d\n", cpuinfo_get_cores_count(), cpuinfo_has_arm_neon());
  const int answer = cpuinfo_get_cores_count() > 0 ? 0 : 1;
  cpuinfo_deinitialize();
  return answer;
}
