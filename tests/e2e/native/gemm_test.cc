// Matrix products of TensorFlow Lite, XNNPACK aside, against its reference kernels.
//
// Every flavour that a kernel can ask cpu_backend_gemm for is tried with shapes that leave
// remainders in all three dimensions, with values at the ends of their ranges, with rounding
// ties, and with 1 and 4 threads. Integers have to be equal, floats within 1e-5.
//
// Prints one line per flavour; the exit code is 1 if any of them differs.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "tensorflow/lite/kernels/cpu_backend_context.h"
#include "tensorflow/lite/kernels/cpu_backend_gemm.h"
#include "tensorflow/lite/kernels/internal/optimized/batch_matmul.h"
#include "tensorflow/lite/kernels/internal/optimized/integer_ops/conv.h"
#include "tensorflow/lite/kernels/internal/optimized/integer_ops/transpose_conv.h"
#include "tensorflow/lite/kernels/internal/optimized/optimized_ops.h"
#include "tensorflow/lite/kernels/internal/reference/batch_matmul.h"
#include "tensorflow/lite/kernels/internal/reference/conv.h"
#include "tensorflow/lite/kernels/internal/reference/fully_connected.h"
#include "tensorflow/lite/kernels/internal/reference/integer_ops/conv.h"
#include "tensorflow/lite/kernels/internal/reference/integer_ops/fully_connected.h"
#include "tensorflow/lite/kernels/internal/reference/integer_ops/transpose_conv.h"
#include "tensorflow/lite/kernels/internal/reference/portable_tensor_utils_impl.h"
#include "tensorflow/lite/kernels/internal/tensor_utils.h"

namespace {

using tflite::ConvParams;
using tflite::CpuBackendContext;
using tflite::FullyConnectedParams;
using tflite::RuntimeShape;
using tflite::cpu_backend_gemm::GemmParams;
using tflite::cpu_backend_gemm::MatrixParams;
using tflite::cpu_backend_gemm::Order;
using tflite::cpu_backend_gemm::QuantizationFlavor;

// splitmix64
uint64_t random_state = 1;
uint64_t Random() {
  uint64_t z = random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
int RandomIn(int low, int high) {
  return low + static_cast<int>(Random() % static_cast<uint64_t>(high - low + 1));
}

// kEnds draws from the two ends of the range alone: the largest sums there can be.
enum class Values { kAny, kEnds };

template <typename T>
std::vector<T> RandomVector(size_t size, Values values = Values::kAny) {
  std::vector<T> data(size);
  for (T& x : data) {
    if constexpr (std::is_floating_point_v<T>) {
      x = static_cast<T>(RandomIn(-1000, 1000)) / 1000;
    } else {
      const int low = std::numeric_limits<T>::min();
      const int high = std::numeric_limits<T>::max();
      x = static_cast<T>(values == Values::kEnds ? (Random() & 1 ? low : high)
                                                 : RandomIn(low, high));
    }
  }
  return data;
}

struct Shape {
  int rows, depth, cols;
};

std::vector<Shape> Shapes() {
  std::vector<Shape> shapes;
  for (int rows : {1, 3, 8, 13}) {
    for (int depth : {1, 2, 7, 8, 9, 16, 27, 33}) {
      for (int cols : {1, 2, 4, 5, 19}) shapes.push_back({rows, depth, cols});
    }
  }
  // Large enough for four threads, by columns and by rows, and for more than one block of columns.
  shapes.insert(shapes.end(), {{64, 72, 100},
                               {256, 515, 1},
                               {260, 515, 3},
                               {70, 1031, 70},
                               {1, 1000, 300},
                               {1001, 129, 1},
                               {17, 4096, 45}});
  return shapes;
}

// Multipliers that bring sums of `depth` products to the range of an output, ties included.
struct Scaling {
  std::vector<int32_t> multiplier;
  std::vector<int> exponent;
};

Scaling RandomScaling(const Shape& shape, double product, double output) {
  Scaling scaling;
  const double real = output / (product * std::sqrt(static_cast<double>(shape.depth)));
  for (int i = 0; i < shape.rows; ++i) {
    int exponent;
    std::frexp(real, &exponent);
    // A power of two, every third time: then half-way values are common.
    scaling.multiplier.push_back(i % 3 == 0 ? 1 << 30 : RandomIn(1 << 30, 0x7fffffff));
    scaling.exponent.push_back(exponent + RandomIn(-1, 1));
  }
  return scaling;
}

int failures = 0;

class Report {
 public:
  explicit Report(const char* flavour) : flavour_(flavour) {}
  ~Report() {
    std::printf("%-44s %5d products, %lld values, %d differ\n", flavour_.c_str(), products_,
                values_, differing_);
    std::fflush(stdout);
    if (differing_ != 0 || products_ == 0) ++failures;
  }

  template <typename T>
  void Compare(const std::vector<T>& got, const std::vector<T>& expected, const char* what,
               const Shape& shape, int threads) {
    ++products_;
    values_ += static_cast<long long>(got.size());
    for (size_t i = 0; i < got.size(); ++i) {
      if (Same(got[i], expected[i], shape.depth)) continue;
      if (differing_++ == 0) {
        std::printf("%s %s: %d x %d x %d, %d threads, at %zu: %.9g, not %.9g\n", flavour_.c_str(),
                    what, shape.rows, shape.depth, shape.cols, threads, i,
                    static_cast<double>(got[i]), static_cast<double>(expected[i]));
      }
    }
  }

 private:
  template <typename T>
  static bool Same(T got, T expected, int depth) {
    if constexpr (std::is_floating_point_v<T>) {
      // Relative to the result or, where terms cancel out, to the norm of the terms.
      const float norm = std::sqrt(static_cast<float>(depth)) / 3;
      return std::abs(got - expected) <= 1e-5f * std::max({1.0f, std::abs(expected), norm});
    } else {
      return got == expected;
    }
  }

  const std::string flavour_;
  int products_ = 0;
  long long values_ = 0;
  int differing_ = 0;
};

CpuBackendContext* Context(int threads) {
  static CpuBackendContext one, four;
  one.SetMaxNumThreads(1);
  four.SetMaxNumThreads(4);
  return threads == 1 ? &one : &four;
}

template <typename T>
void SetOrders(const Shape& shape, MatrixParams<T>* lhs, Order order) {
  lhs->order = order;
  lhs->rows = shape.rows;
  lhs->cols = shape.depth;
}

// An lhs in column-major order.
template <typename T>
std::vector<T> Transposed(const std::vector<T>& lhs, const Shape& shape) {
  std::vector<T> result(lhs.size());
  for (int i = 0; i < shape.rows; ++i) {
    for (int j = 0; j < shape.depth; ++j) result[j * shape.rows + i] = lhs[i * shape.depth + j];
  }
  return result;
}

void TestFloat() {
  Report report("float x float -> float");
  for (const Shape& shape : Shapes()) {
    const auto lhs = RandomVector<float>(shape.rows * shape.depth);
    const auto rhs = RandomVector<float>(shape.cols * shape.depth);
    const auto bias = RandomVector<float>(shape.rows);
    for (bool with_bias : {true, false}) {
      std::vector<float> expected(shape.rows * shape.cols);
      FullyConnectedParams reference = {};
      reference.float_activation_min = -2;
      reference.float_activation_max = 3;
      tflite::reference_ops::FullyConnected(
          reference, RuntimeShape({shape.cols, shape.depth}), rhs.data(),
          RuntimeShape({shape.rows, shape.depth}), lhs.data(), RuntimeShape({shape.rows}),
          with_bias ? bias.data() : nullptr, RuntimeShape({shape.cols, shape.rows}),
          expected.data());
      for (int threads : {1, 4}) {
        for (Order order : {Order::kRowMajor, Order::kColMajor}) {
          MatrixParams<float> lhs_params, rhs_params, dst_params;
          SetOrders(shape, &lhs_params, order);
          rhs_params.rows = shape.depth;
          rhs_params.cols = dst_params.cols = shape.cols;
          dst_params.rows = shape.rows;
          GemmParams<float, float> params;
          params.bias = with_bias ? bias.data() : nullptr;
          params.clamp_min = -2;
          params.clamp_max = 3;
          std::vector<float> got(expected.size(), NAN);
          const auto ordered = order == Order::kRowMajor ? lhs : Transposed(lhs, shape);
          tflite::cpu_backend_gemm::Gemm(lhs_params, ordered.data(), rhs_params, rhs.data(),
                                         dst_params, got.data(), params, Context(threads));
          report.Compare(got, expected, with_bias ? "bias" : "no bias", shape, threads);
        }
      }
    }
  }
}

// One product of integer matrices.
template <typename Lhs, typename Rhs, typename Dst>
struct Product {
  Shape shape;
  std::vector<Lhs> lhs;
  std::vector<Rhs> rhs;
  std::vector<int32_t> bias;
  Scaling scaling;
  int lhs_zero_point = 0, rhs_zero_point = 0, dst_zero_point = 0;
  int clamp_min = std::numeric_limits<Dst>::min();
  int clamp_max = std::numeric_limits<Dst>::max();

  Product(const Shape& s, Values values)
      : shape(s),
        lhs(RandomVector<Lhs>(s.rows * s.depth, values)),
        rhs(RandomVector<Rhs>(s.cols * s.depth, values)) {
    for (int i = 0; i < s.rows; ++i) bias.push_back(RandomIn(-30000, 30000));
    const double product = sizeof(Rhs) == 2 ? 70.0 * 20000.0 : 70.0 * 70.0;
    scaling = RandomScaling(s, product, sizeof(Dst) == 2 ? 9000.0 : 60.0);
    if (RandomIn(0, 1)) {
      clamp_min += RandomIn(0, 100);
      clamp_max -= RandomIn(0, 100);
    }
  }

  template <QuantizationFlavor flavour>
  std::vector<Dst> Gemm(int threads, Order order, bool with_bias) const {
    constexpr bool kPerRow = flavour == QuantizationFlavor::kIntegerWithPerRowMultiplier;
    MatrixParams<Lhs> lhs_params;
    SetOrders(shape, &lhs_params, order);
    lhs_params.zero_point = static_cast<Lhs>(lhs_zero_point);
    MatrixParams<Rhs> rhs_params;
    rhs_params.rows = shape.depth;
    rhs_params.cols = shape.cols;
    rhs_params.zero_point = static_cast<Rhs>(rhs_zero_point);
    MatrixParams<Dst> dst_params;
    dst_params.rows = shape.rows;
    dst_params.cols = shape.cols;
    GemmParams<int32_t, Dst, flavour> params;
    if constexpr (!std::is_same_v<Dst, int32_t>) {
      dst_params.zero_point = static_cast<Dst>(dst_zero_point);
      if (kPerRow) {
        params.multiplier_fixedpoint_perchannel = scaling.multiplier.data();
        params.multiplier_exponent_perchannel = scaling.exponent.data();
      } else {
        params.multiplier_fixedpoint = scaling.multiplier[0];
        params.multiplier_exponent = scaling.exponent[0];
      }
      params.clamp_min = static_cast<Dst>(clamp_min);
      params.clamp_max = static_cast<Dst>(clamp_max);
    }
    if (with_bias) params.bias = bias.data();
    std::vector<Dst> got(shape.rows * shape.cols, 99);
    const auto ordered = order == Order::kRowMajor ? lhs : Transposed(lhs, shape);
    tflite::cpu_backend_gemm::Gemm(lhs_params, ordered.data(), rhs_params, rhs.data(), dst_params,
                                   got.data(), params, Context(threads));
    return got;
  }

  FullyConnectedParams ReferenceParams() const {
    FullyConnectedParams params = {};
    params.input_offset = -rhs_zero_point;
    params.weights_offset = -lhs_zero_point;
    params.output_offset = dst_zero_point;
    params.output_multiplier = scaling.multiplier[0];
    params.output_shift = scaling.exponent[0];
    params.quantized_activation_min = clamp_min;
    params.quantized_activation_max = clamp_max;
    return params;
  }

  std::vector<Dst> Reference(bool per_row) const {
    std::vector<Dst> expected(shape.rows * shape.cols);
    const RuntimeShape input({shape.cols, shape.depth}), weights({shape.rows, shape.depth}),
        biases({shape.rows}), output({shape.cols, shape.rows});
    const FullyConnectedParams params = ReferenceParams();
    if constexpr (std::is_same_v<Dst, int32_t>) {
      for (int col = 0; col < shape.cols; ++col) {
        for (int row = 0; row < shape.rows; ++row) {
          uint32_t sum = static_cast<uint32_t>(bias[row]);
          for (int i = 0; i < shape.depth; ++i) {
            sum += static_cast<uint32_t>((lhs[row * shape.depth + i] - lhs_zero_point) *
                                         (rhs[col * shape.depth + i] - rhs_zero_point));
          }
          expected[col * shape.rows + row] = static_cast<int32_t>(sum);
        }
      }
    } else if constexpr (std::is_same_v<Lhs, uint8_t>) {
      tflite::reference_ops::FullyConnected(params, input, rhs.data(), weights, lhs.data(), biases,
                                            bias.data(), output, expected.data());
    } else if (per_row) {
      tflite::reference_integer_ops::FullyConnectedPerChannel(
          params, scaling.multiplier.data(), scaling.exponent.data(), input, rhs.data(), weights,
          lhs.data(), biases, bias.data(), output, expected.data());
    } else {
      tflite::reference_integer_ops::FullyConnected(params, input, rhs.data(), weights, lhs.data(),
                                                    biases, bias.data(), output, expected.data());
    }
    return expected;
  }
};

template <typename Lhs, typename Rhs, typename Dst, QuantizationFlavor flavour>
void TestInteger(const char* name) {
  constexpr bool kPerRow = flavour == QuantizationFlavor::kIntegerWithPerRowMultiplier;
  Report report(name);
  for (const Shape& shape : Shapes()) {
    for (Values values : {Values::kAny, Values::kEnds}) {
      Product<Lhs, Rhs, Dst> product(shape, values);
      if (std::is_unsigned_v<Lhs> || (sizeof(Rhs) == 1 && !kPerRow)) {
        product.lhs_zero_point =
            RandomIn(std::numeric_limits<Lhs>::min(), std::numeric_limits<Lhs>::max());
      }
      if (sizeof(Rhs) == 1) {
        product.rhs_zero_point =
            RandomIn(std::numeric_limits<Rhs>::min(), std::numeric_limits<Rhs>::max());
      }
      if (sizeof(Dst) == 1) {
        product.dst_zero_point =
            RandomIn(std::numeric_limits<Dst>::min(), std::numeric_limits<Dst>::max());
      }
      const std::vector<Dst> expected = product.Reference(kPerRow);
      for (int threads : {1, 4}) {
        for (Order order : {Order::kRowMajor, Order::kColMajor}) {
          // No kernel has a column-major one of these.
          if (order == Order::kColMajor && std::is_unsigned_v<Lhs>) continue;
          if (order == Order::kColMajor && sizeof(Rhs) == 2 && sizeof(Dst) == 2) continue;
          report.Compare(product.template Gemm<flavour>(threads, order, true), expected,
                         values == Values::kEnds ? "ends" : "any", shape, threads);
        }
      }
    }
  }
}

// Products without a bias: those of BATCH_MATMUL.
void TestBatchMatMul() {
  Report report("BATCH_MATMUL int8 -> int8");
  for (const Shape& shape : Shapes()) {
    for (Values values : {Values::kAny, Values::kEnds}) {
      Product<int8_t, int8_t, int8_t> product(shape, values);
      product.lhs_zero_point = RandomIn(-128, 127);
      product.rhs_zero_point = RandomIn(-128, 127);
      const auto params = product.ReferenceParams();
      const RuntimeShape lhs({1, shape.rows, shape.depth}), rhs({1, shape.depth, shape.cols}),
          out({1, shape.rows, shape.cols});
      std::vector<int8_t> expected(shape.rows * shape.cols), got(expected.size());
      // The right-hand side is column-major for both.
      tflite::reference_ops::BatchMatMul<int8_t, int32_t>(params, lhs, product.lhs.data(), rhs,
                                                          product.rhs.data(), out, expected.data());
      for (int threads : {1, 4}) {
        tflite::optimized_ops::BatchMatMul(params, lhs, product.lhs.data(), rhs, product.rhs.data(),
                                           out, got.data(), Context(threads));
        report.Compare(got, expected, "int8", shape, threads);
        const auto transposed = Transposed(product.lhs, shape);
        tflite::optimized_ops::BatchMatMul(params, lhs, transposed.data(), rhs, product.rhs.data(),
                                           out, got.data(), Context(threads), true);
        report.Compare(got, expected, "int8 transposed", shape, threads);
      }
    }
  }
}

// What a convolution passes around, for 1 x 9 x 7 images and 3 x 3 filters.
struct ConvCase {
  int in_channels, out_channels, stride;
  RuntimeShape input, filter, bias, output, im2col;
  ConvParams params = {};

  ConvCase(int in, int out, int s) : in_channels(in), out_channels(out), stride(s) {
    const int height = (9 + s - 1) / s, width = (7 + s - 1) / s;
    input.ReplaceWith(4, std::vector<int32_t>{1, 9, 7, in}.data());
    filter.ReplaceWith(4, std::vector<int32_t>{out, 3, 3, in}.data());
    bias.ReplaceWith(1, std::vector<int32_t>{out}.data());
    output.ReplaceWith(4, std::vector<int32_t>{1, height, width, out}.data());
    im2col.ReplaceWith(4, std::vector<int32_t>{1, height, width, 9 * in}.data());
    params.stride_height = params.stride_width = s;
    params.dilation_height_factor = params.dilation_width_factor = 1;
    params.padding_values.height = ((height - 1) * s + 3 - 9) / 2;
    params.padding_values.width = ((width - 1) * s + 3 - 7) / 2;
    params.float_activation_min = -2;
    params.float_activation_max = 3;
  }
  Shape shape() const { return {out_channels, 9 * in_channels, output.FlatSize() / out_channels}; }
};

std::vector<ConvCase> ConvCases() {
  std::vector<ConvCase> cases;
  for (int in : {1, 3, 16, 35}) {
    for (int out : {1, 5, 24, 64}) {
      for (int stride : {1, 2}) cases.emplace_back(in, out, stride);
    }
  }
  return cases;
}

template <typename Input, typename Output>
void TestIntegerConv(const char* name) {
  Report report(name);
  for (ConvCase& conv : ConvCases()) {
    Product<int8_t, Input, Output> product(conv.shape(), Values::kAny);
    const auto input = RandomVector<Input>(conv.input.FlatSize());
    conv.params.input_offset = sizeof(Input) == 1 ? RandomIn(-127, 128) : 0;
    conv.params.output_offset = sizeof(Output) == 1 ? RandomIn(-128, 127) : 0;
    conv.params.quantized_activation_min = product.clamp_min;
    conv.params.quantized_activation_max = product.clamp_max;
    std::vector<Output> expected(conv.output.FlatSize()), got(expected.size());
    tflite::reference_integer_ops::ConvPerChannel(
        conv.params, product.scaling.multiplier.data(), product.scaling.exponent.data(), conv.input,
        input.data(), conv.filter, product.lhs.data(), conv.bias, product.bias.data(), conv.output,
        expected.data());
    for (int threads : {1, 4}) {
      std::vector<Input> im2col(conv.im2col.FlatSize());
      tflite::optimized_integer_ops::ConvPerChannel<Input, Output>(
          conv.params, product.scaling.multiplier.data(), product.scaling.exponent.data(),
          conv.input, input.data(), conv.filter, product.lhs.data(), conv.bias, product.bias.data(),
          conv.output, got.data(), conv.im2col, im2col.data(), Context(threads));
      report.Compare(got, expected, "conv", conv.shape(), threads);
    }
  }
}

void TestFloatAndUint8Conv() {
  Report floats("CONV_2D float");
  Report uint8("CONV_2D uint8");
  for (ConvCase& conv : ConvCases()) {
    const auto input = RandomVector<float>(conv.input.FlatSize());
    const auto filter = RandomVector<float>(conv.filter.FlatSize());
    const auto bias = RandomVector<float>(conv.out_channels);
    std::vector<float> expected(conv.output.FlatSize()), got(expected.size());
    tflite::reference_ops::Conv(conv.params, conv.input, input.data(), conv.filter, filter.data(),
                                conv.bias, bias.data(), conv.output, expected.data(),
                                RuntimeShape(), nullptr);

    Product<uint8_t, uint8_t, uint8_t> product(conv.shape(), Values::kAny);
    const auto input8 = RandomVector<uint8_t>(conv.input.FlatSize());
    conv.params.input_offset = -RandomIn(0, 255);
    conv.params.weights_offset = -RandomIn(0, 255);
    conv.params.output_offset = RandomIn(0, 255);
    conv.params.output_multiplier = product.scaling.multiplier[0];
    conv.params.output_shift = product.scaling.exponent[0];
    conv.params.quantized_activation_min = product.clamp_min;
    conv.params.quantized_activation_max = product.clamp_max;
    std::vector<uint8_t> expected8(expected.size()), got8(expected.size());
    tflite::reference_ops::Conv(conv.params, conv.input, input8.data(), conv.filter,
                                product.lhs.data(), conv.bias, product.bias.data(), conv.output,
                                expected8.data(), RuntimeShape(), nullptr, nullptr);
    for (int threads : {1, 4}) {
      std::vector<float> im2col(conv.im2col.FlatSize());
      tflite::optimized_ops::Conv(conv.params, conv.input, input.data(), conv.filter, filter.data(),
                                  conv.bias, bias.data(), conv.output, got.data(), conv.im2col,
                                  im2col.data(), Context(threads));
      floats.Compare(got, expected, "conv", conv.shape(), threads);
      std::vector<uint8_t> im2col8(conv.im2col.FlatSize());
      tflite::optimized_ops::Conv(conv.params, conv.input, input8.data(), conv.filter,
                                  product.lhs.data(), conv.bias, product.bias.data(), conv.output,
                                  got8.data(), conv.im2col, im2col8.data(), Context(threads));
      uint8.Compare(got8, expected8, "conv", conv.shape(), threads);
    }
  }
}

// Float activations that were quantised to int8, int8 weights with a scale per channel.
void TestHybridConv() {
  Report report("CONV_2D hybrid");
  for (ConvCase& conv : ConvCases()) {
    const auto input = RandomVector<int8_t>(conv.input.FlatSize());
    const auto filter = RandomVector<int8_t>(conv.filter.FlatSize());
    const auto bias = RandomVector<float>(conv.out_channels);
    std::vector<float> scaling_factor = {0.02f}, channel_scale(conv.out_channels);
    for (float& x : channel_scale) x = static_cast<float>(RandomIn(1, 50)) / 10000;
    std::vector<int32_t> input_offset = {RandomIn(-128, 127)};
    conv.params.float_activation_min = -100;
    conv.params.float_activation_max = 100;
    std::vector<float> expected(conv.output.FlatSize()), got(expected.size());
    tflite::reference_ops::HybridConvPerChannel(
        conv.params, scaling_factor.data(), conv.input, input.data(), conv.filter, filter.data(),
        conv.bias, bias.data(), conv.output, expected.data(), RuntimeShape(), nullptr,
        channel_scale.data(), input_offset.data());
    for (int threads : {1, 4}) {
      std::vector<int8_t> im2col(conv.im2col.FlatSize());
      std::vector<int32_t> scratch(conv.output.FlatSize()), row_sums(conv.out_channels);
      bool compute_row_sums = true;
      tflite::optimized_ops::HybridConvPerChannel(
          conv.params, scaling_factor.data(), conv.input, input.data(), conv.filter, filter.data(),
          conv.bias, bias.data(), conv.output, got.data(), conv.im2col, im2col.data(),
          channel_scale.data(), input_offset.data(),
          RuntimeShape({conv.output.FlatSize() / conv.out_channels, conv.out_channels}),
          scratch.data(), row_sums.data(), &compute_row_sums, Context(threads));
      report.Compare(got, expected, "conv", conv.shape(), threads);
    }
  }
}

// Hybrid FULLY_CONNECTED, SVDF and LSTM, and the products of the integer LSTM.
void TestTensorUtils() {
  Report hybrid("hybrid matrix x vectors");
  Report lstm("int8 x int8 -> int16 and int8, LSTM");
  for (const Shape& shape : Shapes()) {
    Product<int8_t, int8_t, int16_t> product(shape, Values::kAny);
    const std::vector<float> scales(shape.cols, 1e-5f);
    std::vector<int32_t> offsets(shape.cols), row_sums(shape.rows), row_sums2(shape.rows);
    for (int32_t& x : offsets) x = RandomIn(-128, 127);
    const size_t size = static_cast<size_t>(shape.rows) * shape.cols;
    std::vector<int32_t> scratch(size + 16);
    for (int threads : {1, 4}) {
      std::vector<float> expected(size, 0.5f), got(size, 0.5f);
      bool compute = true, compute2 = true;
      tflite::tensor_utils::PortableMatrixBatchVectorMultiplyAccumulate(
          product.lhs.data(), shape.rows, shape.depth, product.rhs.data(), scales.data(),
          shape.cols, expected.data(), nullptr, offsets.data(), scratch.data(), row_sums.data(),
          &compute, nullptr);
      tflite::tensor_utils::MatrixBatchVectorMultiplyAccumulate(
          product.lhs.data(), shape.rows, shape.depth, product.rhs.data(), scales.data(),
          shape.cols, got.data(), nullptr, offsets.data(), scratch.data(), row_sums2.data(),
          &compute2, Context(threads));
      hybrid.Compare(got, expected, "hybrid", shape, threads);

      std::vector<int16_t> expected16 = RandomVector<int16_t>(size), got16 = expected16;
      tflite::tensor_utils::PortableMatrixBatchVectorMultiplyAccumulate(
          product.rhs.data(), product.bias.data(), product.lhs.data(),
          product.scaling.multiplier[0], product.scaling.exponent[0], shape.cols, shape.depth,
          shape.rows, 0, scratch.data(), expected16.data(), nullptr);
      tflite::tensor_utils::MatrixBatchVectorMultiplyAccumulate(
          product.rhs.data(), product.bias.data(), product.lhs.data(),
          product.scaling.multiplier[0], product.scaling.exponent[0], shape.cols, shape.depth,
          shape.rows, 0, scratch.data(), got16.data(), Context(threads));
      lstm.Compare(got16, expected16, "int16", shape, threads);
    }
  }
}

}  // namespace

int main() {
  constexpr auto kUniform = QuantizationFlavor::kIntegerWithUniformMultiplier;
  constexpr auto kPerRow = QuantizationFlavor::kIntegerWithPerRowMultiplier;
  TestFloat();
  TestInteger<uint8_t, uint8_t, uint8_t, kUniform>("uint8 x uint8 -> uint8");
  TestInteger<uint8_t, uint8_t, int16_t, kUniform>("uint8 x uint8 -> int16");
  TestInteger<int8_t, int8_t, int8_t, kUniform>("int8 x int8 -> int8, per tensor");
  TestInteger<int8_t, int8_t, int8_t, kPerRow>("int8 x int8 -> int8, per channel");
  TestInteger<int8_t, int8_t, int16_t, kUniform>("int8 x int8 -> int16, per tensor");
  TestInteger<int8_t, int16_t, int16_t, kUniform>("int8 x int16 -> int16, per tensor");
  TestInteger<int8_t, int16_t, int16_t, kPerRow>("int8 x int16 -> int16, per channel");
  TestInteger<uint8_t, uint8_t, int32_t, kUniform>("uint8 x uint8 -> int32");
  TestInteger<int8_t, int8_t, int32_t, kUniform>("int8 x int8 -> int32");
  TestInteger<int8_t, int16_t, int32_t, kUniform>("int8 x int16 -> int32");
  TestBatchMatMul();
  TestFloatAndUint8Conv();
  TestIntegerConv<int8_t, int8_t>("CONV_2D int8");
  TestIntegerConv<int16_t, int16_t>("CONV_2D int16x8");
  TestHybridConv();
  TestTensorUtils();
  std::printf(failures ? "FAILED: %d flavours\n" : "all flavours agree\n", failures);
  return failures ? 1 : 0;
}
