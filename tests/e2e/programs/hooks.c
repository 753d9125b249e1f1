/* hooks MODE MODEL: the hooks of tfport.h, with what they were called for printed as one line of
 * JSON.
 *
 * count    counts the calls of all hooks over one inference with 3 threads
 * starve   lets the allocator fail at its first, second, third ... call, until a whole run succeeds
 * lonely   thread creation always fails
 * misuse   wrong calls and their status
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorflow/lite/c/c_api.h>
#include <tfport/tfport.h>

static int allocated, freed, misaligned, created, joined, logged, left = -1;
static int contexts_wrong;
static int context_of_hooks;

static void* Allocate(void* context, size_t alignment, size_t size) {
  void* pointer = NULL;
  contexts_wrong += context != &context_of_hooks;
  if (left == 0) return NULL;
  if (left > 0) --left;
  if (posix_memalign(&pointer, alignment, size) != 0) return NULL;
  misaligned +=
      alignment == 0 || (alignment & (alignment - 1)) != 0 || (uintptr_t)pointer % alignment;
  __atomic_add_fetch(&allocated, 1, __ATOMIC_RELAXED);
  return pointer;
}

static void Deallocate(void* context, void* pointer) {
  contexts_wrong += context != &context_of_hooks;
  contexts_wrong += pointer == NULL;
  __atomic_add_fetch(&freed, 1, __ATOMIC_RELAXED);
  free(pointer);
}

static int Create(void* context, void* (*entry)(void*), void* argument, void** handle) {
  pthread_t* thread = malloc(sizeof(*thread));
  contexts_wrong += context != &context_of_hooks;
  ++created;
  if (pthread_create(thread, NULL, entry, argument) != 0) return 1;
  *handle = thread;
  return 0;
}

static void Join(void* context, void* handle) {
  contexts_wrong += context != &context_of_hooks;
  ++joined;
  pthread_join(*(pthread_t*)handle, NULL);
  free(handle);
}

static int CreateNothing(void* context, void* (*entry)(void*), void* argument, void** handle) {
  (void)context, (void)entry, (void)argument, (void)handle;
  ++created;
  return 11;
}

static void Log(void* context, TfPortLogSeverity severity, const char* message) {
  contexts_wrong += context != &context_of_hooks;
  contexts_wrong += severity > kTfPortLogError || message[strlen(message) - 1] == '\n';
  ++logged;
}

/* Where a run ended: 0 when it went through. `sum` gets the sum of the first output's floats. */
static int Infer(const char* path, int threads, double* sum) {
  int stage = 0;
  TfLiteInterpreter* interpreter = NULL;
  TfLiteInterpreterOptions* options = TfLiteInterpreterOptionsCreate();
  TfLiteModel* model = TfLiteModelCreateFromFile(path);
  TfLiteInterpreterOptionsSetNumThreads(options, threads);
  if (model == NULL) {
    stage = 1;
  } else if ((interpreter = TfLiteInterpreterCreate(model, options)) == NULL) {
    stage = 2;
  } else if (TfLiteInterpreterAllocateTensors(interpreter) != kTfLiteOk) {
    stage = 3;
  } else {
    TfLiteTensor* input = TfLiteInterpreterGetInputTensor(interpreter, 0);
    float* values = TfLiteTensorData(input);
    for (size_t i = 0; i < TfLiteTensorByteSize(input) / sizeof(float); ++i)
      values[i] = (float)(i % 17) / 17.0f;
    if (TfLiteInterpreterInvoke(interpreter) != kTfLiteOk) {
      stage = 4;
    } else {
      const TfLiteTensor* output = TfLiteInterpreterGetOutputTensor(interpreter, 0);
      const float* results = TfLiteTensorData(output);
      *sum = 0;
      for (size_t i = 0; i < TfLiteTensorByteSize(output) / sizeof(float); ++i)
        *sum += (double)(results[i] * (float)(i + 1));
    }
  }
  if (interpreter != NULL) TfLiteInterpreterDelete(interpreter);
  TfLiteInterpreterOptionsDelete(options);
  if (model != NULL) TfLiteModelDelete(model);
  return stage;
}

static int Starve(const char* path) {
  int stages[5] = {0};
  int rounds, leaks = 0;
  TfPortMemoryUsage usage;
  for (rounds = 0; rounds < 5000; ++rounds) {
    double sum;
    left = rounds;
    const int stage = Infer(path, 1, &sum);
    ++stages[stage];
    TfPortGetMemoryUsage(&usage);
    leaks += usage.current_bytes != 0 || allocated != freed;
    if (left > 0) break; /* It had memory to spare: this run was whole. */
  }
  printf("{\"rounds\": %d, \"whole\": %d, \"refused\": %d, \"leaks\": %d, \"wrong\": %d}\n", rounds,
         stages[0], stages[1] + stages[2] + stages[3] + stages[4], leaks, contexts_wrong);
  return 0;
}

static int Misuse(const TfPortAllocator* allocator, const char* path) {
  TfPortAllocator no_allocate = *allocator;
  TfPortThreadHooks no_join = {Create, NULL, NULL};
  no_allocate.allocate = NULL;
  TfLiteModel* model = TfLiteModelCreateFromFile(path);
  TfLiteInterpreter* interpreter = TfLiteInterpreterCreate(model, NULL);
  if (interpreter == NULL || TfLiteInterpreterAllocateTensors(interpreter) != kTfLiteOk) return 1;
  const int busy = TfPortSetAllocator(NULL);
  TfLiteInterpreterDelete(interpreter);
  TfLiteModelDelete(model);
  printf("{\"busy\": %d, \"idle\": %d, \"no_allocate\": %d, \"no_join\": %d, \"no_options\": %d}\n",
         busy, TfPortSetAllocator(NULL), TfPortSetAllocator(&no_allocate),
         TfPortSetThreadHooks(&no_join), TfPortInterpreterOptionsSetXnnpack(NULL, 0));
  return 0;
}

int main(int argc, char** argv) {
  const TfPortAllocator allocator = {&context_of_hooks, Allocate, Deallocate};
  TfPortThreadHooks threads = {Create, Join, &context_of_hooks};
  double plain = 0, sum = 0;
  int stage;
  if (argc != 3) return 2;
  TfPortSetLogHandler(Log, &context_of_hooks);
  if (TfLiteModelCreateFromFile("/no/such/model.tflite") != NULL || logged == 0) return 6;
  if (Infer(argv[2], 1, &plain) != 0) return 3;
  if (strcmp(argv[1], "lonely") == 0) threads.create = CreateNothing;
  if (TfPortSetAllocator(&allocator) != kTfPortOk) return 4;
  if (TfPortSetThreadHooks(&threads) != kTfPortOk) return 5;
  if (strcmp(argv[1], "starve") == 0) return Starve(argv[2]);
  if (strcmp(argv[1], "misuse") == 0) return Misuse(&allocator, argv[2]);
  stage = Infer(argv[2], 3, &sum);
  printf("{\"stage\": %d, \"same\": %d, \"allocated\": %d, \"freed\": %d, \"misaligned\": %d, ",
         stage, sum - plain < 1e-6 && plain - sum < 1e-6 && plain != 0, allocated, freed,
         misaligned);
  printf("\"created\": %d, \"joined\": %d, \"logged\": %d, \"wrong\": %d}\n", created, joined,
         logged, contexts_wrong);
  return 0;
}
