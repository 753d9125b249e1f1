/* classify MODEL.tflite IMAGE.npy: prints the most likely class of a float32 model and its score.
 */
#include <stdio.h>
#include <tensorflow/lite/c/c_api.h>

int main(int argc, char** argv) {
  TfLiteModel* model = argc == 3 ? TfLiteModelCreateFromFile(argv[1]) : NULL;
  TfLiteInterpreter* interpreter = TfLiteInterpreterCreate(model, NULL);
  if (!interpreter || TfLiteInterpreterAllocateTensors(interpreter) != kTfLiteOk) return 1;
  TfLiteTensor* input = TfLiteInterpreterGetInputTensor(interpreter, 0);
  const size_t bytes = TfLiteTensorByteSize(input);
  unsigned char start[10];
  FILE* file = fopen(argv[2], "rb");
  if (!file || fread(start, 1, 10, file) != 10) return 1;
  fseek(file, start[8] + 256 * start[9], SEEK_CUR); /* the rest of the header of .npy */
  if (fread(TfLiteTensorData(input), 1, bytes, file) != bytes) return 1;
  if (TfLiteInterpreterInvoke(interpreter) != kTfLiteOk) return 1;
  const TfLiteTensor* output = TfLiteInterpreterGetOutputTensor(interpreter, 0);
  const float* scores = TfLiteTensorData(output);
  size_t top = 0;
  for (size_t i = 1; i < TfLiteTensorByteSize(output) / sizeof(float); ++i)
    if (scores[i] > scores[top]) top = i;
  printf("%zu %.6f\n", top, scores[top]);
  return 0;
}
