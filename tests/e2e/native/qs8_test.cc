// 8-bit convolutions and fully connected layers of XNNPACK against plain loops.
//
// Shapes leave remainders in pixels, in input and in output channels; activations go down to -128
// and weights to both ends of their range, -127 and 127, where sums in 16 bits have no room left;
// zero points and bounds of the output are drawn as well. All values have to be equal: sums are of
// integers, and the results are scaled in single precision and rounded to even.
//
// Prints one line per kind of layer and the microkernels that ran; the exit code is 1 if a value
// differs.

#include <pthreadpool.h>
#include <xnnpack.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

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
bool OneIn(int n) { return RandomIn(1, n) == 1; }

// Mostly the low end where `ends` is set: the largest sums there can be.
void Fill(std::vector<int8_t>* data, int low, bool ends) {
  for (int8_t& x : *data) {
    x = static_cast<int8_t>(ends ? (OneIn(4) ? 127 : low) : RandomIn(low, 127));
  }
}

void Check(xnn_status status, const char* what) {
  if (status == xnn_status_success) return;
  std::printf("%s: status %d\n", what, status);
  std::exit(1);
}

// All kinds are convolutions of some kind; a fully connected layer has one pixel per row.
struct Layer {
  int batch = 1, height, width, kernel, stride, dilation, padding, groups, in, out;
  int in_zero, out_zero, out_min, out_max;
  float in_scale, out_scale;
  bool ends;
  std::vector<int8_t> input, weights;
  std::vector<int32_t> bias;
  std::vector<float> scales;

  int in_channels() const { return groups * in; }
  int out_channels() const { return groups * out; }

  void Draw() {
    in_zero = OneIn(3) ? -128 : RandomIn(-128, 127);
    out_zero = RandomIn(-128, 127);
    out_min = OneIn(2) ? -128 : RandomIn(-128, 0);
    out_max = OneIn(2) ? 127 : RandomIn(1, 127);
    ends = OneIn(2);
    in_scale = 0.5f;
    out_scale = ends ? 40.0f : 1.3f;
    input.resize(static_cast<size_t>(batch) * height * width * in_channels() + XNN_EXTRA_BYTES);
    weights.resize(static_cast<size_t>(out_channels()) * kernel * kernel * in);
    bias.resize(out_channels());
    scales.resize(out_channels());
    Fill(&input, -128, ends);
    Fill(&weights, -127, ends);
    for (int32_t& x : bias) x = RandomIn(-100000, 100000);
    for (float& x : scales) x = std::exp2(-static_cast<float>(RandomIn(0, 60)) / 16.0f) / 100.0f;
  }

  int8_t Requantise(int32_t sum, int channel) const {
    const float scaled = static_cast<float>(sum) * (in_scale * scales[channel] / out_scale);
    const float result = std::nearbyint(scaled) + static_cast<float>(out_zero);
    return static_cast<int8_t>(
        std::clamp(result, static_cast<float>(out_min), static_cast<float>(out_max)));
  }

  int32_t Product(int image, int y, int x, int out_channel, int weight_y, int weight_x) const {
    const int group = out_channel / out;
    const int8_t* pixel =
        &input[((static_cast<size_t>(image) * height + y) * width + x) * in_channels() +
               group * in];
    const int8_t* weight =
        &weights[((static_cast<size_t>(out_channel) * kernel + weight_y) * kernel + weight_x) * in];
    int32_t sum = 0;
    for (int c = 0; c < in; ++c) sum += (pixel[c] - in_zero) * weight[c];
    return sum;
  }
};

struct Output {
  int height, width;
  std::vector<int8_t> data;

  Output(const Layer& layer, int h, int w)
      : height(h),
        width(w),
        data(static_cast<size_t>(layer.batch) * h * w * layer.out_channels() + XNN_EXTRA_BYTES,
             85) {}
};

// `term(image, y, x, channel)` is the sum of products of an output value.
template <typename Term>
int Different(const Layer& layer, const Output& output, Term term) {
  int different = 0;
  size_t at = 0;
  for (int image = 0; image < layer.batch; ++image) {
    for (int y = 0; y < output.height; ++y) {
      for (int x = 0; x < output.width; ++x) {
        for (int c = 0; c < layer.out_channels(); ++c) {
          const int32_t sum = layer.bias[c] + term(image, y, x, c);
          different += output.data[at++] != layer.Requantise(sum, c);
        }
      }
    }
  }
  // Nothing may be written beyond the output.
  for (; at < output.data.size(); ++at) different += output.data[at] != 85;
  return different;
}

void Run(xnn_operator_t op, pthreadpool_t threads) {
  Check(xnn_run_operator(op, threads), "run");
  Check(xnn_delete_operator(op), "delete");
}

int Convolution(const Layer& layer, pthreadpool_t threads, size_t* values) {
  const int extent = (layer.kernel - 1) * layer.dilation + 1;
  Output output(layer, (layer.height + 2 * layer.padding - extent) / layer.stride + 1,
                (layer.width + 2 * layer.padding - extent) / layer.stride + 1);
  const uint32_t p = layer.padding, k = layer.kernel, s = layer.stride, d = layer.dilation;
  const uint32_t flags = OneIn(2) ? XNN_FLAG_TRANSIENT_INDIRECTION_BUFFER : 0;
  xnn_operator_t op = nullptr;
  Check(xnn_create_convolution2d_nhwc_qs8_qc8w(
            p, p, p, p, k, k, s, s, d, d, layer.groups, layer.in, layer.out, layer.in_channels(),
            layer.out_channels(), layer.in_zero, layer.in_scale, layer.scales.data(),
            layer.weights.data(), layer.bias.data(), layer.out_zero, layer.out_scale, layer.out_min,
            layer.out_max, flags, nullptr, nullptr, &op),
        "create a convolution");
  size_t bytes = 0, alignment = 0, height = 0, width = 0;
  Check(xnn_reshape_convolution2d_nhwc_qs8_qc8w(op, layer.batch, layer.height, layer.width, &bytes,
                                                &alignment, &height, &width, threads),
        "reshape a convolution");
  std::vector<uint64_t> workspace(bytes / 8 + 16);
  void* aligned = reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(workspace.data()) + 63) &
                                          ~static_cast<uintptr_t>(63));
  Check(xnn_setup_convolution2d_nhwc_qs8_qc8w(op, aligned, layer.input.data(), output.data.data()),
        "set up a convolution");
  Run(op, threads);
  *values += output.data.size() - XNN_EXTRA_BYTES;
  return Different(layer, output, [&](int image, int out_y, int out_x, int c) {
    int32_t sum = 0;
    for (int i = 0; i < layer.kernel; ++i) {
      for (int j = 0; j < layer.kernel; ++j) {
        const int y = out_y * layer.stride + i * layer.dilation - layer.padding;
        const int x = out_x * layer.stride + j * layer.dilation - layer.padding;
        if (y < 0 || y >= layer.height || x < 0 || x >= layer.width) continue;
        sum += layer.Product(image, y, x, c, i, j);
      }
    }
    return sum;
  });
}

int Transposed(const Layer& layer, pthreadpool_t threads, size_t* values) {
  const auto size = [&](int in) {
    return layer.stride * (in - 1) + (layer.kernel - 1) * layer.dilation + 1 - 2 * layer.padding;
  };
  Output output(layer, size(layer.height), size(layer.width));
  const uint32_t p = layer.padding, k = layer.kernel, s = layer.stride, d = layer.dilation;
  xnn_operator_t op = nullptr;
  Check(xnn_create_deconvolution2d_nhwc_qs8_qc8w(
            p, p, p, p, k, k, s, s, d, d, layer.groups, layer.in, layer.out, layer.in_channels(),
            layer.out_channels(), layer.in_zero, layer.in_scale, layer.scales.data(),
            layer.weights.data(), layer.bias.data(), layer.out_zero, layer.out_scale, layer.out_min,
            layer.out_max, 0, nullptr, nullptr, &op),
        "create a transposed convolution");
  size_t height = 0, width = 0;
  Check(xnn_reshape_deconvolution2d_nhwc_qs8_qc8w(op, layer.batch, layer.height, layer.width, 0, 0,
                                                  &height, &width, threads),
        "reshape a transposed convolution");
  Check(xnn_setup_deconvolution2d_nhwc_qs8_qc8w(op, layer.input.data(), output.data.data()),
        "set up a transposed convolution");
  Run(op, threads);
  *values += output.data.size() - XNN_EXTRA_BYTES;
  return Different(layer, output, [&](int image, int out_y, int out_x, int c) {
    int32_t sum = 0;
    for (int i = 0; i < layer.kernel; ++i) {
      for (int j = 0; j < layer.kernel; ++j) {
        const int y = out_y + layer.padding - i * layer.dilation;
        const int x = out_x + layer.padding - j * layer.dilation;
        if (y < 0 || x < 0 || y % layer.stride != 0 || x % layer.stride != 0) continue;
        if (y / layer.stride >= layer.height || x / layer.stride >= layer.width) continue;
        sum += layer.Product(image, y / layer.stride, x / layer.stride, c, i, j);
      }
    }
    return sum;
  });
}

int FullyConnected(const Layer& layer, pthreadpool_t threads, size_t* values) {
  Output output(layer, 1, 1);
  xnn_operator_t op = nullptr;
  Check(xnn_create_fully_connected_nc_qs8_qc8w(
            layer.in, layer.out, layer.in, layer.out, layer.in_zero, layer.in_scale,
            layer.scales.data(), layer.weights.data(), layer.bias.data(), layer.out_zero,
            layer.out_scale, layer.out_min, layer.out_max, 0, nullptr, nullptr, &op),
        "create a fully connected layer");
  Check(xnn_reshape_fully_connected_nc_qs8_qc8w(op, layer.batch, threads),
        "reshape a fully connected layer");
  Check(xnn_setup_fully_connected_nc_qs8_qc8w(op, layer.input.data(), output.data.data()),
        "set up a fully connected layer");
  Run(op, threads);
  *values += output.data.size() - XNN_EXTRA_BYTES;
  return Different(layer, output,
                   [&](int image, int, int, int c) { return layer.Product(image, 0, 0, c, 0, 0); });
}

Layer Drawn(int kernel, int in, int out, int groups) {
  Layer layer;
  layer.batch = OneIn(3) ? 2 : 1;
  layer.height = RandomIn(1, 9);
  layer.width = RandomIn(1, 14);
  layer.kernel = kernel;
  layer.stride = RandomIn(1, 2);
  layer.dilation = kernel > 1 && OneIn(4) ? 2 : 1;
  const int extent = (kernel - 1) * layer.dilation + 1;
  layer.padding = kernel > 1 ? RandomIn(0, 1) : 0;
  layer.height = std::max(layer.height, extent);
  layer.width = std::max(layer.width, extent);
  layer.groups = groups;
  layer.in = in;
  layer.out = out;
  return layer;
}

}  // namespace

int main() {
  Check(xnn_initialize(nullptr), "initialize");
  pthreadpool_t pool = pthreadpool_create(4);
  using Test = int (*)(const Layer&, pthreadpool_t, size_t*);
  const struct {
    const char* name;
    Layer (*draw)();
    Test test;
  } kinds[] = {
      {"1x1", [] { return Drawn(1, RandomIn(1, 70), RandomIn(1, 40), 1); }, Convolution},
      {"3x3", [] { return Drawn(3, RandomIn(1, 70), RandomIn(1, 40), 1); }, Convolution},
      {"few channels", [] { return Drawn(RandomIn(2, 5), RandomIn(1, 5), RandomIn(4, 40), 1); },
       Convolution},
      {"grouped", [] { return Drawn(3, RandomIn(2, 20), RandomIn(2, 20), RandomIn(2, 3)); },
       Convolution},
      {"depthwise", [] { return Drawn(RandomIn(2, 5), 1, 1, OneIn(2) ? 16 : RandomIn(2, 70)); },
       Convolution},
      {"depthwise, several for a channel",
       [] { return Drawn(3, 1, RandomIn(2, 4), RandomIn(2, 20)); }, Convolution},
      {"transposed", [] { return Drawn(RandomIn(2, 4), RandomIn(1, 40), RandomIn(1, 20), 1); },
       Transposed},
      {"fully connected",
       [] {
         Layer layer = Drawn(1, RandomIn(1, 300), RandomIn(1, 200), 1);
         layer.height = layer.width = 1;
         layer.batch = OneIn(2) ? 1 : RandomIn(2, 9);
         return layer;
       },
       FullyConnected},
  };
  int failures = 0;
  for (const auto& kind : kinds) {
    size_t values = 0;
    int different = 0;
    constexpr int kLayers = 60;
    for (int i = 0; i < kLayers; ++i) {
      Layer layer = kind.draw();
      layer.Draw();
      different += kind.test(layer, OneIn(3) ? pool : nullptr, &values);
    }
    std::printf("%s: %d layers, %zu values, %d differ\n", kind.name, kLayers, values, different);
    failures += different != 0;
  }
  const char* names[128];
  const size_t count = std::min<size_t>(xnn_get_ukernel_names(names, 128), 128);
  for (size_t i = 0; i < count; ++i) std::printf("ran %s\n", names[i]);
  pthreadpool_destroy(pool);
  return failures ? 1 : 0;
}
