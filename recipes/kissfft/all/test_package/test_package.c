#include <kiss_fftndr.h>
#include <math.h>
#include <stdio.h>

int main(void) {
  const int dims[2] = {4, 8};
  kiss_fft_scalar wave[32];
  for (int i = 0; i < 32; ++i) wave[i] = cos(2.0 * 3.141592653589793 * (i % 8) / 8.0);

  kiss_fft_cpx spectrum[4 * 5];
  kiss_fftndr_cfg plan = kiss_fftndr_alloc(dims, 2, 0, NULL, NULL);
  if (plan == NULL) return 1;
  kiss_fftndr(plan, wave, spectrum);
  kiss_fft_free(plan);

  printf("%.3f %.3f\n", spectrum[1].r, spectrum[0].r);
  return fabs(spectrum[1].r - 16.0) < 1e-9 && fabs(spectrum[0].r) < 1e-9 ? 0 : 1;
}
