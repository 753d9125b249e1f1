#include <cstdio>

#include "include/float8.h"

int main() {
  const ml_dtypes::float8_e4m3fn third(1.0f / 3.0f);
  const ml_dtypes::float8_e5m2 big(57344.0f);
  std::printf("%g %g\n", static_cast<float>(third), static_cast<float>(big));
  return static_cast<float>(third) == 0.34375f && static_cast<float>(big) == 57344.0f ? 0 : 1;
}
