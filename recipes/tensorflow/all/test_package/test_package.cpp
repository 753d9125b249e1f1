#include <cstdio>

#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/public/version.h"

int main() {
  tensorflow::Tensor sent(tensorflow::DT_FLOAT, tensorflow::TensorShape({2, 3}));
  sent.flat<float>().setConstant(0.5f);
  tensorflow::TensorProto message;
  sent.AsProtoTensorContent(&message);
  tensorflow::Tensor received;
  if (!received.FromProto(message)) return 1;
  std::printf("TensorFlow %s: %s\n", TF_VERSION_STRING, received.shape().DebugString().c_str());
  return received.flat<float>()(5) == 0.5f ? 0 : 1;
}
