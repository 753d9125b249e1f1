#include <stdio.h>
#include <string.h>
#include <zlib.h>

int main(void) {
  unsigned char input[20000], packed[20000], output[20000];
  for (unsigned i = 0; i < sizeof(input); ++i) {
    input[i] = (unsigned char)(i % 251 < 200 ? i % 251 : i / 251);
  }
  uLongf size = sizeof(packed), length = sizeof(output);
  if (strcmp(zlibVersion(), ZLIB_VERSION) != 0) return 1;
  if (compress2(packed, &size, input, sizeof(input), 9) != Z_OK || size * 2 > sizeof(input))
    return 2;
  printf("%lu bytes in %lu\n", (unsigned long)sizeof(input), (unsigned long)size);
  if (uncompress(output, &length, packed, size) != Z_OK || length != sizeof(input)) return 3;
  if (memcmp(input, output, sizeof(input)) != 0) return 4;
  return uncompress(output, &length, packed, size / 2) == Z_OK ? 5 : 0;
}
