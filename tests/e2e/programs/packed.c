/* packed MODE MODEL TIMES: reads a model into memory, as it would lie in flash, and runs it TIMES
 * times on a pattern. Prints the bytes of packed weights, the bytes of the allocator in use before
 * the first inference, and a sum over all outputs. Exit codes: 3 model refused, 6 interpreter
 * refused, 1 anything else.
 *
 * MODE: default, explicit (a delegate of the program's own), cached (the same with a weights
 * cache), off. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/lite/c/c_api.h"
#include "tensorflow/lite/delegates/xnnpack/xnnpack_delegate.h"
#include "tfport/tfport.h"

static void* read_file(const char* path, size_t* size) {
  void* memory = NULL;
  FILE* file = fopen(path, "rb");
  if (file == NULL) exit(1);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  if (posix_memalign(&memory, 64, *size + 1) != 0 || fread(memory, 1, *size, file) != *size)
    exit(1);
  fclose(file);
  return memory;
}

static void fill(TfLiteTensor* tensor) {
  uint8_t* bytes = TfLiteTensorData(tensor);
  size_t count = TfLiteTensorByteSize(tensor), i;
  if (TfLiteTensorType(tensor) == kTfLiteFloat32) {
    float* numbers = TfLiteTensorData(tensor);
    for (i = 0; i < count / sizeof(float); ++i) numbers[i] = (float)(i * 37 % 255) / 128.0f - 1.0f;
    return;
  }
  for (i = 0; i < count; ++i) bytes[i] = (uint8_t)(i * 37 % 255);
}

int main(int argc, char** argv) {
  size_t size = 0, k;
  if (argc != 4) return 2;
  void* memory = read_file(argv[2], &size);
  TfPortSetMinimumLogSeverity(kTfPortLogWarning);
  TfLiteModel* model = TfLiteModelCreate(memory, size);
  if (model == NULL) return 3;
  TfLiteInterpreterOptions* options = TfLiteInterpreterOptionsCreate();
  TfLiteDelegate* delegate = NULL;
  struct TfLiteXNNPackDelegateWeightsCache* cache = NULL;
  if (strcmp(argv[1], "default") != 0) TfPortInterpreterOptionsSetXnnpack(options, 0);
  if (strcmp(argv[1], "explicit") == 0 || strcmp(argv[1], "cached") == 0) {
    TfLiteXNNPackDelegateOptions how = TfLiteXNNPackDelegateOptionsDefault();
    if (strcmp(argv[1], "cached") == 0)
      how.weights_cache = cache = TfLiteXNNPackDelegateWeightsCacheCreate();
    delegate = TfLiteXNNPackDelegateCreate(&how);
    TfLiteInterpreterOptionsAddDelegate(options, delegate);
  }
  TfLiteInterpreter* interpreter = TfLiteInterpreterCreate(model, options);
  if (interpreter == NULL || TfLiteInterpreterAllocateTensors(interpreter) != kTfLiteOk) return 6;
  if (cache != NULL) TfLiteXNNPackDelegateWeightsCacheFinalizeHard(cache);
  TfPortMemoryUsage usage;
  TfPortGetMemoryUsage(&usage);
  for (k = 0; k < (size_t)TfLiteInterpreterGetInputTensorCount(interpreter); ++k)
    fill(TfLiteInterpreterGetInputTensor(interpreter, (int32_t)k));
  for (int times = atoi(argv[3]); times > 0; --times)
    if (TfLiteInterpreterInvoke(interpreter) != kTfLiteOk) return 1;
  uint64_t sum = 14695981039346656037u; /* FNV-1a */
  for (k = 0; k < (size_t)TfLiteInterpreterGetOutputTensorCount(interpreter); ++k) {
    const TfLiteTensor* output = TfLiteInterpreterGetOutputTensor(interpreter, (int32_t)k);
    const uint8_t* bytes = TfLiteTensorData(output);
    for (size_t i = 0; atoi(argv[3]) > 0 && i < TfLiteTensorByteSize(output); ++i)
      sum = (sum ^ bytes[i]) * 1099511628211u;
  }
  printf("{\"packed\": %zu, \"memory\": %zu, \"sum\": \"%016llx\"}\n",
         TfPortModelPackedBytes(model), usage.current_bytes, (unsigned long long)sum);
  TfLiteInterpreterDelete(interpreter);
  if (delegate != NULL) TfLiteXNNPackDelegateDelete(delegate);
  if (cache != NULL) TfLiteXNNPackDelegateWeightsCacheDelete(cache);
  TfLiteInterpreterOptionsDelete(options);
  TfLiteModelDelete(model);
  free(memory);
  return 0;
}
