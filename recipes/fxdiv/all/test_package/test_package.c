#include <fxdiv.h>
#include <stdio.h>

int main(void) {
  const struct fxdiv_divisor_uint32_t seven = fxdiv_init_uint32_t(7);
  const struct fxdiv_result_uint32_t result = fxdiv_divide_uint32_t(4000000000u, seven);
  printf("%u %u\n", result.quotient, result.remainder);
  return result.quotient == 571428571u && result.remainder == 3u ? 0 : 1;
}
