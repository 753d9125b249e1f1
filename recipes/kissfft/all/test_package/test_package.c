#include <kiss_fftndr.h>
#include <math.h>
#include <stdio.h>

int main(void) {
  const int dims[2] = {4, 8};
  float wave[32];
  for (int i = 0; i < 32; ++i) wave[i] = cosf(2.0f * 3.14159265f * (float)(i % 8) / 8.0f);

  kiss_fft_cpx spectrum[4 * 5];
  kiss_fftndr_cfg plan = kiss_fftndr_alloc(dims, 2, 0, NULL, NULL);
  if (plan == NULL) return 1;
  kiss_fftndr(plan, wave, spectrum);
  kiss_fft_free(plan);

  printf("%.3f %.3f\n", (double)spectrum[1].r, (double)spectrum[0].r);
  return fabsf(spectrum[1].r - 16.0f) < 1e-4f && fabsf(spectrum[0].r) < 1e-4f ? 0 : 1;
}
