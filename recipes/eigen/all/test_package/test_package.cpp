#include <Eigen/Core>
#include <cstdio>
#include <unsupported/Eigen/CXX11/Tensor>

int main() {
  Eigen::Matrix2f a;
  a << 1, 2, 3, 4;
  const Eigen::Matrix2f square = a * a;

  Eigen::Tensor<float, 3> tensor(2, 3, 4);
  tensor.setConstant(0.5f);
  const Eigen::Tensor<float, 0> sum = tensor.sum();

  std::printf("%g %g\n", square(1, 1), sum());
  return square(1, 1) == 22.0f && sum() == 12.0f ? 0 : 1;
}
