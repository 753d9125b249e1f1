#include <fp16.h>
#include <stdio.h>

int main(void) {
  const uint16_t half = fp16_ieee_from_fp32_value(0.333333333f);
  const float back = fp16_ieee_to_fp32_value(half);
  printf("0x%04x %.8f\n", half, back);
  return half == 0x3555 && back == 0.333251953125f ? 0 : 1;
}
