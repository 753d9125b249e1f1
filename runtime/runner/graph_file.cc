#include "graph_file.h"

#include <algorithm>

#include "wire.h"

namespace runner {
namespace {

constexpr char kBroken[] = "it is damaged or cut short";

// Field numbers of TensorFlow's messages.
namespace field {
constexpr uint32_t kMapKey = 1, kMapValue = 2;
constexpr uint32_t kSavedModelMetaGraphs = 2;
constexpr uint32_t kMetaGraphInfo = 1, kMetaGraphGraph = 2, kMetaGraphSignatures = 5;
constexpr uint32_t kMetaInfoTags = 4;
constexpr uint32_t kSignatureInputs = 1, kSignatureOutputs = 2;
constexpr uint32_t kPortTensor = 1, kPortShape = 3;
constexpr uint32_t kShapeDim = 2, kShapeUnknownRank = 3, kDimSize = 1;
constexpr uint32_t kGraphNode = 1, kGraphLibrary = 2;
constexpr uint32_t kLibraryFunction = 1, kFunctionSignature = 1, kFunctionNode = 3;
constexpr uint32_t kNodeName = 1, kNodeOp = 2, kNodeAttr = 5;
constexpr uint32_t kAttrType = 6, kAttrTensor = 8, kTensorType = 1;
constexpr uint32_t kOpListOp = 1, kOpName = 1;
}  // namespace field

// More dimensions than any tensor of TensorFlow may have.
constexpr size_t kMostDims = 254;

bool ReadShape(std::string_view message, Port* port) {
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.IsNumber(field::kShapeUnknownRank)) port->any_rank = reader.number() != 0;
    if (!reader.IsBytes(field::kShapeDim)) continue;
    int64_t size = 0;
    WireReader dim(reader.bytes());
    while (dim.Next()) {
      if (dim.IsNumber(field::kDimSize)) size = static_cast<int64_t>(dim.number());
    }
    if (!dim.ok() || size < -1 || port->shape.size() == kMostDims) return false;
    port->shape.push_back(size);
  }
  return reader.ok();
}

bool ReadPort(std::string_view message, Port* port) {
  // Without a shape in the file nothing is known about it.
  port->any_rank = true;
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.IsBytes(field::kPortTensor)) port->tensor = reader.text();
    if (!reader.IsBytes(field::kPortShape)) continue;
    port->any_rank = false;
    port->shape.clear();
    if (!ReadShape(reader.bytes(), port)) return false;
  }
  return reader.ok();
}

// Reads an entry of a map from strings to messages.
bool ReadEntry(std::string_view entry, std::string* key, std::string_view* value) {
  WireReader reader(entry);
  while (reader.Next()) {
    if (reader.IsBytes(field::kMapKey)) *key = reader.text();
    if (reader.IsBytes(field::kMapValue)) *value = reader.bytes();
  }
  return reader.ok();
}

bool ReadNamedPort(std::string_view entry, std::map<std::string, Port>* ports) {
  Port port;
  std::string_view value;
  if (!ReadEntry(entry, &port.name, &value) || !ReadPort(value, &port)) return false;
  // As in protobuf, the last of several entries counts.
  (*ports)[port.name] = std::move(port);
  return true;
}

bool ReadSignature(std::string_view message, Signature* signature) {
  std::map<std::string, Port> inputs, outputs;
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.IsBytes(field::kSignatureInputs) && !ReadNamedPort(reader.bytes(), &inputs)) {
      return false;
    }
    if (reader.IsBytes(field::kSignatureOutputs) && !ReadNamedPort(reader.bytes(), &outputs)) {
      return false;
    }
  }
  for (auto& [name, port] : inputs) signature->inputs.push_back(std::move(port));
  for (auto& [name, port] : outputs) signature->outputs.push_back(std::move(port));
  return reader.ok();
}

// The tags of a MetaGraphDef, sorted, with spaces between.
bool ReadTags(std::string_view meta_graph, std::string* tags) {
  std::set<std::string> sorted;
  WireReader reader(meta_graph);
  while (reader.Next()) {
    if (!reader.IsBytes(field::kMetaGraphInfo)) continue;
    WireReader info(reader.bytes());
    while (info.Next()) {
      if (info.IsBytes(field::kMetaInfoTags)) sorted.insert(info.text());
    }
    if (!info.ok()) return false;
  }
  for (const std::string& tag : sorted) *tags += (tags->empty() ? "" : " ") + tag;
  return reader.ok();
}

// The types that a constant gives itself and its value; 0 where it says nothing.
struct ConstantTypes {
  uint64_t own = 0;
  uint64_t value = 0;
};

bool ReadAttribute(std::string_view entry, ConstantTypes* types) {
  std::string key;
  std::string_view value;
  if (!ReadEntry(entry, &key, &value)) return false;
  WireReader reader(value);
  while (reader.Next()) {
    if (key == "dtype" && reader.IsNumber(field::kAttrType)) types->own = reader.number();
    if (key != "value" || !reader.IsBytes(field::kAttrTensor)) continue;
    WireReader tensor(reader.bytes());
    while (tensor.Next()) {
      if (tensor.IsNumber(field::kTensorType)) types->value = tensor.number();
    }
    if (!tensor.ok()) return false;
  }
  return reader.ok();
}

std::string ReadNode(std::string_view message, GraphFacts* facts) {
  std::string name, op;
  ConstantTypes types;
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.IsBytes(field::kNodeName)) name = reader.text();
    if (reader.IsBytes(field::kNodeOp)) op = reader.text();
    if (reader.IsBytes(field::kNodeAttr) && !ReadAttribute(reader.bytes(), &types)) return kBroken;
  }
  if (!reader.ok() || name.empty() || op.empty()) return kBroken;
  // TensorFlow believes the node while it works out shapes, and aborts when the value differs.
  if (op == "Const" && types.own != types.value) {
    return "its constant '" + name + "' has a value of another type than its own";
  }
  ++facts->nodes;
  facts->ops.emplace(std::move(op), std::move(name));
  return "";
}

// The name in an OpDef.
bool ReadOpName(std::string_view message, std::string* name) {
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.IsBytes(field::kOpName)) *name = reader.text();
  }
  return reader.ok();
}

std::string ReadFunction(std::string_view message, GraphFacts* facts) {
  std::string name, problem;
  WireReader reader(message);
  while (problem.empty() && reader.Next()) {
    if (reader.IsBytes(field::kFunctionSignature) && !ReadOpName(reader.bytes(), &name)) {
      return kBroken;
    }
    if (reader.IsBytes(field::kFunctionNode)) problem = ReadNode(reader.bytes(), facts);
  }
  facts->functions.insert(std::move(name));
  return reader.ok() ? problem : kBroken;
}

std::string ReadLibrary(std::string_view message, GraphFacts* facts) {
  std::string problem;
  WireReader reader(message);
  while (problem.empty() && reader.Next()) {
    if (reader.IsBytes(field::kLibraryFunction)) problem = ReadFunction(reader.bytes(), facts);
  }
  return reader.ok() ? problem : kBroken;
}

}  // namespace

std::string FindServingGraph(std::string_view saved_model, std::string_view* meta_graph) {
  std::string others;
  bool found = false;
  WireReader reader(saved_model);
  while (reader.Next()) {
    if (!reader.IsBytes(field::kSavedModelMetaGraphs)) continue;
    std::string tags;
    if (!ReadTags(reader.bytes(), &tags)) return kBroken;
    if (tags == "serve") {
      // TensorFlow, too, takes the first.
      if (!found) *meta_graph = reader.bytes();
      found = true;
    } else {
      others += (others.empty() ? "'" : ", '") + tags + "'";
    }
  }
  if (!reader.ok()) return kBroken;
  if (found) return "";
  return others.empty() ? "it holds no graph"
                        : "none of its graphs has the one tag 'serve'; their tags are " + others;
}

std::string ReadSignatures(std::string_view meta_graph, std::vector<Signature>* signatures) {
  std::map<std::string, Signature> sorted;
  WireReader reader(meta_graph);
  while (reader.Next()) {
    if (!reader.IsBytes(field::kMetaGraphSignatures)) continue;
    Signature signature;
    std::string_view value;
    if (!ReadEntry(reader.bytes(), &signature.key, &value) || !ReadSignature(value, &signature)) {
      return kBroken;
    }
    if (signature.key.rfind("__saved_model_", 0) == 0) continue;
    sorted[signature.key] = std::move(signature);
  }
  for (auto& [key, signature] : sorted) signatures->push_back(std::move(signature));
  return reader.ok() ? "" : kBroken;
}

std::string_view GraphOf(std::string_view meta_graph) {
  std::string_view graph;
  WireReader reader(meta_graph);
  while (reader.Next()) {
    if (reader.IsBytes(field::kMetaGraphGraph)) graph = reader.bytes();
  }
  return graph;
}

std::string ReadGraph(std::string_view graph_def, GraphFacts* facts) {
  std::string problem;
  WireReader reader(graph_def);
  while (problem.empty() && reader.Next()) {
    if (reader.IsBytes(field::kGraphNode)) problem = ReadNode(reader.bytes(), facts);
    if (reader.IsBytes(field::kGraphLibrary)) problem = ReadLibrary(reader.bytes(), facts);
  }
  if (!reader.ok()) return kBroken;
  return problem.empty() && facts->nodes == 0 ? "its graph is empty" : problem;
}

std::set<std::string> OpNames(std::string_view op_list) {
  std::set<std::string> names;
  WireReader reader(op_list);
  while (reader.Next()) {
    std::string name;
    if (reader.IsBytes(field::kOpListOp) && ReadOpName(reader.bytes(), &name)) names.insert(name);
  }
  return names;
}

}  // namespace runner
