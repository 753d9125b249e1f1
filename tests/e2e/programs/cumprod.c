/* cumprod MODEL [--bare]: runs a model of one custom op, Cumprod, which the program itself brings.
 * Feeds 1, 2, 3, ... and prints the outputs. With --bare the op is not registered.
 */
#include <stdio.h>
#include <string.h>
#include <tensorflow/lite/c/c_api.h>
#include <tensorflow/lite/c/c_api_experimental.h>
#include <tensorflow/lite/c/common.h>

static int prepared;

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  const TfLiteTensor* input = &context->tensors[node->inputs->data[0]];
  TfLiteTensor* output = &context->tensors[node->outputs->data[0]];
  ++prepared;
  return context->ResizeTensor(context, output, TfLiteIntArrayCopy(input->dims));
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  const TfLiteTensor* input = &context->tensors[node->inputs->data[0]];
  TfLiteTensor* output = &context->tensors[node->outputs->data[0]];
  const size_t count = input->bytes / sizeof(float);
  float product = 1;
  for (size_t i = 0; i < count; ++i) output->data.f[i] = product *= input->data.f[i];
  return kTfLiteOk;
}

int main(int argc, char** argv) {
  TfLiteRegistration cumprod;
  memset(&cumprod, 0, sizeof(cumprod));
  cumprod.prepare = Prepare;
  cumprod.invoke = Invoke;
  cumprod.custom_name = "Cumprod";
  cumprod.version = 1;
  TfLiteModel* model = argc > 1 ? TfLiteModelCreateFromFile(argv[1]) : NULL;
  if (model == NULL) return 2;
  TfLiteInterpreterOptions* options = TfLiteInterpreterOptionsCreate();
  if (argc == 2) TfLiteInterpreterOptionsAddCustomOp(options, "Cumprod", &cumprod, 1, 1);
  TfLiteInterpreter* interpreter = TfLiteInterpreterCreate(model, options);
  if (interpreter == NULL) return 3;
  if (TfLiteInterpreterAllocateTensors(interpreter) != kTfLiteOk) return 4;
  TfLiteTensor* input = TfLiteInterpreterGetInputTensor(interpreter, 0);
  float* values = TfLiteTensorData(input);
  for (size_t i = 0; i < TfLiteTensorByteSize(input) / sizeof(float); ++i) values[i] = i + 1;
  if (TfLiteInterpreterInvoke(interpreter) != kTfLiteOk) return 5;
  const TfLiteTensor* output = TfLiteInterpreterGetOutputTensor(interpreter, 0);
  values = TfLiteTensorData(output);
  for (size_t i = 0; i < TfLiteTensorByteSize(output) / sizeof(float); ++i)
    printf("%g ", (double)values[i]);
  TfLiteInterpreterDelete(interpreter);
  TfLiteInterpreterOptionsDelete(options);
  TfLiteModelDelete(model);
  return prepared > 0 ? 0 : 6;
}
