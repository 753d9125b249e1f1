// classify MODEL.tflite IMAGE.npy, by the C++ API: the same as runtime/examples/classify.c.
#include <tensorflow/lite/interpreter.h>
#include <tensorflow/lite/kernels/register.h>
#include <tensorflow/lite/model.h>
#include <tensorflow/lite/schema/schema_generated.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 3) return 1;
  const std::unique_ptr<tflite::FlatBufferModel> model =
      tflite::FlatBufferModel::VerifyAndBuildFromFile(argv[1]);
  if (model == nullptr) return 2;
  // The schema's classes, and with them the library's FlatBuffers, are part of the C++ API.
  std::printf("subgraphs %u\n", static_cast<unsigned>(model->GetModel()->subgraphs()->size()));

  const tflite::ops::builtin::BuiltinOpResolver resolver;
  std::unique_ptr<tflite::Interpreter> interpreter;
  if (tflite::InterpreterBuilder(*model, resolver)(&interpreter) != kTfLiteOk) return 3;
  if (interpreter->SetNumThreads(2) != kTfLiteOk) return 4;
  if (interpreter->AllocateTensors() != kTfLiteOk) return 5;

  const size_t bytes = interpreter->input_tensor(0)->bytes;
  std::ifstream file(argv[2], std::ios::binary);
  unsigned char start[10];
  file.read(reinterpret_cast<char*>(start), sizeof(start));
  file.seekg(start[8] + 256 * start[9], std::ios::cur);
  file.read(reinterpret_cast<char*>(interpreter->typed_input_tensor<float>(0)),
            static_cast<std::streamsize>(bytes));
  if (!file) return 6;
  if (interpreter->Invoke() != kTfLiteOk) return 7;

  const float* scores = interpreter->typed_output_tensor<float>(0);
  const float* top = std::max_element(scores, scores + 1000);
  std::printf("%d %.6f\n", static_cast<int>(top - scores), static_cast<double>(*top));
  return 0;
}
