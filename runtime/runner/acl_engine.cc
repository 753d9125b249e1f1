// The engine on a network that was compiled for the Arm Compute Library. There is no model to load:
// the file that is named must be the one that was compiled, or its name alone.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tfport/acl.h>

#include "engine.h"

namespace runner {
namespace {

DType TypeOf(const TfPortAclTensor* tensor) {
  switch (TfPortAclTensorType(tensor)) {
    case kTfPortAclInt8:
      return DType::kInt8;
    case kTfPortAclUInt8:
      return DType::kUint8;
    default:
      return DType::kFloat32;
  }
}

TensorInfo InfoOf(const TfPortAclTensor* tensor) {
  TensorInfo info;
  info.name = TfPortAclTensorName(tensor);
  info.dtype = TypeOf(tensor);
  for (int32_t i = 0; i < TfPortAclTensorNumDims(tensor); ++i) {
    info.shape.push_back(TfPortAclTensorDim(tensor, i));
  }
  return info;
}

uint32_t Crc32(uint32_t crc, const unsigned char* bytes, size_t count) {
  static uint32_t table[256];
  if (table[1] == 0) {
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t entry = i;
      for (int bit = 0; bit < 8; ++bit) entry = (entry >> 1) ^ ((entry & 1) * 0xEDB88320U);
      table[i] = entry;
    }
  }
  for (size_t i = 0; i < count; ++i) crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xFF];
  return crc;
}

class AclEngine : public Engine {
 public:
  ~AclEngine() override { TfPortAclEngineDelete(engine_); }

  const char* runtime() const override { return "acl"; }
  const char* models() const override {
    return "the .tflite file that was compiled into this program, or its name";
  }
  const char* version() const override { return TfPortAclVersion(); }
  const char* target() const override { return TfPortAclTarget(); }

  void SetVerbose(bool) override {}
  Status Load(const Options& options) override;
  const std::vector<TensorInfo>& inputs() const override { return inputs_; }
  int FindInput(const std::string& name) const override;
  Status Prepare(const std::vector<Shape>&) override { return {}; }
  void* InputData(size_t index, size_t* bytes) override;
  bool KeepsInputs() const override { return true; }
  Status SetStrings(size_t, const std::vector<std::string>&) override {
    return {kExitInput, "no input takes strings"};
  }
  Status Invoke() override;
  Status Outputs(std::vector<OutputView>* outputs) override;
  EngineFacts Facts() override;

 private:
  TfPortAclEngine* engine_ = nullptr;
  std::vector<TensorInfo> inputs_;
  std::vector<size_t> outputs_;
};

// Whether the file is the one that was compiled.
Status CheckModel(const std::string& path) {
  FILE* file = fopen(path.c_str(), "rb");
  if (file == nullptr) {
    if (path == TfPortAclModelName()) return {};
    return {kExitModel, "cannot read the model '" + path + "': " + strerror(errno)};
  }
  uint32_t crc = 0xFFFFFFFFU;
  size_t bytes = 0;
  unsigned char block[4096];
  for (size_t got = 0; (got = fread(block, 1, sizeof block, file)) > 0; bytes += got) {
    crc = Crc32(crc, block, got);
  }
  fclose(file);
  if (bytes == TfPortAclModelBytes() && ~crc == TfPortAclModelCrc32()) return {};
  return {kExitModel, "'" + path + "' is not the model that was compiled into this program, " +
                          TfPortAclModelName() + " (sha256 " + TfPortAclModelSha256() + ")"};
}

Status AclEngine::Load(const Options& options) {
  Status status = CheckModel(options.model);
  if (!status.ok()) return status;
  if (!options.signature.empty()) {
    return {kExitModel, "a compiled model has no signatures; leave --signature out"};
  }
  engine_ = TfPortAclEngineCreate(options.threads);
  if (engine_ == nullptr) {
    const std::string why = TfPortAclLastError();
    return {kExitInvoke, why.empty() ? "out of memory" : why};
  }
  for (int32_t i = 0; i < TfPortAclEngineGetInputTensorCount(engine_); ++i) {
    inputs_.push_back(InfoOf(TfPortAclEngineGetInputTensor(engine_, i)));
  }
  std::vector<TensorInfo> known;
  for (int32_t i = 0; i < TfPortAclEngineGetOutputTensorCount(engine_); ++i) {
    known.push_back(InfoOf(TfPortAclEngineGetOutputTensor(engine_, i)));
  }
  return ChooseOutputs(known, options.fetch, &outputs_);
}

int AclEngine::FindInput(const std::string& name) const {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

void* AclEngine::InputData(size_t index, size_t* bytes) {
  TfPortAclTensor* tensor = TfPortAclEngineGetInputTensor(engine_, static_cast<int32_t>(index));
  *bytes = TfPortAclTensorByteSize(tensor);
  return TfPortAclTensorData(tensor);
}

Status AclEngine::Invoke() {
  if (TfPortAclEngineInvoke(engine_) == kTfPortAclOk) return {};
  return {kExitInvoke, "the inference failed"};
}

Status AclEngine::Outputs(std::vector<OutputView>* outputs) {
  for (const size_t index : outputs_) {
    const TfPortAclTensor* tensor =
        TfPortAclEngineGetOutputTensor(engine_, static_cast<int32_t>(index));
    OutputView view;
    view.info = InfoOf(tensor);
    view.data = TfPortAclTensorData(tensor);
    outputs->push_back(std::move(view));
  }
  return {};
}

EngineFacts AclEngine::Facts() {
  EngineFacts facts;
  facts.nodes = TfPortAclFunctionCount(engine_);
  facts.arena_bytes = TfPortAclArenaBytes();
  facts.model_bytes = TfPortAclModelBytes();
  return facts;
}

}  // namespace

std::unique_ptr<Engine> MakeEngine() { return std::make_unique<AclEngine>(); }

const char* LackingCpuFeature() { return TfPortAclCheckCpu(); }

}  // namespace runner
