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
constexpr uint32_t kTensorName = 1, kTensorShape = 3;
constexpr uint32_t kShapeDim = 2, kShapeUnknownRank = 3, kDimSize = 1;
constexpr uint32_t kGraphNode = 1, kGraphLibrary = 2;
constexpr uint32_t kLibraryFunction = 1, kFunctionSignature = 1, kFunctionNode = 3;
constexpr uint32_t kNodeName = 1, kNodeOp = 2;
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
    if (reader.IsBytes(field::kTensorName)) port->tensor = reader.text();
    if (!reader.IsBytes(field::kTensorShape)) continue;
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

bool ReadNode(std::string_view message, GraphFacts* facts) {
  std::string name, op;
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.IsBytes(field::kNodeName)) name = reader.text();
    if (reader.IsBytes(field::kNodeOp)) op = reader.text();
  }
  if (!reader.ok() || name.empty() || op.empty()) return false;
  ++facts->nodes;
  facts->ops.emplace(std::move(op), std::move(name));
  return true;
}

// The name in an OpDef.
bool ReadOpName(std::string_view message, std::string* name) {
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.IsBytes(field::kOpName)) *name = reader.text();
  }
  return reader.ok();
}

bool ReadFunction(std::string_view message, GraphFacts* facts) {
  std::string name;
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.IsBytes(field::kFunctionSignature) && !ReadOpName(reader.bytes(), &name)) {
      return false;
    }
    if (reader.IsBytes(field::kFunctionNode) && !ReadNode(reader.bytes(), facts)) return false;
  }
  facts->functions.insert(std::move(name));
  return reader.ok();
}

bool ReadLibrary(std::string_view message, GraphFacts* facts) {
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.IsBytes(field::kLibraryFunction) && !ReadFunction(reader.bytes(), facts)) {
      return false;
    }
  }
  return reader.ok();
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
  WireReader reader(graph_def);
  while (reader.Next()) {
    if (reader.IsBytes(field::kGraphNode) && !ReadNode(reader.bytes(), facts)) return kBroken;
    if (reader.IsBytes(field::kGraphLibrary) && !ReadLibrary(reader.bytes(), facts)) return kBroken;
  }
  if (!reader.ok()) return kBroken;
  return facts->nodes == 0 ? "its graph is empty" : "";
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
