// An image without an operating system: runs the model that is linked in on what is linked in, on
// every core, and prints the largest value of each output and a hash over all outputs.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <tensorflow/lite/c/c_api.h>
#include <tfport/baremetal.h>
#include <tfport/tfport.h>

extern const unsigned char model_begin[], model_end[], input_begin[], input_end[];

static int Fail(const char* what) {
  printf("error: %s\n", what);
  return 1;
}

static double ValueAt(const TfLiteTensor* tensor, size_t i) {
  const void* data = TfLiteTensorData(tensor);
  const TfLiteQuantizationParams scale = TfLiteTensorQuantizationParams(tensor);
  if (TfLiteTensorType(tensor) == kTfLiteFloat32) return ((const float*)data)[i];
  if (TfLiteTensorType(tensor) == kTfLiteInt8)
    return (((const int8_t*)data)[i] - scale.zero_point) * (double)scale.scale;
  return (((const uint8_t*)data)[i] - scale.zero_point) * (double)scale.scale;
}

int main(void) {
  TfLiteModel* model = TfLiteModelCreate(model_begin, (size_t)(model_end - model_begin));
  if (model == NULL) return Fail("the model is damaged");
  TfLiteInterpreterOptions* options = TfLiteInterpreterOptionsCreate();
  TfLiteInterpreterOptionsSetNumThreads(options, (int32_t)tfport_bm_cores());
  TfLiteInterpreter* interpreter = TfLiteInterpreterCreate(model, options);
  if (interpreter == NULL) return Fail("the model needs what this library lacks");
  if (TfLiteInterpreterAllocateTensors(interpreter) != kTfLiteOk) return Fail("no memory");
  const unsigned char* at = input_begin;
  for (int32_t i = 0; i < TfLiteInterpreterGetInputTensorCount(interpreter); ++i) {
    TfLiteTensor* tensor = TfLiteInterpreterGetInputTensor(interpreter, i);
    const size_t bytes = TfLiteTensorByteSize(tensor);
    if (bytes > (size_t)(input_end - at)) return Fail("the input is too short");
    if (bytes > 0) TfLiteTensorCopyFromBuffer(tensor, at, bytes);
    at += bytes;
  }
  const size_t ready = tfport_bm_heap_used();
  const uint64_t start = tfport_bm_ticks();
  if (TfLiteInterpreterInvoke(interpreter) != kTfLiteOk) return Fail("the inference failed");
  const uint64_t ticks = tfport_bm_ticks() - start;
  uint32_t hash = 2166136261u;  // FNV-1a
  for (int32_t k = 0; k < TfLiteInterpreterGetOutputTensorCount(interpreter); ++k) {
    const TfLiteTensor* tensor = TfLiteInterpreterGetOutputTensor(interpreter, k);
    const unsigned char* bytes = TfLiteTensorData(tensor);
    const size_t size = TfLiteTensorByteSize(tensor);
    for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 16777619u;
    size_t elements = 1, best = 0;
    for (int32_t d = 0; d < TfLiteTensorNumDims(tensor); ++d)
      elements *= TfLiteTensorDim(tensor, d);
    if (TfLiteTensorType(tensor) != kTfLiteFloat32 && size != elements) continue;
    for (size_t i = 1; i < elements; ++i)
      best = ValueAt(tensor, i) > ValueAt(tensor, best) ? i : best;
    printf("output %d: largest at %u, %f\n", (int)k, (unsigned)best, ValueAt(tensor, best));
  }
  printf("hash %08x, %u cores, %u us, heap %u bytes, before the inference %u\n", (unsigned)hash,
         tfport_bm_cores(), (unsigned)(ticks * 1000000 / tfport_bm_ticks_per_second()),
         (unsigned)tfport_bm_heap_high_water(), (unsigned)ready);
  return 0;
}
