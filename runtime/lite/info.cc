// Facts about the library and about an interpreter.
#include <stddef.h>

#include "tensorflow/lite/c/c_api_internal.h"
#include "tensorflow/lite/core/c/c_api.h"
#include "tfport/tfport.h"
#include "tfport/tfport_cxx.h"

#ifndef TFPORT_TARGET
#define TFPORT_TARGET "unknown"
#endif

extern "C" {

// Stands in until the SDK brings the manifest that is generated from its op set.
extern const char tfport_lite_manifest[] __attribute__((weak)) = "{}";

// From our XNNPACK patch; missing in a library that is cut to models which XNNPACK has no part in.
size_t xnn_get_ukernel_names(const char** names, size_t capacity) __attribute__((weak));

}  // extern "C"

namespace tflite {
namespace tfport {

size_t InterpreterArenaBytes(Interpreter* interpreter) {
  size_t bytes = 0;
  for (size_t i = 0; i < interpreter->subgraphs_size(); ++i) {
    Subgraph::SubgraphAllocInfo info = {};
    interpreter->subgraph(static_cast<int>(i))->GetMemoryAllocInfo(&info);
    bytes += info.arena_size + info.arena_persist_size;
  }
  return bytes;
}

}  // namespace tfport
}  // namespace tflite

extern "C" {

const char* TfPortVersion(void) { return TfLiteVersion(); }

const char* TfPortTarget(void) { return TFPORT_TARGET; }

const char* TfPortOpsManifest(void) { return tfport_lite_manifest; }

size_t TfPortKernelNames(const char** names, size_t capacity) {
  return xnn_get_ukernel_names != nullptr ? xnn_get_ukernel_names(names, capacity) : 0;
}

size_t TfPortInterpreterArenaBytes(const TfLiteInterpreter* interpreter) {
  return interpreter == nullptr ? 0
                                : tflite::tfport::InterpreterArenaBytes(interpreter->impl.get());
}

TfPortStatus TfPortInterpreterOptionsSetXnnpack(TfLiteInterpreterOptions* options, int enabled) {
  if (options == nullptr) return kTfPortInvalidArgument;
  options->use_default_delegates = enabled != 0;
  return kTfPortOk;
}

}  // extern "C"
