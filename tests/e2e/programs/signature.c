/* signature MODEL: lists the signatures of a model and runs "branch" and "count" of
 * graph_models.py, which hold IF, WHILE and a resource variable, by the C API.
 */
#include <stdio.h>
#include <tensorflow/lite/c/c_api.h>
#include <tensorflow/lite/c/c_api_experimental.h>

/* Feeds x, runs, and returns the output y. Both are one float. */
static float Run(TfLiteSignatureRunner* runner, float x) {
  TfLiteTensor* input = TfLiteSignatureRunnerGetInputTensor(runner, "x");
  float y = -1;
  if (TfLiteTensorCopyFromBuffer(input, &x, sizeof(x)) != kTfLiteOk) return -2;
  if (TfLiteSignatureRunnerInvoke(runner) != kTfLiteOk) return -3;
  if (TfLiteTensorCopyToBuffer(TfLiteSignatureRunnerGetOutputTensor(runner, "y"), &y, sizeof(y)) !=
      kTfLiteOk)
    return -4;
  return y;
}

int main(int argc, char** argv) {
  const char* names[] = {"branch", "count"};
  TfLiteModel* model = argc == 2 ? TfLiteModelCreateFromFile(argv[1]) : NULL;
  if (model == NULL) return 2;
  TfLiteInterpreter* interpreter = TfLiteInterpreterCreate(model, NULL);
  if (interpreter == NULL) return 3;
  printf("%d\n", (int)TfLiteInterpreterGetSignatureCount(interpreter));
  for (int i = 0; i < 2; ++i) {
    TfLiteSignatureRunner* runner = TfLiteInterpreterGetSignatureRunner(interpreter, names[i]);
    if (runner == NULL) return 4;
    if (TfLiteSignatureRunnerAllocateTensors(runner) != kTfLiteOk) return 5;
    const float first = Run(runner, 5);
    printf("%s %g %g\n", names[i], (double)first, (double)Run(runner, -5));
    TfLiteSignatureRunnerDelete(runner);
  }
  TfLiteInterpreterDelete(interpreter);
  TfLiteModelDelete(model);
  return 0;
}
