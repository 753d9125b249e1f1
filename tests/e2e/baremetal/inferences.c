// Many inferences in a row on every core: the heap must be after the last as it is after the first
// few, and every result the same. With -DHEAP_KB=N there is so much heap and no more; with
// -DMODEL_AT=A the model lies at A, where a boot loader has put it, and MODEL_BYTES long.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <tensorflow/lite/c/c_api.h>
#include <tfport/baremetal.h>

#ifndef ROUNDS
#define ROUNDS 3
#endif

extern const unsigned char model_begin[], model_end[], input_begin[], input_end[];

#ifdef HEAP_KB
extern char tfport_bm_image_end[];

void tfport_bm_heap_region(uintptr_t* begin, uintptr_t* end) {
  *begin = (uintptr_t)tfport_bm_image_end;
  *end = *begin + HEAP_KB * 1024u;
}
#elif defined(MODEL_AT)
extern char tfport_bm_image_end[];

void tfport_bm_heap_region(uintptr_t* begin, uintptr_t* end) {
  *begin = (uintptr_t)tfport_bm_image_end;
  *end = MODEL_AT;
}
#endif

static int Fail(const char* what) {
  printf("error: %s\n", what);
  return 1;
}

static uint32_t HashOf(const TfLiteTensor* tensor) {
  const unsigned char* bytes = TfLiteTensorData(tensor);
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < TfLiteTensorByteSize(tensor); ++i) hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

int main(void) {
#ifdef MODEL_AT
  TfLiteModel* model = TfLiteModelCreate((const void*)MODEL_AT, MODEL_BYTES);
#else
  TfLiteModel* model = TfLiteModelCreate(model_begin, (size_t)(model_end - model_begin));
#endif
  if (model == NULL) return Fail("the model is damaged");
  TfLiteInterpreterOptions* options = TfLiteInterpreterOptionsCreate();
  TfLiteInterpreterOptionsSetNumThreads(options, (int32_t)tfport_bm_cores());
  TfLiteInterpreter* interpreter = TfLiteInterpreterCreate(model, options);
  if (interpreter == NULL) return Fail("no interpreter");
  if (TfLiteInterpreterAllocateTensors(interpreter) != kTfLiteOk) return Fail("no memory");
  size_t settled = 0;
  uint32_t hash = 0;
  for (int round = 0; round < ROUNDS; ++round) {
    TfLiteTensor* input = TfLiteInterpreterGetInputTensor(interpreter, 0);
    const size_t bytes = (size_t)(input_end - input_begin);
    if (TfLiteTensorCopyFromBuffer(input, input_begin, bytes) != kTfLiteOk) return Fail("input");
    if (TfLiteInterpreterInvoke(interpreter) != kTfLiteOk) return Fail("the inference failed");
    const uint32_t now = HashOf(TfLiteInterpreterGetOutputTensor(interpreter, 0));
    if (round == 0) hash = now;
    if (now != hash) return Fail("another result");
    if (round == 1) settled = tfport_bm_heap_used();
    if (round > 1 && tfport_bm_heap_used() != settled) return Fail("the heap grows");
  }
  printf("hash %08x, %u cores, %u us, heap %u bytes, before the inference %u\n", (unsigned)hash,
         tfport_bm_cores(), 0u, (unsigned)tfport_bm_heap_high_water(), (unsigned)settled);
  TfLiteInterpreterDelete(interpreter);
  TfLiteInterpreterOptionsDelete(options);
  TfLiteModelDelete(model);
  return 0;
}
