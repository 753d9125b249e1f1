// The engine on TensorFlow Lite. Uses the headers of the SDK only.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <set>
#include <utility>

#include "engine.h"
#include "tensorflow/lite/core/create_op_resolver.h"
#include "tensorflow/lite/core/tools/verifier.h"
#include "tensorflow/lite/interpreter.h"
#include "tensorflow/lite/interpreter_builder.h"
#include "tensorflow/lite/model.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tensorflow/lite/schema/schema_utils.h"
#include "tensorflow/lite/string_util.h"
#include "tfport/tfport.h"
#include "tfport/tfport_cxx.h"

namespace runner {
namespace {

struct TypePair {
  TfLiteType lite;
  DType dtype;
};

constexpr TypePair kTypes[] = {
    {kTfLiteFloat16, DType::kFloat16},     {kTfLiteFloat32, DType::kFloat32},
    {kTfLiteFloat64, DType::kFloat64},     {kTfLiteInt8, DType::kInt8},
    {kTfLiteInt16, DType::kInt16},         {kTfLiteInt32, DType::kInt32},
    {kTfLiteInt64, DType::kInt64},         {kTfLiteUInt8, DType::kUint8},
    {kTfLiteUInt16, DType::kUint16},       {kTfLiteUInt32, DType::kUint32},
    {kTfLiteUInt64, DType::kUint64},       {kTfLiteBool, DType::kBool},
    {kTfLiteComplex64, DType::kComplex64}, {kTfLiteComplex128, DType::kComplex128},
    {kTfLiteString, DType::kString},
};

// False for types that no file can hold, such as resources.
bool ConvertType(TfLiteType type, DType* dtype) {
  for (const TypePair& pair : kTypes) {
    if (pair.lite != type) continue;
    *dtype = pair.dtype;
    return true;
  }
  return false;
}

Shape ShapeOf(const TfLiteIntArray* dims) {
  return dims == nullptr ? Shape() : Shape(dims->data, dims->data + dims->size);
}

// Runs the deep verifier while the model is being opened: the flatbuffer's own one says nothing
// about the graph.
class GraphVerifier : public tflite::TfLiteVerifier {
 public:
  bool Verify(const char* data, int length, tflite::ErrorReporter* reporter) override {
    return tflite::Verify(data, static_cast<size_t>(length), reporter);
  }
};

// Keeps what the library says, so that an error can quote it.
class Reporter : public tflite::ErrorReporter {
 public:
  int Report(const char* format, va_list arguments) override {
    char line[512];
    vsnprintf(line, sizeof(line), format, arguments);
    std::string text(line);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    // The first messages name the cause, the later ones who gave up because of it.
    if (!text.empty() && messages_.size() < 4) messages_.push_back(text);
    return 0;
  }

  // Everything said since the last call, in one line.
  std::string Take(const char* otherwise) {
    std::string text;
    for (const std::string& message : messages_) text += (text.empty() ? "" : "; ") + message;
    messages_.clear();
    return text.empty() ? otherwise : text;
  }

 private:
  std::vector<std::string> messages_;
};

class LiteEngine : public Engine {
 public:
  const char* runtime() const override { return "lite"; }
  const char* models() const override { return "a .tflite file"; }
  const char* version() const override { return TfPortVersion(); }
  const char* target() const override { return TfPortTarget(); }

  void SetVerbose(bool verbose) override {
    TfPortSetMinimumLogSeverity(verbose ? kTfPortLogVerbose : kTfPortLogWarning);
  }

  Status Load(const Options& options) override;
  const std::vector<TensorInfo>& inputs() const override { return inputs_; }
  int FindInput(const std::string& name) const override;
  Status Prepare(const std::vector<Shape>& shapes) override;
  void* InputData(size_t index, size_t* bytes) override {
    *bytes = InputTensor(index)->bytes;
    return InputTensor(index)->data.raw;
  }
  // The arena's plan gives the inputs of a graph memory of their own.
  bool KeepsInputs() const override { return true; }
  Status SetStrings(size_t index, const std::vector<std::string>& strings) override;
  Status Invoke() override;
  Status Outputs(std::vector<OutputView>* outputs) override;
  EngineFacts Facts() override;

 private:
  Status OpenModel(const std::string& path);
  Status CheckOps(const tflite::OpResolver& resolver) const;
  Status SelectSignature(const std::string& name);
  Status DescribeInputs();
  Status SelectOutputs(const std::vector<std::string>& names);

  TfLiteTensor* InputTensor(size_t index) { return graph_->tensor(graph_->inputs()[index]); }

  // The name of a tensor in the signature, or its own one.
  std::string NameOf(int tensor_index, bool is_input) const;

  Reporter reporter_;  // Outlives the rest, which reports to it to the last.
  std::unique_ptr<tflite::FlatBufferModel> model_;
  std::unique_ptr<tflite::Interpreter> interpreter_;
  tflite::Subgraph* graph_ = nullptr;
  // Names of the signature by tensor index; empty without --signature.
  std::map<int, std::string> input_names_;
  std::map<int, std::string> output_names_;
  std::vector<TensorInfo> inputs_;
  std::vector<int> outputs_;  // Indices of the tensors that are asked for.
  size_t packed_weights_bytes_ = 0;
};

Status LiteEngine::OpenModel(const std::string& path) {
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0) {
    return {kExitModel, "cannot open the model '" + path + "': " + strerror(errno)};
  }
  if (!S_ISREG(facts.st_mode)) return {kExitModel, "the model '" + path + "' is not a file"};
  if (facts.st_size == 0) return {kExitModel, "the model '" + path + "' is empty"};
  GraphVerifier verifier;
  model_ = tflite::FlatBufferModel::VerifyAndBuildFromFile(path.c_str(), &verifier, &reporter_);
  if (model_ == nullptr) {
    return {kExitModel, "the model '" + path +
                            "' is refused: " + reporter_.Take("not a TensorFlow Lite model")};
  }
  if (model_->GetModel()->version() != 3) {
    return {kExitModel, "the model '" + path + "' has schema version " +
                            std::to_string(model_->GetModel()->version()) + "; 3 is supported"};
  }
  if (model_->GetModel()->subgraphs() == nullptr || model_->GetModel()->subgraphs()->size() == 0) {
    return {kExitModel, "the model '" + path + "' has no graph"};
  }
  return {};
}

Status LiteEngine::CheckOps(const tflite::OpResolver& resolver) const {
  std::set<std::string> missing;
  if (model_->GetModel()->operator_codes() == nullptr) return {};
  for (const tflite::OperatorCode* opcode : *model_->GetModel()->operator_codes()) {
    const tflite::BuiltinOperator code = tflite::GetBuiltinCode(opcode);
    const int version = opcode->version();
    if (code == tflite::BuiltinOperator_CUSTOM) {
      const char* name = opcode->custom_code() == nullptr ? "" : opcode->custom_code()->c_str();
      if (resolver.FindOp(name, version) == nullptr) {
        missing.insert("custom op '" + std::string(name) + "'");
      }
    } else if (code < tflite::BuiltinOperator_MIN || code > tflite::BuiltinOperator_MAX) {
      missing.insert("builtin op number " + std::to_string(static_cast<int>(code)));
    } else if (resolver.FindOp(code, version) == nullptr) {
      missing.insert(std::string(tflite::EnumNameBuiltinOperator(code)) + " version " +
                     std::to_string(version));
    }
  }
  if (missing.empty()) return {};
  std::string list;
  for (const std::string& op : missing) list += (list.empty() ? "" : ", ") + op;
  return {kExitUnsupportedOp, "this library does not have: " + list};
}

Status LiteEngine::SelectSignature(const std::string& name) {
  graph_ = interpreter_->subgraph(0);
  if (name.empty()) return {};
  const int index = interpreter_->GetSubgraphIndexFromSignature(name.c_str());
  if (index < 0 || static_cast<size_t>(index) >= interpreter_->subgraphs_size()) {
    std::string known;
    for (const std::string* key : interpreter_->signature_keys()) {
      known += (known.empty() ? "" : ", ") + *key;
    }
    return {kExitInput, "the model has no signature '" + name + "'; it has " +
                            (known.empty() ? std::string("none") : known)};
  }
  graph_ = interpreter_->subgraph(index);
  for (const auto& [key, tensor] : interpreter_->signature_inputs(name.c_str())) {
    input_names_[static_cast<int>(tensor)] = key;
  }
  for (const auto& [key, tensor] : interpreter_->signature_outputs(name.c_str())) {
    output_names_[static_cast<int>(tensor)] = key;
  }
  return {};
}

std::string LiteEngine::NameOf(int tensor_index, bool is_input) const {
  const std::map<int, std::string>& names = is_input ? input_names_ : output_names_;
  const auto found = names.find(tensor_index);
  if (found != names.end()) return found->second;
  const char* name = graph_->tensor(tensor_index)->name;
  return name == nullptr ? "" : name;
}

Status LiteEngine::DescribeInputs() {
  for (const int tensor_index : graph_->inputs()) {
    // The interpreter allows optional tensors (-1) as inputs of a graph; nothing can be fed to one.
    if (tensor_index < 0) return {kExitModel, "an input of the graph is not a tensor"};
    const TfLiteTensor* tensor = graph_->tensor(tensor_index);
    TensorInfo info;
    info.name = NameOf(tensor_index, true);
    if (tensor->allocation_type == kTfLiteMmapRo) {
      return {kExitModel, "input '" + info.name + "' of the graph is a constant"};
    }
    if (!ConvertType(tensor->type, &info.dtype)) {
      return {kExitInput, "input '" + info.name + "' has type " + TfLiteTypeGetName(tensor->type) +
                              ", which cannot be fed"};
    }
    const bool dynamic = tensor->dims_signature != nullptr && tensor->dims_signature->size > 0;
    info.shape = ShapeOf(dynamic ? tensor->dims_signature : tensor->dims);
    inputs_.push_back(std::move(info));
  }
  return {};
}

Status LiteEngine::SelectOutputs(const std::vector<std::string>& names) {
  std::vector<TensorInfo> known;
  for (const int tensor_index : graph_->outputs()) {
    if (tensor_index < 0) return {kExitModel, "an output of the graph is not a tensor"};
    TensorInfo info;
    info.name = NameOf(tensor_index, false);
    known.push_back(std::move(info));
  }
  std::vector<size_t> chosen;
  const Status status = ChooseOutputs(known, names, &chosen);
  for (const size_t index : chosen) outputs_.push_back(graph_->outputs()[index]);
  return status;
}

Status LiteEngine::Load(const Options& options) {
  Status status = OpenModel(options.model);
  if (!status.ok()) return status;
  const std::unique_ptr<tflite::MutableOpResolver> resolver = tflite::CreateOpResolver();
  if (!options.xnnpack) resolver->ClearDefaultDelegates();
  status = CheckOps(*resolver);
  if (!status.ok()) return status;
  tflite::InterpreterBuilder builder(*model_, *resolver);
  if (builder.SetNumThreads(options.threads) != kTfLiteOk || builder(&interpreter_) != kTfLiteOk) {
    return {kExitModel, "the model is refused: " + reporter_.Take("its graph cannot be built")};
  }
  status = SelectSignature(options.signature);
  if (status.ok()) status = DescribeInputs();
  return status.ok() ? SelectOutputs(options.fetch) : status;
}

int LiteEngine::FindInput(const std::string& name) const {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].name == name) return static_cast<int>(i);
  }
  // The tensor's own name, and a signature's name for an input of the main graph.
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const int tensor_index = graph_->inputs()[i];
    const char* own = graph_->tensor(tensor_index)->name;
    if (own != nullptr && name == own) return static_cast<int>(i);
    for (const std::string* key : interpreter_->signature_keys()) {
      if (interpreter_->subgraph(interpreter_->GetSubgraphIndexFromSignature(key->c_str())) !=
          graph_) {
        continue;
      }
      const auto& names = interpreter_->signature_inputs(key->c_str());
      const auto found = names.find(name);
      if (found != names.end() && static_cast<int>(found->second) == tensor_index) {
        return static_cast<int>(i);
      }
    }
  }
  return -1;
}

Status LiteEngine::Prepare(const std::vector<Shape>& shapes) {
  for (size_t i = 0; i < shapes.size(); ++i) {
    if (ShapeOf(InputTensor(i)->dims) == shapes[i]) continue;
    const std::vector<int> dims(shapes[i].begin(), shapes[i].end());
    if (graph_->ResizeInputTensor(graph_->inputs()[i], dims) != kTfLiteOk) {
      return {kExitInput, "input '" + inputs_[i].name + "' cannot be resized to " +
                              ShapeText(shapes[i]) + ": " + reporter_.Take("it is refused")};
    }
  }
  // The interpreter's own call comes first, also for a signature of another graph: it applies the
  // delegates.
  if (interpreter_->AllocateTensors() != kTfLiteOk || graph_->AllocateTensors() != kTfLiteOk) {
    return {kExitInvoke,
            "the model cannot be prepared: " + reporter_.Take("AllocateTensors failed")};
  }
  TfPortMemoryUsage usage;
  TfPortGetMemoryUsage(&usage);
  const size_t arena = tflite::tfport::InterpreterArenaBytes(interpreter_.get());
  packed_weights_bytes_ = usage.current_bytes > arena ? usage.current_bytes - arena : 0;
  return {};
}

Status LiteEngine::SetStrings(size_t index, const std::vector<std::string>& strings) {
  TfLiteTensor* tensor = InputTensor(index);
  tflite::DynamicBuffer buffer;
  for (const std::string& text : strings) buffer.AddString(text.data(), text.size());
  TfLiteIntArray* shape = TfLiteIntArrayCopy(tensor->dims);
  buffer.WriteToTensor(tensor, shape);
  return {};
}

Status LiteEngine::Invoke() {
  if (graph_->Invoke() != kTfLiteOk) {
    return {kExitInvoke, "the inference failed: " + reporter_.Take("Invoke failed")};
  }
  for (const int tensor_index : outputs_) {
    if (graph_->EnsureTensorDataIsReadable(tensor_index) != kTfLiteOk) {
      return {kExitInvoke, "an output cannot be read: " + reporter_.Take("the delegate failed")};
    }
  }
  return {};
}

Status LiteEngine::Outputs(std::vector<OutputView>* outputs) {
  for (const int tensor_index : outputs_) {
    const TfLiteTensor* tensor = graph_->tensor(tensor_index);
    OutputView view;
    view.info.name = NameOf(tensor_index, false);
    view.info.shape = ShapeOf(tensor->dims);
    if (!ConvertType(tensor->type, &view.info.dtype)) {
      return {kExitInvoke, "output '" + view.info.name + "' has type " +
                               TfLiteTypeGetName(tensor->type) + ", which cannot be written"};
    }
    size_t elements = 0;
    if (!CountElements(view.info.shape, view.info.dtype, &elements) ||
        tensor->bytes < elements * DTypeSize(view.info.dtype) ||
        (elements != 0 && tensor->data.raw == nullptr)) {
      return {kExitInvoke, "output '" + view.info.name + "' has no data"};
    }
    if (view.info.dtype == DType::kString) {
      const int count = tensor->data.raw == nullptr ? 0 : tflite::GetStringCount(tensor);
      for (int i = 0; i < count; ++i) {
        const tflite::StringRef text = tflite::GetString(tensor, i);
        view.strings.emplace_back(text.str, text.len);
      }
    }
    view.data = tensor->data.raw;
    outputs->push_back(std::move(view));
  }
  return {};
}

EngineFacts LiteEngine::Facts() {
  EngineFacts facts;
  // First, since the rest of this function reads the model.
  facts.mapped_model_bytes = tflite::tfport::ModelResidentBytes(*model_);
  for (const tflite::SubGraph* graph : *model_->GetModel()->subgraphs()) {
    if (graph->operators() != nullptr) facts.nodes += graph->operators()->size();
  }
  for (size_t i = 0; i < interpreter_->subgraphs_size(); ++i) {
    const tflite::Subgraph* graph = interpreter_->subgraph(static_cast<int>(i));
    for (const int node_index : graph->execution_plan()) {
      const TfLiteNode& node = graph->node_and_registration(node_index)->first;
      if (node.delegate == nullptr || node.builtin_data == nullptr) continue;
      const auto* replaced = static_cast<const TfLiteDelegateParams*>(node.builtin_data);
      facts.delegated_nodes += replaced->nodes_to_replace->size;
    }
  }
  facts.xnnpack = facts.delegated_nodes > 0;
  std::vector<const char*> names(TfPortKernelNames(nullptr, 0));
  names.resize(TfPortKernelNames(names.data(), names.size()));
  facts.kernels.assign(names.begin(), names.end());
  facts.arena_bytes = tflite::tfport::InterpreterArenaBytes(interpreter_.get());
  facts.packed_weights_bytes = packed_weights_bytes_;
  facts.packed_in_place_bytes = tflite::tfport::ModelPackedBytes(*model_);
  facts.model_bytes = model_->allocation()->bytes();
  return facts;
}

}  // namespace

std::unique_ptr<Engine> MakeEngine() { return std::make_unique<LiteEngine>(); }

const char* LackingCpuFeature() { return TfPortCheckCpu(); }

}  // namespace runner
