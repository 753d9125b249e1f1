// The float microkernels and the Winograd convolutions that are patched into XNNPACK, against sums
// worked out term by term in double precision.
//
// Prints one line per kind; the exit code is 1 if any of them is off.

#include <pthreadpool.h>
#include <xnnpack.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

// Internal to XNNPACK: declared here, as no installed header has them.
extern "C" {
struct MinMax {
  float min, max;
};
void xnn_f32_gemm_minmax_ukernel_4x8__asm_aarch32_neon_ld128(size_t mr, size_t nc, size_t kc,
                                                             const float* a, size_t a_stride,
                                                             const float* w, float* c,
                                                             size_t cm_stride, size_t cn_stride,
                                                             const MinMax* params);
void xnn_f32_igemm_minmax_ukernel_4x8__asm_aarch32_neon_ld128(
    size_t mr, size_t nc, size_t kc, size_t ks, const float** a, const float* w, float* c,
    size_t cm_stride, size_t cn_stride, size_t a_offset, const float* zero, const MinMax* params);
}

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kUntouched = -12345.0f;

float Sample() {
  static uint32_t state = 1;
  state = state * 1664525 + 1013904223;
  return static_cast<float>(state >> 8) / (1 << 23) - 1;
}

std::vector<float> Samples(size_t size) {
  std::vector<float> values(size);
  for (float& value : values) value = Sample();
  return values;
}

int failures = 0;

// Compares values with what they should be, relative to the largest that a sum of terms reaches.
class Report {
 public:
  Report(const char* kind, double limit) : kind_(kind), limit_(limit) {}
  ~Report() {
    std::printf("%-28s %5d cases, %ld values, worst error %.3g\n", kind_.c_str(), cases_, values_,
                worst_);
    std::fflush(stdout);
    if (!(worst_ <= limit_) || cases_ == 0) ++failures;
  }
  void Case(const std::string& name) {
    ++cases_;
    name_ = name;
  }
  void Compare(float got, double want, double scale) {
    ++values_;
    const double error = std::abs(got - want) / scale;
    if (error <= worst_) return;
    worst_ = error;
    if (error > limit_) {
      std::printf("%s, %s: %.9g, not %.9g\n", kind_.c_str(), name_.c_str(), got, want);
    }
  }
  // Something else than a sum is wrong.
  void Fail(const char* what) {
    std::printf("%s, %s: %s\n", kind_.c_str(), name_.c_str(), what);
    worst_ = INFINITY;
  }

 private:
  std::string kind_, name_;
  double limit_, worst_ = 0;
  int cases_ = 0;
  long values_ = 0;
};

double Clamped(double value, const MinMax& range) {
  return std::min<double>(std::max<double>(value, range.min), range.max);
}

// Weights as XNNPACK packs them: for each 8 columns 8 biases, then rows of 8.
std::vector<float> Pack(const std::vector<float>& b, const std::vector<float>& bias, size_t rows,
                        size_t columns) {
  std::vector<float> packed;
  for (size_t block = 0; block < columns; block += 8) {
    for (size_t n = block; n < block + 8; ++n) packed.push_back(n < columns ? bias[n] : 0);
    for (size_t k = 0; k < rows; ++k) {
      for (size_t n = block; n < block + 8; ++n) {
        packed.push_back(n < columns ? b[k * columns + n] : 0);
      }
    }
  }
  return packed;
}

constexpr MinMax kRanges[] = {{-kInfinity, kInfinity}, {-0.5f, 0.25f}, {0, kInfinity}};

// C as rows of cm_stride, between values that must stay as they are.
void CheckProduct(Report& report, const std::vector<float>& c, size_t mr, size_t nc,
                  size_t cm_stride, const std::vector<double>& want, double scale) {
  for (size_t m = 0; m < 4; ++m) {
    for (size_t n = 0; n < cm_stride; ++n) {
      const float got = c[m * cm_stride + n];
      if (m < mr && n < nc) {
        report.Compare(got, want[m * nc + n], scale);
      } else if (got != kUntouched) {
        report.Fail("writes beyond its rows or columns");
      }
    }
  }
}

void TestGemm() {
  Report report("GEMM 4x8", 1e-6);
  for (size_t k = 1; k <= 41; ++k) {
    for (size_t mr = 1; mr <= 4; ++mr) {
      for (size_t nc : {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31}) {
        const MinMax range = kRanges[(k + mr + nc) % 3];
        const size_t a_stride = k + (nc % 3), cm_stride = nc + (k % 4);
        report.Case(std::to_string(mr) + "x" + std::to_string(nc) + "x" + std::to_string(k));
        // Exactly as long as it may be read.
        const auto a = Samples((mr - 1) * a_stride + k), b = Samples(k * nc), bias = Samples(nc);
        const auto w = Pack(b, bias, k, nc);
        std::vector<double> want(mr * nc);
        for (size_t m = 0; m < mr; ++m) {
          for (size_t n = 0; n < nc; ++n) {
            double sum = bias[n];
            for (size_t i = 0; i < k; ++i) sum += double{a[m * a_stride + i]} * b[i * nc + n];
            want[m * nc + n] = Clamped(sum, range);
          }
        }
        std::vector<float> c(4 * cm_stride, kUntouched);
        xnn_f32_gemm_minmax_ukernel_4x8__asm_aarch32_neon_ld128(
            mr, nc, k * sizeof(float), a.data(), a_stride * sizeof(float), w.data(), c.data(),
            cm_stride * sizeof(float), 8 * sizeof(float), &range);
        CheckProduct(report, c, mr, nc, cm_stride, want, std::sqrt(k) + 1);
      }
    }
  }
}

void TestIgemm() {
  Report report("IGEMM 4x8", 2e-6);
  for (size_t k = 1; k <= 19; ++k) {
    for (size_t taps : {1, 2, 3, 9, 25, 64}) {
      for (size_t mr = 1; mr <= 4; ++mr) {
        for (size_t nc : {1, 3, 6, 8, 12, 17}) {
          const MinMax range = kRanges[(k + mr + nc) % 3];
          const size_t cm_stride = nc + (k % 4), offset = k % 3;
          report.Case(std::to_string(mr) + "x" + std::to_string(nc) + "x" + std::to_string(k) +
                      ", " + std::to_string(taps) + " taps");
          const auto a = Samples(4 * taps * k + offset), b = Samples(taps * k * nc);
          const auto bias = Samples(nc), w = Pack(b, bias, taps * k, nc);
          const std::vector<float> zero(k, 0.0f);
          std::vector<const float*> rows(4 * taps);
          std::vector<double> want(mr * nc);
          for (size_t t = 0; t < taps; ++t) {
            for (size_t m = 0; m < 4; ++m) {
              const bool is_zero = (t + m) % 5 == 4;
              // Rows that are not there are the last one.
              const float* row = a.data() + (std::min(m, mr - 1) * taps + t) * k;
              rows[4 * t + m] = is_zero ? zero.data() : row;
            }
          }
          for (size_t m = 0; m < mr; ++m) {
            for (size_t n = 0; n < nc; ++n) {
              double sum = bias[n];
              for (size_t t = 0; t < taps; ++t) {
                if (rows[4 * t + m] == zero.data()) continue;
                for (size_t i = 0; i < k; ++i) {
                  sum += double{rows[4 * t + m][offset + i]} * b[(t * k + i) * nc + n];
                }
              }
              want[m * nc + n] = Clamped(sum, range);
            }
          }
          std::vector<float> c(4 * cm_stride, kUntouched);
          xnn_f32_igemm_minmax_ukernel_4x8__asm_aarch32_neon_ld128(
              mr, nc, k * sizeof(float), taps * 4 * sizeof(void*), rows.data(), w.data(), c.data(),
              cm_stride * sizeof(float), 8 * sizeof(float), offset * sizeof(float), zero.data(),
              &range);
          CheckProduct(report, c, mr, nc, cm_stride, want, std::sqrt(taps * k) + 1);
        }
      }
    }
  }
}

struct Conv {
  size_t batch, height, width, in, out;
  uint32_t top, right, bottom, left;  // padding; kSame in `top` for TensorFlow's SAME
  size_t more_in = 0, more_out = 0;   // elements between pixels
  uint32_t kernel_height = 3, kernel_width = 3, stride = 1, dilation = 1;
  size_t groups = 1;  // in and out are the channels of one
};
constexpr uint32_t kSame = 99;

// What a convolution of that kind gives, and the largest sum of its terms.
void Expect(const Conv& conv, const std::vector<float>& input, const std::vector<float>& kernel,
            const float* bias, const MinMax& range, size_t out_height, size_t out_width,
            uint32_t top, uint32_t left, Report& report, const std::vector<float>& output) {
  const size_t in_step = conv.groups * conv.in + conv.more_in;
  const size_t channels = conv.groups * conv.out, out_step = channels + conv.more_out;
  const double scale = std::sqrt(conv.kernel_height * conv.kernel_width * conv.in) + 1;
  for (size_t image = 0; image < conv.batch; ++image) {
    for (size_t y = 0; y < out_height; ++y) {
      for (size_t x = 0; x < out_width; ++x) {
        const float* got = &output[((image * out_height + y) * out_width + x) * out_step];
        for (size_t n = 0; n < out_step; ++n) {
          if (n >= channels) {
            if (got[n] != kUntouched) report.Fail("writes between pixels");
            continue;
          }
          double sum = bias ? bias[n] : 0;
          for (uint32_t ky = 0; ky < conv.kernel_height; ++ky) {
            const size_t iy = y * conv.stride + ky * conv.dilation - top;
            if (iy >= conv.height) continue;
            for (uint32_t kx = 0; kx < conv.kernel_width; ++kx) {
              const size_t ix = x * conv.stride + kx * conv.dilation - left;
              if (ix >= conv.width) continue;
              const float* pixel = &input[((image * conv.height + iy) * conv.width + ix) * in_step];
              const float* g =
                  &kernel[((n * conv.kernel_height + ky) * conv.kernel_width + kx) * conv.in];
              pixel += n / conv.out * conv.in;
              for (size_t k = 0; k < conv.in; ++k) sum += double{pixel[k]} * g[k];
            }
          }
          report.Compare(got[n], Clamped(sum, range), scale);
        }
      }
    }
  }
}

void Convolve(const Conv& conv, uint32_t flags, size_t threads, Report& report) {
  report.Case(std::to_string(conv.batch) + " x " + std::to_string(conv.height) + " x " +
              std::to_string(conv.width) + ", " + std::to_string(conv.in) + " to " +
              std::to_string(conv.out) + " channels");
  const bool same = conv.top == kSame;
  const size_t in_step = conv.groups * conv.in + conv.more_in;
  const size_t channels = conv.groups * conv.out, out_step = channels + conv.more_out;
  const auto input = Samples(conv.batch * conv.height * conv.width * in_step);
  const auto kernel = Samples(channels * conv.kernel_height * conv.kernel_width * conv.in);
  const auto bias = Samples(channels);
  const float* some_bias = conv.out % 5 == 0 ? nullptr : bias.data();
  const MinMax range = kRanges[(conv.height + conv.in + conv.out) % 3];

  xnn_operator_t op = nullptr;
  pthreadpool_t pool = threads > 1 ? pthreadpool_create(threads) : nullptr;
  size_t workspace_size, alignment, out_height, out_width;
  if (xnn_create_convolution2d_nhwc_f32(
          same ? 0 : conv.top, conv.right, conv.bottom, conv.left, conv.kernel_height,
          conv.kernel_width, conv.stride, conv.stride, conv.dilation, conv.dilation, conv.groups,
          conv.in, conv.out, in_step, out_step, kernel.data(), some_bias, range.min, range.max,
          flags | (same ? XNN_FLAG_TENSORFLOW_SAME_PADDING : 0), nullptr, nullptr,
          &op) != xnn_status_success ||
      xnn_reshape_convolution2d_nhwc_f32(op, conv.batch, conv.height, conv.width, &workspace_size,
                                         &alignment, &out_height, &out_width,
                                         pool) != xnn_status_success) {
    report.Fail("cannot be made");
    return;
  }
  // Whatever was in the workspace, and twice in the same one.
  std::vector<char> workspace(workspace_size + alignment + 1, '\xff');
  auto place = reinterpret_cast<uintptr_t>(workspace.data()) + alignment - 1;
  place -= place % alignment;
  std::vector<float> output(conv.batch * out_height * out_width * out_step + 1, kUntouched);
  for (int run = 0; run < 2; ++run) {
    if (xnn_setup_convolution2d_nhwc_f32(op, reinterpret_cast<void*>(place), input.data(),
                                         output.data()) != xnn_status_success ||
        xnn_run_operator(op, pool) != xnn_status_success) {
      report.Fail("does not run");
    }
  }
  if (output.back() != kUntouched || workspace.back() != '\xff') report.Fail("writes beyond");
  const size_t all_rows = (out_height - 1) * conv.stride + (conv.kernel_height - 1) * conv.dilation;
  const size_t all_cols = (out_width - 1) * conv.stride + (conv.kernel_width - 1) * conv.dilation;
  const auto before = [](size_t span, size_t size) { return span > size ? (span - size) / 2 : 0; };
  Expect(conv, input, kernel, some_bias, range, out_height, out_width,
         same ? before(all_rows + 1, conv.height) : conv.top,
         same ? before(all_cols + 1, conv.width) : conv.left, report, output);
  xnn_delete_operator(op);
  if (pool) pthreadpool_destroy(pool);
}

std::vector<Conv> ConvCases() {
  std::vector<Conv> cases;
  const size_t sides[] = {1, 2, 3, 4, 5, 6, 7, 9, 13, 18};
  const size_t channels[][2] = {{1, 1}, {3, 5}, {4, 8}, {5, 9}, {8, 16}, {16, 12}, {19, 30}};
  size_t turn = 0;
  for (size_t height : sides) {
    for (size_t width : sides) {
      for (const auto& [in, out] : channels) {
        if (++turn % 3 != 0 && height * width > 60) continue;
        const size_t batch = turn % 4 == 0 ? 2 : 1;
        const size_t more = turn % 5 == 0 ? 3 : 0;
        switch (turn % 4) {
          case 0:
            cases.push_back({batch, height, width, in, out, kSame, 0, 0, 0, more, more});
            break;
          case 1:
            cases.push_back({batch, height, width, in, out, 2, 3, 1, 1, 0, more});
            break;
          case 2:
            cases.push_back({batch, height, width, in, out, 1, 1, 1, 1, more, 0});
            break;
          default:
            if (height >= 3 && width >= 3) {
              cases.push_back({batch, height, width, in, out, 0, 0, 0, 0, more, more});
            }
        }
      }
    }
  }
  cases.push_back({1, 27, 30, 32, 40, kSame, 0, 0, 0});
  return cases;
}

void TestWinograd() {
  Report report("Winograd", 2e-5);
  for (const Conv& conv : ConvCases()) Convolve(conv, XNN_FLAG_WINOGRAD, 1, report);
  size_t names = xnn_get_ukernel_names(nullptr, 0);
  std::vector<const char*> chosen(names);
  xnn_get_ukernel_names(chosen.data(), names);
  if (std::none_of(chosen.begin(), chosen.end(),
                   [](const char* name) { return std::strstr(name, "winograd") != nullptr; })) {
    report.Fail("was not chosen");
  }
}

void TestWinogradOnThreads() {
  Report report("Winograd on threads", 2e-5);
  for (size_t threads : {2, 4}) {
    Convolve({2, 23, 31, 12, 40, kSame, 0, 0, 0}, XNN_FLAG_WINOGRAD, threads, report);
    Convolve({1, 13, 13, 16, 64, 1, 1, 1, 1}, XNN_FLAG_WINOGRAD, threads, report);
  }
}

void TestWithoutWinograd() {
  Report report("convolution", 2e-6);
  for (const uint32_t flags : {0u, uint32_t{XNN_FLAG_TRANSIENT_INDIRECTION_BUFFER}}) {
    size_t turn = 0;
    for (Conv conv : ConvCases()) {
      if (++turn % 4 != 0) continue;
      Convolve(conv, flags, 1, report);
      // These are never Winograd's.
      conv.stride = 2;
      Convolve(conv, flags | XNN_FLAG_WINOGRAD, 1, report);
      conv.more_in = 0;
      Convolve(conv, flags | XNN_FLAG_WINOGRAD, 1, report);
      if (conv.width >= 3) {
        // Whole rows of the kernel above and below the image, none beside it.
        Conv tall = conv;
        tall.top = 2;
        tall.bottom = 3;
        tall.left = tall.right = 0;
        Convolve(tall, flags, 1, report);
        tall.stride = 1;
        Convolve(tall, flags, 1, report);
      }
      if (conv.height > 4 && conv.width > 4) {
        conv.stride = 1;
        conv.dilation = 2;
        Convolve(conv, flags | XNN_FLAG_WINOGRAD, 1, report);
        conv.dilation = 1;
        conv.kernel_height = 5;
        conv.kernel_width = 2;
        Convolve(conv, flags | XNN_FLAG_WINOGRAD, 1, report);
      }
    }
  }
}

void TestDepthwise() {
  Report report("depthwise", 1e-6);
  size_t turn = 0;
  for (const size_t channels : {2, 3, 5, 7, 8, 9, 12, 16, 23, 24, 30, 40}) {
    for (const size_t side : {1, 2, 5, 9}) {
      for (const uint32_t stride : {1, 2}) {
        Conv conv = {1 + ++turn % 2, side, side + 1, 1, 1, kSame, 0, 0, 0};
        conv.groups = channels;
        conv.stride = stride;
        conv.more_in = turn % 3;
        conv.more_out = turn % 5;
        const uint32_t flags = turn % 4 < 2 ? XNN_FLAG_TRANSIENT_INDIRECTION_BUFFER : 0;
        Convolve(conv, flags, 1 + turn % 2, report);
      }
    }
  }
}

}  // namespace

int main() {
  if (xnn_initialize(nullptr) != xnn_status_success) return 1;
  TestGemm();
  TestIgemm();
  TestWinograd();
  TestWinogradOnThreads();
  TestWithoutWinograd();
  TestDepthwise();
  return failures ? 1 : 0;
}
