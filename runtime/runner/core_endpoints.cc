#include "core_endpoints.h"

#include <stdlib.h>

#include <map>
#include <utility>

#include "core_tensor.h"

namespace runner {
namespace {

// Finds "name:index"; without an index, the operation's first result.
bool FindTensor(TF_Graph* graph, const std::string& tensor, TF_Output* output) {
  const size_t colon = tensor.rfind(':');
  int index = 0;
  if (colon != std::string::npos) {
    const std::string digits = tensor.substr(colon + 1);
    if (digits.empty() || digits.size() > 6) return false;
    if (digits.find_first_not_of("0123456789") != std::string::npos) return false;
    index = atoi(digits.c_str());
  }
  TF_Operation* operation = TF_GraphOperationByName(graph, tensor.substr(0, colon).c_str());
  if (operation == nullptr || index >= TF_OperationNumOutputs(operation)) return false;
  *output = {operation, index};
  return true;
}

// Fills in the shape that the graph knows.
void ReadShape(TF_Graph* graph, TF_Output output, TensorInfo* info) {
  TF_Status* status = TF_NewStatus();
  const int rank = TF_GraphGetTensorNumDims(graph, output, status);
  info->any_rank = TF_GetCode(status) != TF_OK || rank < 0;
  if (!info->any_rank) {
    info->shape.resize(static_cast<size_t>(rank));
    TF_GraphGetTensorShape(graph, output, info->shape.data(), rank, status);
    info->any_rank = TF_GetCode(status) != TF_OK;
  }
  TF_DeleteStatus(status);
}

// The endpoint at a tensor; its shape is the graph's unless `port` knows one.
Endpoint EndpointAt(TF_Graph* graph, TF_Output output, const Port& port) {
  Endpoint end = {output, TF_OperationOutputType(output), port.tensor, {}};
  end.info.name = port.name;
  end.info.shape = port.shape;
  end.info.any_rank = port.any_rank;
  if (end.info.any_rank) ReadShape(graph, output, &end.info);
  return end;
}

Status AddInput(Endpoint end, Endpoints* ends) {
  if (!ConvertType(end.type, &end.info.dtype)) {
    return {kExitInput, "input '" + end.info.name + "' has type " + TypeName(end.type) +
                            ", which cannot be fed"};
  }
  ends->inputs.push_back(std::move(end));
  return {};
}

Status AddOutput(Endpoint end, Endpoints* ends) {
  if (!ConvertType(end.type, &end.info.dtype)) {
    return {kExitModel, "output '" + end.info.name + "' has type " + TypeName(end.type) +
                            ", which cannot be written"};
  }
  ends->outputs.push_back(std::move(end));
  return {};
}

// Whether nobody takes what the operation gives.
bool IsSink(TF_Operation* operation) {
  if (TF_OperationNumControlOutputs(operation) > 0) return false;
  for (int i = 0; i < TF_OperationNumOutputs(operation); ++i) {
    if (TF_OperationOutputNumConsumers({operation, i}) > 0) return false;
  }
  return true;
}

Port WholePort(const std::string& name) {
  Port port;
  port.name = port.tensor = name;
  port.any_rank = true;
  return port;
}

}  // namespace

Status SignatureEndpoints(TF_Graph* graph, const Signature& signature, Endpoints* ends) {
  for (const bool is_input : {true, false}) {
    for (const Port& port : is_input ? signature.inputs : signature.outputs) {
      const std::string what = std::string(is_input ? "input '" : "output '") + port.name +
                               "' of signature '" + signature.key + "' ";
      if (port.tensor.empty()) {
        return {kExitModel, what + "is sparse or ragged; only plain tensors can be run"};
      }
      TF_Output output;
      if (!FindTensor(graph, port.tensor, &output)) {
        return {kExitModel,
                what + "is tensor '" + port.tensor + "', which the graph does not have"};
      }
      Endpoint end = EndpointAt(graph, output, port);
      const Status status =
          is_input ? AddInput(std::move(end), ends) : AddOutput(std::move(end), ends);
      if (!status.ok()) return status;
    }
  }
  return {};
}

Status GraphEndpoints(TF_Graph* graph, Endpoints* ends) {
  std::map<std::string, TF_Output> placeholders, sinks;
  size_t position = 0;
  while (TF_Operation* operation = TF_GraphNextOperation(graph, &position)) {
    const std::string name = TF_OperationName(operation);
    const std::string type = TF_OperationOpType(operation);
    const int outputs = TF_OperationNumOutputs(operation);
    if (type.rfind("Placeholder", 0) == 0) {
      if (type != "PlaceholderWithDefault") placeholders[name] = {operation, 0};
    } else if (IsSink(operation)) {
      for (int i = 0; i < outputs; ++i) {
        sinks[outputs == 1 ? name : name + ":" + std::to_string(i)] = {operation, i};
      }
    }
  }
  for (const auto& [name, output] : placeholders) {
    const Status status = AddInput(EndpointAt(graph, output, WholePort(name)), ends);
    if (!status.ok()) return status;
  }
  for (const auto& [name, output] : sinks) {
    Endpoint end = EndpointAt(graph, output, WholePort(name));
    // What cannot be written, such as an iterator, was not meant to be shown.
    DType dtype;
    if (!ConvertType(end.type, &dtype)) continue;
    const Status status = AddOutput(std::move(end), ends);
    if (!status.ok()) return status;
  }
  return {};
}

}  // namespace runner
