#include <psimd.h>
#include <stdio.h>

int main(void) {
  const float input[4] = {1.0f, 2.0f, 3.0f, 4.0f};
  float output[4];
  const psimd_f32 x = psimd_load_f32(input);
  psimd_store_f32(output, psimd_mul_f32(x, psimd_splat_f32(2.0f)));
  printf("%g %g %g %g\n", output[0], output[1], output[2], output[3]);
  return output[0] == 2.0f && output[3] == 8.0f ? 0 : 1;
}
