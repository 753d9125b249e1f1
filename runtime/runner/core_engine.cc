// The engine on TensorFlow itself, over its C API. The first inference of a session also builds its
// executors; --warmup keeps that out of the times.
#include <string.h>
#include <tensorflow/c/c_api.h>
#include <tfport/core.h>

#include <utility>

#include "core_model.h"
#include "core_tensor.h"
#include "engine.h"
#include "session_options.h"

namespace runner {
namespace {

// An input or output of what is run.
struct Endpoint {
  TF_Output output;
  TF_DataType type;
  std::string tensor;  // Its name in the graph.
};

class CoreEngine : public Engine {
 public:
  ~CoreEngine() override;

  const char* runtime() const override { return "tensorflow"; }
  const char* models() const override { return "a SavedModel folder or a frozen graph (.pb)"; }
  const char* version() const override { return TfPortCoreVersion(); }
  const char* target() const override { return TfPortCoreTarget(); }

  void SetVerbose(bool verbose) override;
  Status Load(const Options& options) override;
  const std::vector<TensorInfo>& inputs() const override { return inputs_; }
  int FindInput(const std::string& name) const override;
  Status Prepare(const std::vector<Shape>& shapes) override;
  void* InputData(size_t index, size_t* bytes) override;
  // The session never writes to a tensor that somebody else still holds.
  bool KeepsInputs() const override { return true; }
  Status SetStrings(size_t index, const std::vector<std::string>& strings) override;
  Status Invoke() override;
  Status Outputs(std::vector<OutputView>* outputs) override;
  EngineFacts Facts() override;

 private:
  Status OpenSession(const Options& options);
  void LoadSavedModel(const TF_SessionOptions* session_options);
  void ImportGraph(const TF_SessionOptions* session_options);
  Status Failure(int code, const std::string& what) const;
  std::string MissingOps() const;

  Status UseSignature(const Signature& signature);
  Status UseWholeGraph(const std::string& signature);
  bool FindTensor(const std::string& name, TF_Output* output) const;
  void ReadShape(TF_Output output, TensorInfo* info) const;
  Status AddInput(TF_Output output, std::string tensor, TensorInfo info);
  Status AddOutput(TF_Output output, std::string tensor, TensorInfo info);
  Status FetchOnly(const std::vector<std::string>& names);
  void DropOutputs();

  TF_Status* const status_ = TF_NewStatus();
  TF_Graph* const graph_ = TF_NewGraph();
  TF_Session* session_ = nullptr;
  const std::string run_options_ = RunOptionsBytes();
  std::string path_;
  CoreModel model_;
  std::vector<TensorInfo> inputs_;
  std::vector<Endpoint> input_ends_;
  std::vector<Shape> shapes_;
  std::vector<TF_Tensor*> input_tensors_;
  std::vector<TensorInfo> outputs_;
  std::vector<Endpoint> output_ends_;
  std::vector<TF_Tensor*> output_tensors_;
};

// Bytes that stay the caller's.
TF_Buffer Borrowed(std::string_view bytes) { return {bytes.data(), bytes.size(), nullptr}; }

CoreEngine::~CoreEngine() {
  DropOutputs();
  for (TF_Tensor* tensor : input_tensors_) DeleteTensor(tensor);
  if (session_ != nullptr) {
    TF_CloseSession(session_, status_);
    TF_DeleteSession(session_, status_);
  }
  TF_DeleteGraph(graph_);
  TF_DeleteStatus(status_);
}

void CoreEngine::SetVerbose(bool verbose) {
  TfPortCoreSetMinimumLogSeverity(verbose ? kTfPortCoreLogInfo : kTfPortCoreLogError);
}

// What status_ says, as an error of the runner.
Status CoreEngine::Failure(int code, const std::string& what) const {
  const std::string message = TF_Message(status_);
  const std::string op = MissingOp(message);
  if (op.empty()) return {code, what + ": " + PlainMessage(message)};
  const std::string all = MissingOps();
  if (!all.empty()) return {kExitUnsupportedOp, "this library does not have: " + all};
  return {kExitUnsupportedOp,
          "this library does not have: " + op + " (" + PlainMessage(message) + ")"};
}

// The ops of the model that this library does not know, each with a node that needs it. Empty when
// it knows them all and only lacks a kernel.
std::string CoreEngine::MissingOps() const {
  TF_Buffer* list = TF_GetAllOpList();
  const std::set<std::string> known = OpNames({static_cast<const char*>(list->data), list->length});
  TF_DeleteBuffer(list);
  std::string missing;
  for (const auto& [op, node] : model_.facts.ops) {
    if (known.count(op) != 0 || model_.facts.functions.count(op) != 0) continue;
    missing += (missing.empty() ? "" : ", ") + op + " (node '" + node + "')";
  }
  return missing;
}

void CoreEngine::LoadSavedModel(const TF_SessionOptions* session_options) {
  const TF_Buffer run_options = Borrowed(run_options_);
  const char* const tags[] = {"serve"};
  session_ = TF_LoadSessionFromSavedModel(session_options, &run_options, path_.c_str(), tags, 1,
                                          graph_, nullptr, status_);
}

void CoreEngine::ImportGraph(const TF_SessionOptions* session_options) {
  const TF_Buffer graph = Borrowed(model_.graph);
  TF_ImportGraphDefOptions* import_options = TF_NewImportGraphDefOptions();
  TF_GraphImportGraphDef(graph_, &graph, import_options, status_);
  TF_DeleteImportGraphDefOptions(import_options);
  if (TF_GetCode(status_) == TF_OK) session_ = TF_NewSession(graph_, session_options, status_);
}

Status CoreEngine::OpenSession(const Options& options) {
  const std::string config = SessionConfigBytes(options.threads);
  TF_SessionOptions* session_options = TF_NewSessionOptions();
  TF_SetConfig(session_options, config.data(), config.size(), status_);
  if (TF_GetCode(status_) == TF_OK) {
    if (model_.is_saved_model) {
      LoadSavedModel(session_options);
    } else {
      ImportGraph(session_options);
    }
  }
  TF_DeleteSessionOptions(session_options);
  if (TF_GetCode(status_) == TF_OK) return {};
  return Failure(kExitModel, "the model '" + path_ + "' is refused");
}

Status CoreEngine::Load(const Options& options) {
  path_ = options.model;
  Status status = OpenCoreModel(path_, &model_);
  if (!status.ok()) return status;
  // Before the weights are read.
  const Signature* signature = nullptr;
  if (model_.is_saved_model) {
    status = SelectSignature(model_.signatures, options.signature, &signature);
    if (!status.ok()) return status;
  }
  TfPortCoreSetXnnpack(options.xnnpack ? 1 : 0);
  status = OpenSession(options);
  if (!status.ok()) return status;
  status = signature != nullptr ? UseSignature(*signature) : UseWholeGraph(options.signature);
  if (status.ok()) status = FetchOnly(options.fetch);
  model_.graph = {};
  model_.file.reset();
  return status;
}

bool CoreEngine::FindTensor(const std::string& name, TF_Output* output) const {
  const size_t colon = name.rfind(':');
  int index = 0;
  if (colon != std::string::npos) {
    const std::string digits = name.substr(colon + 1);
    if (digits.empty() || digits.size() > 6) return false;
    if (digits.find_first_not_of("0123456789") != std::string::npos) return false;
    index = atoi(digits.c_str());
  }
  TF_Operation* operation = TF_GraphOperationByName(graph_, name.substr(0, colon).c_str());
  if (operation == nullptr || index >= TF_OperationNumOutputs(operation)) return false;
  *output = {operation, index};
  return true;
}

void CoreEngine::ReadShape(TF_Output output, TensorInfo* info) const {
  const int rank = TF_GraphGetTensorNumDims(graph_, output, status_);
  info->any_rank = TF_GetCode(status_) != TF_OK || rank < 0;
  if (info->any_rank) return;
  info->shape.resize(static_cast<size_t>(rank));
  TF_GraphGetTensorShape(graph_, output, info->shape.data(), rank, status_);
  info->any_rank = TF_GetCode(status_) != TF_OK;
}

Status CoreEngine::AddInput(TF_Output output, std::string tensor, TensorInfo info) {
  const TF_DataType type = TF_OperationOutputType(output);
  if (!ConvertType(type, &info.dtype)) {
    return {kExitInput,
            "input '" + info.name + "' has type " + TypeName(type) + ", which cannot be fed"};
  }
  input_ends_.push_back({output, type, std::move(tensor)});
  inputs_.push_back(std::move(info));
  return {};
}

Status CoreEngine::AddOutput(TF_Output output, std::string tensor, TensorInfo info) {
  const TF_DataType type = TF_OperationOutputType(output);
  if (!ConvertType(type, &info.dtype)) {
    return {kExitModel,
            "output '" + info.name + "' has type " + TypeName(type) + ", which cannot be written"};
  }
  output_ends_.push_back({output, type, std::move(tensor)});
  outputs_.push_back(std::move(info));
  return {};
}

Status CoreEngine::UseSignature(const Signature& signature) {
  for (const bool is_input : {true, false}) {
    for (const Port& port : is_input ? signature.inputs : signature.outputs) {
      const std::string what = std::string(is_input ? "input '" : "output '") + port.name +
                               "' of signature '" + signature.key + "' ";
      if (port.tensor.empty()) {
        return {kExitModel, what + "is sparse or ragged; only plain tensors can be run"};
      }
      TF_Output output;
      if (!FindTensor(port.tensor, &output)) {
        return {kExitModel,
                what + "is tensor '" + port.tensor + "', which the graph does not have"};
      }
      TensorInfo info;
      info.name = port.name;
      info.shape = port.shape;
      info.any_rank = port.any_rank;
      if (info.any_rank) ReadShape(output, &info);
      const Status status = is_input ? AddInput(output, port.tensor, std::move(info))
                                     : AddOutput(output, port.tensor, std::move(info));
      if (!status.ok()) return status;
    }
  }
  return {};
}

// Whether nobody takes what the operation gives.
bool IsSink(TF_Operation* operation) {
  if (TF_OperationNumControlOutputs(operation) > 0) return false;
  for (int i = 0; i < TF_OperationNumOutputs(operation); ++i) {
    if (TF_OperationOutputNumConsumers({operation, i}) > 0) return false;
  }
  return TF_OperationNumOutputs(operation) > 0;
}

// The inputs of a bare graph are its placeholders in the order of the graph; its outputs are what
// no operation takes, sorted by name.
Status CoreEngine::UseWholeGraph(const std::string& signature) {
  if (!signature.empty()) {
    Signature whole;
    whole.key = "serving_default";
    const Signature* found = nullptr;
    const Status status = SelectSignature({whole}, signature, &found);
    if (!status.ok()) return status;
  }
  std::map<std::string, TF_Output> sinks;
  size_t position = 0;
  while (TF_Operation* operation = TF_GraphNextOperation(graph_, &position)) {
    const std::string name = TF_OperationName(operation);
    if (strncmp(TF_OperationOpType(operation), "Placeholder", 11) == 0) {
      if (strcmp(TF_OperationOpType(operation), "PlaceholderWithDefault") == 0) continue;
      TensorInfo info;
      info.name = name;
      ReadShape({operation, 0}, &info);
      const Status status = AddInput({operation, 0}, name + ":0", std::move(info));
      if (!status.ok()) return status;
      continue;
    }
    if (!IsSink(operation)) continue;
    const int outputs = TF_OperationNumOutputs(operation);
    for (int i = 0; i < outputs; ++i) {
      sinks[outputs == 1 ? name : name + ":" + std::to_string(i)] = {operation, i};
    }
  }
  for (const auto& [name, output] : sinks) {
    TensorInfo info;
    info.name = name;
    // Such as an iterator, which nobody can be shown.
    if (!ConvertType(TF_OperationOutputType(output), &info.dtype)) continue;
    const std::string tensor =
        std::string(TF_OperationName(output.oper)) + ":" + std::to_string(output.index);
    const Status status = AddOutput(output, tensor, std::move(info));
    if (!status.ok()) return status;
  }
  return {};
}

Status CoreEngine::FetchOnly(const std::vector<std::string>& names) {
  if (outputs_.empty()) return {kExitModel, "the model has no output"};
  std::vector<size_t> chosen;
  const Status status = ChooseOutputs(outputs_, names, &chosen);
  if (!status.ok()) return status;
  std::vector<TensorInfo> outputs;
  std::vector<Endpoint> ends;
  for (const size_t i : chosen) {
    outputs.push_back(outputs_[i]);
    ends.push_back(output_ends_[i]);
  }
  outputs_ = std::move(outputs);
  output_ends_ = std::move(ends);
  return {};
}

int CoreEngine::FindInput(const std::string& name) const {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].name == name) return static_cast<int>(i);
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const std::string& tensor = input_ends_[i].tensor;
    if (tensor == name || tensor == name + ":0") return static_cast<int>(i);
  }
  return -1;
}

Status CoreEngine::Prepare(const std::vector<Shape>& shapes) {
  shapes_ = shapes;
  for (TF_Tensor* tensor : input_tensors_) DeleteTensor(tensor);
  input_tensors_.assign(shapes.size(), nullptr);
  for (size_t i = 0; i < shapes.size(); ++i) {
    input_tensors_[i] = NewTensor(input_ends_[i].type, shapes[i]);
    if (input_tensors_[i] == nullptr) {
      return {kExitInvoke, "out of memory for input '" + inputs_[i].name + "'"};
    }
  }
  return {};
}

void* CoreEngine::InputData(size_t index, size_t* bytes) {
  *bytes = TF_TensorByteSize(input_tensors_[index]);
  return TF_TensorData(input_tensors_[index]);
}

Status CoreEngine::SetStrings(size_t index, const std::vector<std::string>& strings) {
  if (!CopyStrings(strings, input_tensors_[index])) {
    return {kExitInput, "input '" + inputs_[index].name + "' takes another number of strings"};
  }
  return {};
}

void CoreEngine::DropOutputs() {
  for (TF_Tensor* tensor : output_tensors_) TF_DeleteTensor(tensor);
  output_tensors_.clear();
}

Status CoreEngine::Invoke() {
  DropOutputs();
  output_tensors_.assign(output_ends_.size(), nullptr);
  std::vector<TF_Output> feeds, fetches;
  for (const Endpoint& end : input_ends_) feeds.push_back(end.output);
  for (const Endpoint& end : output_ends_) fetches.push_back(end.output);
  const TF_Buffer run_options = Borrowed(run_options_);
  TF_SessionRun(session_, &run_options, feeds.data(), input_tensors_.data(),
                static_cast<int>(feeds.size()), fetches.data(), output_tensors_.data(),
                static_cast<int>(fetches.size()), nullptr, 0, nullptr, status_);
  if (TF_GetCode(status_) == TF_OK) return {};
  if (model_.is_saved_model && !model_.has_variables_file &&
      TF_GetCode(status_) == TF_FAILED_PRECONDITION &&
      strstr(TF_Message(status_), "variable") != nullptr) {
    return Failure(kExitModel, "the model '" + path_ +
                                   "' lies there without its variables; variables/variables.index "
                                   "is missing");
  }
  return Failure(kExitInvoke, "the inference failed");
}

Status CoreEngine::Outputs(std::vector<OutputView>* outputs) {
  for (size_t i = 0; i < outputs_.size(); ++i) {
    OutputView view;
    view.info = outputs_[i];
    if (!ViewTensor(output_tensors_[i], &view)) {
      return {kExitInvoke, "output '" + outputs_[i].name + "' has no data"};
    }
    outputs->push_back(std::move(view));
  }
  return {};
}

EngineFacts CoreEngine::Facts() {
  EngineFacts facts;
  facts.nodes = model_.facts.nodes;
  facts.delegated_nodes = TfPortCoreXnnpackOps();
  facts.xnnpack = facts.delegated_nodes > 0;
  std::vector<const char*> names(TfPortCoreKernelNames(nullptr, 0));
  names.resize(TfPortCoreKernelNames(names.data(), names.size()));
  facts.kernels.assign(names.begin(), names.end());
  facts.packed_weights_bytes = TfPortCorePackedWeightsBytes();
  facts.model_bytes = model_.bytes;
  return facts;
}

}  // namespace

std::unique_ptr<Engine> MakeEngine() { return std::make_unique<CoreEngine>(); }

const char* LackingCpuFeature() { return TfPortCoreCheckCpu(); }

}  // namespace runner
