#include <arm_compute/runtime/NEON/functions/NEActivationLayer.h>
#include <arm_compute/runtime/Tensor.h>
#include <stdio.h>

int main() {
  using namespace arm_compute;
  Tensor x;
  x.allocator()->init(TensorInfo(TensorShape(8U), 1, DataType::F32));
  NEActivationLayer relu;
  relu.configure(&x, nullptr, ActivationLayerInfo(ActivationLayerInfo::ActivationFunction::RELU));
  x.allocator()->allocate();
  float* values = reinterpret_cast<float*>(x.buffer());
  for (int i = 0; i < 8; ++i) values[i] = static_cast<float>(i - 4);
  relu.run();
  printf("%g %g\n", values[0], values[7]);
  return values[0] == 0.0F && values[7] == 3.0F ? 0 : 1;
}
