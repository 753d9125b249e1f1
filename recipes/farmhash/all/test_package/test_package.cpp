#include <farmhash.h>

#include <cinttypes>
#include <cstdio>

int main() {
  // Fingerprint64 is the same on every platform and in every release.
  const std::uint64_t fingerprint = util::Fingerprint64("TensorFlow", 10);
  std::printf("%" PRIu64 "\n", fingerprint);
  return fingerprint == UINT64_C(4265654129848386254) ? 0 : 1;
}
