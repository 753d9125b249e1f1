#include "network.h"

#include <arm_compute/runtime/BlobLifetimeManager.h>
#include <arm_compute/runtime/OffsetLifetimeManager.h>
#include <arm_compute/runtime/PoolManager.h>
#include <string.h>

extern "C" const unsigned char tfport_acl_weights[];

namespace tfport_acl {

using arm_compute::DataLayout;
using arm_compute::ITensorInfo;
using arm_compute::QuantizationInfo;
using arm_compute::TensorInfo;
using arm_compute::TensorShape;

namespace {

constexpr size_t kAlignment = 64;

// The library only reads what it takes for weights, but has no type that says so.
uint8_t* Weights(size_t offset) { return const_cast<unsigned char*>(tfport_acl_weights) + offset; }

}  // namespace

TensorInfo Info(const TensorShape& shape, arm_compute::DataType type,
                const QuantizationInfo& quantization) {
  TensorInfo info(shape, 1, type, DataLayout::NHWC);
  info.set_quantization_info(quantization);
  return info;
}

QuantizationInfo Scales(size_t offset, size_t count) {
  std::vector<float> scales(count);
  memcpy(scales.data(), tfport_acl_weights + offset, count * sizeof(float));
  return QuantizationInfo(std::move(scales));
}

arm_compute::FullyConnectedLayerInfo FullyConnected(
    const arm_compute::ActivationLayerInfo& activation) {
  arm_compute::FullyConnectedLayerInfo info;
  info.activation_info = activation;
  return info;
}

Network::Network()
    : workspaces_(std::make_shared<arm_compute::MemoryManagerOnDemand>(
          std::make_shared<arm_compute::OffsetLifetimeManager>(),
          std::make_shared<arm_compute::PoolManager>())) {}

Network::~Network() { free(arena_); }

bool Network::Open() {
  void* arena = nullptr;
  if (posix_memalign(&arena, kAlignment, kArenaBytes) != 0) {
    error_ = "there is no memory for the arena";
    return false;
  }
  arena_ = static_cast<uint8_t*>(arena);
  if (!Build() || !GiveMemory()) return false;
  for (TfPortAclTensor& tensor : inputs_) tensor.data = arena_ + tensor.offset;
  for (TfPortAclTensor& tensor : outputs_) tensor.data = arena_ + tensor.offset;
  workspaces_->populate(allocator_, 1);
  for (const auto& function : functions_) function->prepare();
  return true;
}

void Network::Place(arm_compute::Tensor* tensor, const TensorInfo& info, size_t offset) {
  tensor->allocator()->init(info);
  placed_.push_back({tensor, arena_ + offset, info.total_size()});
}

void Network::PlaceWeights(arm_compute::Tensor* tensor, const TensorInfo& info, size_t offset) {
  tensor->allocator()->init(info);
  placed_.push_back({tensor, Weights(offset), info.total_size()});
}

std::unique_ptr<arm_compute::SubTensor> Network::Part(arm_compute::ITensor* whole,
                                                      const TensorShape& shape, int start) {
  return std::make_unique<arm_compute::SubTensor>(whole, shape,
                                                  arm_compute::Coordinates(start, 0, 0, 0));
}

std::vector<const ITensorInfo*> Network::InfoOf(const Tensors& tensors) {
  std::vector<const ITensorInfo*> infos;
  for (const arm_compute::ITensor* tensor : tensors) infos.push_back(tensor->info());
  return infos;
}

bool Network::Refused(const char* node, const arm_compute::Status& status) {
  error_ =
      std::string(node) + ": the Arm Compute Library refuses it: " + status.error_description();
  return false;
}

bool Network::GiveMemory() {
  for (const Placed& each : placed_) {
    // A function may have asked for room around a tensor, for which the plan has none.
    if (each.tensor->info()->total_size() != each.bytes) {
      error_ = "a function of the Arm Compute Library asks for padding";
      return false;
    }
    if (!static_cast<bool>(each.tensor->allocator()->import_memory(each.memory))) {
      error_ = "the Arm Compute Library refuses memory of ours";
      return false;
    }
  }
  return true;
}

}  // namespace tfport_acl
