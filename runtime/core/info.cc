// Facts about the library, its log, and the way to its fast kernels.
#include <stddef.h>
#include <stdlib.h>
#include <tensorflow/c/c_api.h>
#include <tfport/core.h>

#ifndef TFPORT_TARGET
#define TFPORT_TARGET "unknown"
#endif

extern "C" {

// Stands in until the SDK brings the manifest that is generated from its selection.
extern const char tfport_core_manifest[] __attribute__((weak)) = "{}";

// From our patches to TensorFlow's kernels. Missing in a library that is cut to models which
// XNNPACK has no part in.
void tfport_core_set_xnnpack(int enabled) __attribute__((weak));
long tfport_core_xnnpack_ops(void) __attribute__((weak));
size_t tfport_core_packed_weights_bytes(void) __attribute__((weak));

// From our patch to XNNPACK.
size_t xnn_get_ukernel_names(const char** names, size_t capacity) __attribute__((weak));

void TfPortCoreSetMinimumLogSeverity(TfPortCoreLogSeverity severity) {
  const char level[] = {static_cast<char>('0' + severity), '\0'};
  setenv("TF_CPP_MIN_LOG_LEVEL", level, 1);
}

void TfPortCoreSetXnnpack(int enabled) {
  if (tfport_core_set_xnnpack != nullptr) tfport_core_set_xnnpack(enabled != 0);
}

long TfPortCoreXnnpackOps(void) {
  return tfport_core_xnnpack_ops != nullptr ? tfport_core_xnnpack_ops() : 0;
}

size_t TfPortCorePackedWeightsBytes(void) {
  return tfport_core_packed_weights_bytes != nullptr ? tfport_core_packed_weights_bytes() : 0;
}

size_t TfPortCoreKernelNames(const char** names, size_t capacity) {
  return xnn_get_ukernel_names != nullptr ? xnn_get_ukernel_names(names, capacity) : 0;
}

const char* TfPortCoreVersion(void) { return TF_Version(); }

const char* TfPortCoreTarget(void) { return TFPORT_TARGET; }

const char* TfPortCoreOpsManifest(void) { return tfport_core_manifest; }

}  // extern "C"
