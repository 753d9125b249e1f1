/* classify_core MODEL_FOLDER IMAGE [INPUT OUTPUT]: prints the most likely class of a float32 model
 * and its score. IMAGE is a .npy file or raw float32; INPUT and OUTPUT are names of operations, by
 * default the float placeholder and the float result that nothing else takes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorflow/c/c_api.h>
#include <tfport/core.h>

static int Fail(const char* what, const char* why) {
  fprintf(stderr, "classify_core: %s: %s\n", what, why);
  return 1;
}

/* The first float placeholder, or the first float result without a taker; NULL when there is none.
 */
static TF_Operation* Find(TF_Graph* graph, int input) {
  size_t position = 0;
  TF_Operation* op;
  while ((op = TF_GraphNextOperation(graph, &position)) != NULL) {
    const int placeholder = strcmp(TF_OperationOpType(op), "Placeholder") == 0;
    const TF_Output result = {op, 0};
    if (placeholder != input || TF_OperationNumOutputs(op) != 1) continue;
    if (TF_OperationOutputType(result) != TF_FLOAT) continue;
    if (input || TF_OperationOutputNumConsumers(result) == 0) return op;
  }
  return NULL;
}

/* Reads the floats of a file behind the header of .npy, if it has one. 0 when they are not just
 * `bytes`. */
static int Read(const char* path, void* data, size_t bytes) {
  unsigned char start[12] = {0};
  FILE* file = fopen(path, "rb");
  int whole = 0;
  if (file != NULL) {
    const size_t read = fread(start, 1, sizeof(start), file);
    long skip = 0;
    if (read == sizeof(start) && memcmp(start, "\x93NUMPY", 6) == 0) {
      skip = 10 + start[8] + 256L * start[9];
      if (start[6] > 1) skip = 12 + start[8] + 256L * start[9] + 65536L * start[10];
    }
    whole = fseek(file, skip, SEEK_SET) == 0 && fread(data, 1, bytes, file) == bytes &&
            fgetc(file) == EOF;
    fclose(file);
  }
  return whole;
}

int main(int argc, char** argv) {
  const char* const tags[] = {"serve"};
  int64_t shape[8];
  size_t bytes = sizeof(float), top = 0;
  if (argc != 3 && argc != 5) return Fail("usage", "MODEL_FOLDER IMAGE [INPUT OUTPUT]");
  TfPortCoreSetMinimumLogSeverity(kTfPortCoreLogError);

  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  TF_Session* session =
      TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  TF_DeleteSessionOptions(options);
  if (TF_GetCode(status) != TF_OK) return Fail(argv[1], TF_Message(status));

  TF_Output input = {argc == 5 ? TF_GraphOperationByName(graph, argv[3]) : Find(graph, 1), 0};
  TF_Output output = {argc == 5 ? TF_GraphOperationByName(graph, argv[4]) : Find(graph, 0), 0};
  if (input.oper == NULL || output.oper == NULL) return Fail(argv[1], "no such input or output");
  if (TF_OperationOutputType(input) != TF_FLOAT || TF_OperationOutputType(output) != TF_FLOAT)
    return Fail(argv[1], "the input or the output is not float32");
  const int rank = TF_GraphGetTensorNumDims(graph, input, status);
  if (rank < 0 || rank > 8) return Fail(argv[1], "the input has no shape that could be filled");
  TF_GraphGetTensorShape(graph, input, shape, rank, status);
  for (int i = 0; i < rank; ++i) {
    if (shape[i] < 0) shape[i] = 1; /* one image at a time */
    bytes *= (size_t)shape[i];
  }

  TF_Tensor* image = TF_AllocateTensor(TF_FLOAT, shape, rank, bytes);
  if (!Read(argv[2], TF_TensorData(image), bytes))
    return Fail(argv[2], "not an image of that size");
  TF_Tensor* result = NULL;
  TF_SessionRun(session, NULL, &input, &image, 1, &output, &result, 1, NULL, 0, NULL, status);
  if (TF_GetCode(status) != TF_OK) return Fail("the inference", TF_Message(status));
  const float* scores = TF_TensorData(result);
  for (size_t i = 1; i < TF_TensorByteSize(result) / sizeof(float); ++i)
    if (scores[i] > scores[top]) top = i;
  printf("%zu %.6f\n", top, scores[top]);

  TF_DeleteTensor(result);
  TF_DeleteTensor(image);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
