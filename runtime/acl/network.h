// What generated code stands on: tensors in one arena or among the weights, and functions of the
// library that are checked before they are configured.
#ifndef TFPORT_ACL_NETWORK_H_
#define TFPORT_ACL_NETWORK_H_

#include <arm_compute/core/TensorInfo.h>
#include <arm_compute/core/Types.h>
#include <arm_compute/core/utils/quantization/AsymmHelpers.h>
#include <arm_compute/function_info/FullyConnectedLayerInfo.h>
#include <arm_compute/runtime/Allocator.h>
#include <arm_compute/runtime/IFunction.h>
#include <arm_compute/runtime/MemoryManagerOnDemand.h>
#include <arm_compute/runtime/SubTensor.h>
#include <arm_compute/runtime/Tensor.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tfport/acl.h"

// A tensor of the API: an input or output of the network.
struct TfPortAclTensor {
  const char* name;
  TfPortAclType type;
  int32_t dims;
  int32_t shape[6];
  size_t bytes;
  TfPortAclQuantizationParams quantization;
  size_t offset;  // In the arena.
  uint8_t* data;  // Set by the network.
};

namespace tfport_acl {

using Tensors = std::vector<const arm_compute::ITensor*>;

class Network {
 public:
  Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  virtual ~Network();

  // Builds everything, transforms the weights. False when it cannot; error() says why.
  bool Open();

  void Run() {
    for (const auto& function : functions_) function->run();
  }

  const std::string& error() const { return error_; }
  size_t functions() const { return functions_.size(); }
  std::vector<TfPortAclTensor>& inputs() { return inputs_; }
  std::vector<TfPortAclTensor>& outputs() { return outputs_; }

 protected:
  // Generated: calls of Place and Add.
  virtual bool Build() = 0;

  // Gives a tensor its type, and after all functions know it, its memory.
  void Place(arm_compute::Tensor* tensor, const arm_compute::TensorInfo& info, size_t offset);
  void PlaceWeights(arm_compute::Tensor* tensor, const arm_compute::TensorInfo& info,
                    size_t offset);

  // Channels from `start` of `whole`, as a tensor by themselves.
  static std::unique_ptr<arm_compute::SubTensor> Part(arm_compute::ITensor* whole,
                                                      const arm_compute::TensorShape& shape,
                                                      int start);

  // Configures one function of the library; false when it refuses, with the node in error().
  template <typename Function, typename... Arguments>
  bool Add(const char* node, Arguments... arguments) {
    const arm_compute::Status status = Function::validate(InfoOf(arguments)...);
    if (!static_cast<bool>(status)) return Refused(node, status);
    auto function = Make<Function>(
        std::is_constructible<Function, std::shared_ptr<arm_compute::IMemoryManager>>());
    function->configure(arguments...);
    functions_.push_back(std::move(function));
    return true;
  }

  std::vector<TfPortAclTensor> inputs_;
  std::vector<TfPortAclTensor> outputs_;

 private:
  struct Placed {
    arm_compute::Tensor* tensor;
    uint8_t* memory;
    size_t bytes;
  };

  template <typename Function>
  std::unique_ptr<Function> Make(std::true_type) {
    return std::make_unique<Function>(workspaces_);
  }
  template <typename Function>
  std::unique_ptr<Function> Make(std::false_type) {
    return std::make_unique<Function>();
  }

  // The arguments of configure as validate wants them.
  static const arm_compute::ITensorInfo* InfoOf(arm_compute::ITensor* tensor) {
    return tensor->info();
  }
  static std::nullptr_t InfoOf(std::nullptr_t) { return nullptr; }
  static std::vector<const arm_compute::ITensorInfo*> InfoOf(const Tensors& tensors);
  template <typename Other>
  static std::enable_if_t<!std::is_convertible<Other, arm_compute::ITensor*>::value, const Other&>
  InfoOf(const Other& other) {
    return other;
  }

  bool Refused(const char* node, const arm_compute::Status& status);
  bool GiveMemory();

  std::string error_;
  uint8_t* arena_ = nullptr;
  std::vector<Placed> placed_;
  arm_compute::Allocator allocator_;
  std::shared_ptr<arm_compute::MemoryManagerOnDemand> workspaces_;
  std::vector<std::unique_ptr<arm_compute::IFunction>> functions_;
};

arm_compute::TensorInfo Info(
    const arm_compute::TensorShape& shape, arm_compute::DataType type,
    const arm_compute::QuantizationInfo& quantization = arm_compute::QuantizationInfo());

// A scale for each channel, `count` floats at `offset` of the weights.
arm_compute::QuantizationInfo Scales(size_t offset, size_t count);

arm_compute::FullyConnectedLayerInfo FullyConnected(
    const arm_compute::ActivationLayerInfo& activation);

// Generated.
std::unique_ptr<Network> MakeNetwork();
extern const size_t kArenaBytes;
extern const char kModelName[];
extern const char kModelSha256[];
extern const size_t kModelBytes;
extern const uint32_t kModelCrc32;

}  // namespace tfport_acl

#endif  // TFPORT_ACL_NETWORK_H_
