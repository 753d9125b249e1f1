// The engine on TensorFlow itself, over its C API. The first inference of a session also builds its
// executors; --warmup keeps that out of the times.
#include <stdio.h>
#include <string.h>
#include <tensorflow/c/c_api.h>
#include <tfport/core.h>
#include <unistd.h>

#include <utility>

#include "core_endpoints.h"
#include "core_model.h"
#include "core_tensor.h"
#include "engine.h"
#include "json.h"
#include "report.h"
#include "session_options.h"

namespace runner {
namespace {

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
  static void Log(void* engine, TfPortCoreLogSeverity severity, const char* message);

  Status OpenSession(const Options& options);
  void LoadSavedModel(const TF_SessionOptions* session_options);
  void ImportGraph(const TF_SessionOptions* session_options);
  Status Failure(int code, const std::string& what) const;
  std::string MissingOps() const;

  Status FetchOnly(const std::vector<std::string>& names);
  void DropOutputs();

  // What an assertion that fails inside TensorFlow is reported as.
  int failed_assertion_ = kExitModel;
  bool json_ = false;
  // Made by Load, when the log's level is known.
  TF_Status* status_ = nullptr;
  TF_Graph* graph_ = nullptr;
  TF_Session* session_ = nullptr;
  const std::string run_options_ = RunOptionsBytes();
  std::string path_;
  CoreModel model_;
  Endpoints ends_;
  std::vector<TensorInfo> inputs_;  // Of ends_.inputs.
  std::vector<TF_Tensor*> input_tensors_;
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
  TfPortCoreSetLogHandler(Log, this);
}

void CoreEngine::Log(void* engine, TfPortCoreLogSeverity severity, const char* message) {
  static const char* const kNames[] = {"INFO", "WARNING", "ERROR"};
  if (severity < kTfPortCoreLogFatal) {
    fprintf(stderr, "%s: %s\n", kNames[severity], Printable(message).c_str());
    return;
  }
  // TensorFlow trusts some of what a graph says and aborts where that is wrong. Whoever runs a
  // damaged model gets an error all the same.
  const CoreEngine* self = static_cast<const CoreEngine*>(engine);
  const std::string what = self->failed_assertion_ == kExitModel
                               ? "the model '" + self->path_ + "' is refused"
                               : "the inference failed";
  const int code =
      Fail({self->failed_assertion_, what + ": TensorFlow gave up: " + PlainMessage(message)},
           self->json_);
  fflush(stdout);
  _exit(code);
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
  json_ = options.json;
  Status status = OpenCoreModel(path_, &model_);
  if (!status.ok()) return status;
  // Before the weights are read. A bare graph goes by the default signature's name.
  std::vector<Signature> whole(1);
  whole[0].key = kDefaultSignature;
  const Signature* signature = nullptr;
  status = SelectSignature(model_.is_saved_model ? model_.signatures : whole, options.signature,
                           &signature);
  if (!status.ok()) return status;
  // TensorFlow reads the file again by itself.
  if (model_.is_saved_model) model_.CloseFile();
  TfPortCoreSetXnnpack(options.xnnpack ? 1 : 0);
  status_ = TF_NewStatus();
  graph_ = TF_NewGraph();
  status = OpenSession(options);
  if (!status.ok()) return status;
  status = model_.is_saved_model ? SignatureEndpoints(graph_, *signature, &ends_)
                                 : GraphEndpoints(graph_, &ends_);
  if (status.ok()) status = FetchOnly(options.fetch);
  for (const Endpoint& input : ends_.inputs) inputs_.push_back(input.info);
  model_.CloseFile();
  failed_assertion_ = kExitInvoke;
  return status;
}

Status CoreEngine::FetchOnly(const std::vector<std::string>& names) {
  if (ends_.outputs.empty()) return {kExitModel, "the model has no output"};
  std::vector<TensorInfo> known;
  for (const Endpoint& output : ends_.outputs) known.push_back(output.info);
  std::vector<size_t> chosen;
  const Status status = ChooseOutputs(known, names, &chosen);
  std::vector<Endpoint> outputs;
  for (const size_t index : chosen) outputs.push_back(ends_.outputs[index]);
  ends_.outputs = std::move(outputs);
  return status;
}

int CoreEngine::FindInput(const std::string& name) const {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].name == name) return static_cast<int>(i);
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const std::string& tensor = ends_.inputs[i].tensor;
    if (tensor == name || tensor == name + ":0" || tensor + ":0" == name) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

Status CoreEngine::Prepare(const std::vector<Shape>& shapes) {
  for (TF_Tensor* tensor : input_tensors_) DeleteTensor(tensor);
  input_tensors_.assign(shapes.size(), nullptr);
  for (size_t i = 0; i < shapes.size(); ++i) {
    input_tensors_[i] = NewTensor(ends_.inputs[i].type, shapes[i]);
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
  output_tensors_.assign(ends_.outputs.size(), nullptr);
  std::vector<TF_Output> feeds, fetches;
  for (const Endpoint& end : ends_.inputs) feeds.push_back(end.output);
  for (const Endpoint& end : ends_.outputs) fetches.push_back(end.output);
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
  for (size_t i = 0; i < output_tensors_.size(); ++i) {
    OutputView view;
    view.info = ends_.outputs[i].info;
    if (!ViewTensor(output_tensors_[i], &view)) {
      return {kExitInvoke, "output '" + view.info.name + "' has no data"};
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
