#include <highwayhash/sip_hash.h>

#include <cinttypes>
#include <cstdio>

int main() {
  // The first vectors of SipHash-2-4's reference implementation: key 00..0f, input nothing and 00.
  const highwayhash::HH_U64 key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0F0E0D0C0B0A0908)};
  const std::uint64_t nothing = highwayhash::SipHash(key, "", 0);
  const std::uint64_t zero = highwayhash::SipHash(key, "\0", 1);
  std::printf("%016" PRIx64 " %016" PRIx64 "\n", nothing, zero);
  return nothing == UINT64_C(0x726FDB47DD0E0E31) && zero == UINT64_C(0x74F839C593DC67FD) ? 0 : 1;
}
