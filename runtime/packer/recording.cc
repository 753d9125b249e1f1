#include "recording.h"

#include <string.h>

#include <map>
#include <memory>
#include <tuple>
#include <utility>

#include "tensorflow/lite/core/create_op_resolver.h"
#include "tensorflow/lite/interpreter_builder.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tensorflow/lite/schema/schema_utils.h"
#include "tfport/packed_weights.h"

namespace packer {
namespace {

using runner::Status;

constexpr char kXnnpack[] = "TfLiteXNNPackDelegate";
constexpr int kKernelInput = 1;  // Of every op that packs a kernel.
constexpr int kBiasInput = 2;    // Of all of them but the transposed convolution.

using Key = std::tuple<size_t, uint32_t, size_t>;

// Gathers the events of one model.
class Recorder {
 public:
  Recorder(const void* file, size_t bytes)
      : file_(static_cast<const uint8_t*>(file)), bytes_(bytes) {
    tflite::tfport::RecordPackedWeights(
        [](void* self, const tflite::tfport::PackedEvent& event) {
          static_cast<Recorder*>(self)->Add(event);
        },
        this);
  }
  ~Recorder() { tflite::tfport::RecordPackedWeights(nullptr, nullptr); }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void Finish(Recording* recording) {
    for (const Key& key : ambiguous_) {
      Leave(found_[key].data.size(), "the same weights are packed in two ways");
      found_.erase(key);
    }
    // In the order of execution, so that an inference walks through the file.
    for (const Key& key : order_) {
      const auto found = found_.find(key);
      if (found != found_.end()) recording->weights.push_back(std::move(found->second));
    }
    recording->left_bytes = left_bytes_;
    recording->left_reasons = left_reasons_;
  }

 private:
  void Add(const tflite::tfport::PackedEvent& event) {
    if (!IsInFile(event.kernel) || (event.bias != nullptr && !IsInFile(event.bias))) {
      return Leave(event.bytes, "the weights are computed at start-up (half precision, sparse)");
    }
    if (!event.asked) return Leave(event.bytes, "XNNPACK does not look them up before it packs");
    Recorded recorded;
    recorded.seed = event.seed;
    recorded.kernel = PlaceOf(event.kernel);
    recorded.bias = event.bias == nullptr ? 0 : PlaceOf(event.bias);
    const uint8_t* data = static_cast<const uint8_t*>(event.data);
    recorded.data.assign(data, data + event.bytes);
    const Key key(recorded.kernel, recorded.seed, recorded.bias);
    const auto found = found_.find(key);
    if (found == found_.end()) {
      order_.push_back(key);
      found_.emplace(key, std::move(recorded));
    } else if (found->second.data != recorded.data) {
      // The key does not say all that goes into packing, such as the input's zero point.
      ambiguous_.insert(key);
    }
  }

  bool IsInFile(const void* pointer) const {
    return PlaceOf(pointer) < bytes_ && static_cast<const uint8_t*>(pointer) >= file_;
  }
  size_t PlaceOf(const void* pointer) const {
    return static_cast<size_t>(static_cast<const uint8_t*>(pointer) - file_);
  }
  void Leave(size_t bytes, const char* reason) {
    left_bytes_ += bytes;
    left_reasons_.insert(reason);
  }

  const uint8_t* file_;
  size_t bytes_;
  std::vector<Key> order_;
  std::map<Key, Recorded> found_;
  std::set<Key> ambiguous_;
  size_t left_bytes_ = 0;
  std::set<std::string> left_reasons_;
};

// Indices of the nodes of one graph that XNNPACK has taken over.
std::set<int> DelegatedNodes(const tflite::Subgraph& graph) {
  std::set<int> nodes;
  for (const int index : graph.execution_plan()) {
    const auto& [node, registration] = *graph.node_and_registration(index);
    if (node.delegate == nullptr || registration.custom_name == nullptr ||
        strcmp(registration.custom_name, kXnnpack) != 0) {
      continue;
    }
    const auto* replaced = static_cast<const TfLiteDelegateParams*>(node.builtin_data);
    for (int i = 0; i < replaced->nodes_to_replace->size; ++i) {
      nodes.insert(replaced->nodes_to_replace->data[i]);
    }
  }
  return nodes;
}

bool PacksItsKernel(tflite::BuiltinOperator op) {
  return op == tflite::BuiltinOperator_CONV_2D || op == tflite::BuiltinOperator_DEPTHWISE_CONV_2D ||
         op == tflite::BuiltinOperator_FULLY_CONNECTED ||
         op == tflite::BuiltinOperator_TRANSPOSE_CONV;
}

// Finds the buffers that are read as kernels by XNNPACK's nodes alone.
class Readers {
 public:
  Readers(const tflite::FlatBufferModel& model, const std::vector<Recorded>& weights)
      : model_(*model.GetModel()), file_(static_cast<const uint8_t*>(model.allocation()->base())) {
    for (const Recorded& each : weights) known_.insert({each.kernel, each.bias});
  }

  std::set<uint32_t> Unneeded(const tflite::Interpreter& interpreter) {
    if (model_.metadata() != nullptr) {
      for (const tflite::Metadata* entry : *model_.metadata()) needed_.insert(entry->buffer());
    }
    for (uint32_t g = 0; g < model_.subgraphs()->size(); ++g) {
      Visit(*model_.subgraphs()->Get(g),
            DelegatedNodes(*interpreter.subgraph(static_cast<int>(g))));
    }
    std::set<uint32_t> unneeded;
    for (const uint32_t buffer : kernels_) {
      if (needed_.count(buffer) == 0) unneeded.insert(buffer);
    }
    return unneeded;
  }

 private:
  void Visit(const tflite::SubGraph& graph, const std::set<int>& delegated) {
    for (const auto* tensors : {graph.inputs(), graph.outputs()}) {
      if (tensors == nullptr) continue;
      for (const int32_t tensor : *tensors) Need(graph, tensor);
    }
    for (uint32_t n = 0; n < graph.operators()->size(); ++n) {
      const tflite::Operator& node = *graph.operators()->Get(n);
      const auto* code = model_.operator_codes()->Get(node.opcode_index());
      const bool packs =
          delegated.count(static_cast<int>(n)) != 0 && PacksItsKernel(tflite::GetBuiltinCode(code));
      for (uint32_t i = 0; i < node.inputs()->size(); ++i) {
        if (packs && i == kKernelInput && IsServed(graph, node, tflite::GetBuiltinCode(code))) {
          kernels_.insert(graph.tensors()->Get(node.inputs()->Get(i))->buffer());
        } else {
          Need(graph, node.inputs()->Get(i));
        }
      }
    }
  }

  void Need(const tflite::SubGraph& graph, int32_t tensor) {
    if (tensor >= 0) needed_.insert(graph.tensors()->Get(tensor)->buffer());
  }

  // Whether the weights of this node were recorded.
  bool IsServed(const tflite::SubGraph& graph, const tflite::Operator& node,
                tflite::BuiltinOperator op) const {
    const bool transposed = op == tflite::BuiltinOperator_TRANSPOSE_CONV;
    const uint32_t bias = kBiasInput + (transposed ? 1 : 0);
    const int32_t kernel = node.inputs()->Get(kKernelInput);
    if (kernel < 0 || graph.tensors()->Get(kernel)->sparsity() != nullptr) return false;
    const bool has_bias = bias < node.inputs()->size() && node.inputs()->Get(bias) >= 0;
    return known_.count({PlaceOf(graph, kernel),
                         has_bias ? PlaceOf(graph, node.inputs()->Get(bias)) : 0}) != 0;
  }

  // Where a constant's bytes are; 0 when it has none.
  size_t PlaceOf(const tflite::SubGraph& graph, int32_t tensor) const {
    const uint32_t buffer = graph.tensors()->Get(tensor)->buffer();
    const auto* data = model_.buffers()->Get(buffer)->data();
    return data == nullptr ? 0 : static_cast<size_t>(data->data() - file_);
  }

  const tflite::Model& model_;
  const uint8_t* file_;
  std::set<std::pair<size_t, size_t>> known_;  // Kernel and bias.
  std::set<uint32_t> kernels_;
  std::set<uint32_t> needed_;
};

}  // namespace

Status MakeReady(const tflite::FlatBufferModel& model,
                 std::unique_ptr<tflite::Interpreter>* interpreter) {
  const std::unique_ptr<tflite::MutableOpResolver> resolver = tflite::CreateOpResolver();
  if (tflite::InterpreterBuilder(model, *resolver)(interpreter) != kTfLiteOk) {
    return {runner::kExitUnsupportedOp, "the model's graph cannot be built by this library"};
  }
  if ((*interpreter)->AllocateTensors() != kTfLiteOk) {
    return {runner::kExitInvoke, "the model cannot be prepared"};
  }
  return {};
}

Status Record(const tflite::FlatBufferModel& model,
              std::unique_ptr<tflite::Interpreter>* interpreter, Recording* recording) {
  Recorder recorder(model.allocation()->base(), model.allocation()->bytes());
  const Status status = MakeReady(model, interpreter);
  if (!status.ok()) return status;
  recorder.Finish(recording);
  recording->unneeded = Readers(model, recording->weights).Unneeded(**interpreter);
  return {};
}

}  // namespace packer
