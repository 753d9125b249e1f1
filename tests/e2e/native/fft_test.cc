// The Fourier transforms of TensorFlow Lite, on kissfft, against sums worked out term by term.
//
// Prints one line per transform; the exit code is 1 if any of them is off.

#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "tensorflow/lite/kernels/internal/real_fft.h"
#include "tensorflow/lite/kernels/internal/spectrogram.h"

namespace {

using Complex = std::complex<double>;
using tflite::internal::RealFft;

const double kPi = std::acos(-1.0);

double Sample() {
  static uint32_t state = 1;
  state = state * 1664525 + 1013904223;
  return static_cast<double>(state >> 8) / (1 << 23) - 1;
}

int failures = 0;

void Expect(const char* what, double error, double limit) {
  std::printf("%-34s worst error %.3g\n", what, error);
  if (!(error <= limit)) ++failures;
}

Complex Turn(double fraction) { return std::polar(1.0, -2 * kPi * fraction); }

// One precision of rounding for a transform of `size` terms of about 1.
double Limit(int size) { return 1e-14 * size; }

void TestForward() {
  double worst = 0;
  for (int height : {1, 2, 4, 16}) {
    for (int width : {1, 2, 8, 32}) {
      RealFft fft(height, width, RealFft::Direction::kForward);
      std::vector<double> x(height * width);
      for (double& value : x) value = Sample();
      for (size_t i = 0; i < x.size(); ++i) fft.time()[i] = x[i];
      fft.Forward();
      for (int k = 0; k < height; ++k) {
        for (int l = 0; l < fft.frequency_width(); ++l) {
          Complex sum = 0;
          for (int m = 0; m < height; ++m) {
            for (int n = 0; n < width; ++n) {
              sum += x[m * width + n] *
                     Turn(static_cast<double>(k * m) / height + static_cast<double>(l * n) / width);
            }
          }
          const auto& got = fft.frequency()[k * fft.frequency_width() + l];
          worst = std::max(worst, std::abs(Complex(got.r, got.i) - sum));
        }
      }
    }
  }
  Expect("RFFT2D", worst, Limit(512));
}

// Of input that no real matrix transforms to, the values that the header names are read, and the
// others follow from them.
void TestInverse() {
  double worst = 0;
  for (int height : {1, 2, 4, 16}) {
    for (int width : {1, 2, 8, 32}) {
      RealFft fft(height, width, RealFft::Direction::kInverse);
      const int half = fft.frequency_width();
      std::vector<Complex> given(height * half);
      for (Complex& value : given) value = {Sample(), Sample()};
      for (size_t i = 0; i < given.size(); ++i) {
        fft.frequency()[i] = {given[i].real(), given[i].imag()};
      }
      // The whole of the frequencies, height x width.
      std::vector<Complex> whole(height * width);
      const auto at = [&](int k, int l) -> Complex& { return whole[k * width + l]; };
      for (int k = 0; k < height; ++k) {
        for (int l = 0; l < half; ++l) at(k, l) = given[k * half + l];
      }
      for (int k = height / 2 + 1; k < height; ++k) {
        at(k, 0) = std::conj(at(height - k, 0));
        if (width > 1) at(height - k, width / 2) = std::conj(at(k, width / 2));
      }
      for (int k : {0, height / 2}) {
        at(k, 0) = at(k, 0).real();
        if (width > 1) at(k, width / 2) = at(k, width / 2).real();
      }
      for (int k = 0; k < height; ++k) {
        for (int l = half; l < width; ++l) {
          at(k, l) = std::conj(at((height - k) % height, width - l));
        }
      }
      fft.Inverse();
      for (int m = 0; m < height; ++m) {
        for (int n = 0; n < width; ++n) {
          Complex sum = 0;
          for (int k = 0; k < height; ++k) {
            for (int l = 0; l < width; ++l) {
              sum += at(k, l) * std::conj(Turn(static_cast<double>(k * m) / height +
                                               static_cast<double>(l * n) / width));
            }
          }
          worst = std::max(worst, std::abs(fft.time()[m * width + n] - sum.real()));
        }
      }
    }
  }
  Expect("IRFFT2D", worst, Limit(512));
}

// A window of 400 samples in a transform of 512, every 160 samples.
void TestSpectrogram() {
  constexpr int kWindow = 400, kStep = 160, kLength = 512;
  std::vector<double> input(2000);
  for (double& value : input) value = Sample();
  tflite::internal::Spectrogram spectrogram;
  std::vector<std::vector<Complex>> slices;
  if (!spectrogram.Initialize(kWindow, kStep) ||
      !spectrogram.ComputeComplexSpectrogram(input, &slices)) {
    ++failures;
    return;
  }
  double worst = slices.size() == 11 ? 0 : INFINITY;
  for (size_t s = 0; s < slices.size(); ++s) {
    for (int k = 0; k <= kLength / 2; ++k) {
      Complex sum = 0;
      for (int n = 0; n < kWindow; ++n) {
        const double window = 0.5 - 0.5 * std::cos(2 * kPi * n / kWindow);
        sum += input[s * kStep + n] * window * Turn(static_cast<double>(k * n % kLength) / kLength);
      }
      // The spectrogram's sign is that of Ooura's transform, the conjugate.
      worst = std::max(worst, std::abs(slices[s][k] - std::conj(sum)));
    }
  }
  Expect("audio spectrogram", worst, Limit(kLength));
}

}  // namespace

int main() {
  TestForward();
  TestInverse();
  TestSpectrogram();
  return failures ? 1 : 0;
}
