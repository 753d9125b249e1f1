#include <cpuinfo.h>
#include <stdio.h>

int main(void) {
  if (!cpuinfo_initialize()) return 1;
  printf("%u cores, NEON: %d\n", cpuinfo_get_cores_count(), cpuinfo_has_arm_neon());
  const int answer = cpuinfo_get_cores_count() > 0 ? 0 : 1;
  cpuinfo_deinitialize();
  return answer;
}
