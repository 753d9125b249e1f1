#include <stdio.h>

#include "tensorflow/lite/core/c/c_api.h"
#include "tensorflow/lite/core/kernels/register.h"

int main() {
  tflite::ops::builtin::BuiltinOpResolver resolver;
  const bool conv = resolver.FindOp(tflite::BuiltinOperator_CONV_2D, 1) != nullptr;
  const bool control_flow = resolver.FindOp(tflite::BuiltinOperator_WHILE, 1) != nullptr;
  printf("TensorFlow Lite %s\n", TfLiteVersion());
  return conv && control_flow && resolver.GetDelegateCreators().size() == 1 ? 0 : 1;
}
