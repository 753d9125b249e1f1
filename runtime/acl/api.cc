// The C API over the generated network.
#include <arm_compute/runtime/Scheduler.h>
#include <string.h>

#include <new>

#include "network.h"
#include "tfport/acl.h"

struct TfPortAclEngine {
  std::unique_ptr<tfport_acl::Network> network;
};

namespace {

std::string& LastError() {
  static std::string error;
  return error;
}

template <typename Tensors>
auto At(Tensors& tensors, int32_t index) -> decltype(&tensors[0]) {
  const bool there = index >= 0 && static_cast<size_t>(index) < tensors.size();
  return there ? &tensors[static_cast<size_t>(index)] : nullptr;
}

}  // namespace

TfPortAclEngine* TfPortAclEngineCreate(int32_t threads) {
  LastError().clear();
  arm_compute::Scheduler::get().set_num_threads(threads < 1 ? 1U : static_cast<unsigned>(threads));
  std::unique_ptr<TfPortAclEngine> engine(new (std::nothrow) TfPortAclEngine);
  if (engine == nullptr) return nullptr;
  engine->network = tfport_acl::MakeNetwork();
  if (engine->network->Open()) return engine.release();
  LastError() = engine->network->error();
  return nullptr;
}

void TfPortAclEngineDelete(TfPortAclEngine* engine) { delete engine; }

const char* TfPortAclLastError(void) { return LastError().c_str(); }

int32_t TfPortAclEngineGetInputTensorCount(const TfPortAclEngine* engine) {
  return static_cast<int32_t>(engine->network->inputs().size());
}

int32_t TfPortAclEngineGetOutputTensorCount(const TfPortAclEngine* engine) {
  return static_cast<int32_t>(engine->network->outputs().size());
}

TfPortAclTensor* TfPortAclEngineGetInputTensor(TfPortAclEngine* engine, int32_t index) {
  return At(engine->network->inputs(), index);
}

const TfPortAclTensor* TfPortAclEngineGetOutputTensor(const TfPortAclEngine* engine,
                                                      int32_t index) {
  return At(engine->network->outputs(), index);
}

TfPortAclStatus TfPortAclEngineInvoke(TfPortAclEngine* engine) {
  engine->network->Run();
  return kTfPortAclOk;
}

const char* TfPortAclTensorName(const TfPortAclTensor* tensor) { return tensor->name; }

TfPortAclType TfPortAclTensorType(const TfPortAclTensor* tensor) { return tensor->type; }

int32_t TfPortAclTensorNumDims(const TfPortAclTensor* tensor) { return tensor->dims; }

int32_t TfPortAclTensorDim(const TfPortAclTensor* tensor, int32_t index) {
  return index >= 0 && index < tensor->dims ? tensor->shape[index] : 0;
}

size_t TfPortAclTensorByteSize(const TfPortAclTensor* tensor) { return tensor->bytes; }

TfPortAclQuantizationParams TfPortAclTensorGetQuantizationParams(const TfPortAclTensor* tensor) {
  return tensor->quantization;
}

void* TfPortAclTensorData(const TfPortAclTensor* tensor) { return tensor->data; }

TfPortAclStatus TfPortAclTensorCopyFromBuffer(TfPortAclTensor* tensor, const void* data,
                                              size_t size) {
  if (size != tensor->bytes) return kTfPortAclError;
  memcpy(tensor->data, data, size);
  return kTfPortAclOk;
}

TfPortAclStatus TfPortAclTensorCopyToBuffer(const TfPortAclTensor* tensor, void* data,
                                            size_t size) {
  if (size != tensor->bytes) return kTfPortAclError;
  memcpy(data, tensor->data, size);
  return kTfPortAclOk;
}

extern "C" const char tfport_acl_manifest[];

const char* TfPortAclVersion(void) { return TFPORT_ACL_VERSION; }
const char* TfPortAclTarget(void) { return TFPORT_TARGET; }
const char* TfPortAclOpsManifest(void) { return tfport_acl_manifest; }
const char* TfPortAclModelName(void) { return tfport_acl::kModelName; }
const char* TfPortAclModelSha256(void) { return tfport_acl::kModelSha256; }
size_t TfPortAclModelBytes(void) { return tfport_acl::kModelBytes; }
uint32_t TfPortAclModelCrc32(void) { return tfport_acl::kModelCrc32; }
size_t TfPortAclArenaBytes(void) { return tfport_acl::kArenaBytes; }
int32_t TfPortAclFunctionCount(const TfPortAclEngine* engine) {
  return static_cast<int32_t>(engine->network->functions());
}
