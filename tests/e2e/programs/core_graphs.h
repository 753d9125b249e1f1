// Graphs for tests of TensorFlow core, node by node, through nothing but the C API.
//
// The C API adds nodes in the order in which data flows, so it cannot close a loop: graphs are
// written here as the bytes of a GraphDef message.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tensorflow/c/c_api.h"

// splitmix64
class Random {
 public:
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  int In(int low, int high) {
    return low + static_cast<int>(Next() % static_cast<uint64_t>(high - low + 1));
  }
  template <typename T>
  T Of(std::initializer_list<T> values) {
    return values.begin()[In(0, static_cast<int>(values.size()) - 1)];
  }

 private:
  uint64_t state_ = 1;
};

// A tensor's type, shape and bytes. `at` says where the bytes lie if not in `bytes`.
struct Value {
  TF_DataType type = TF_FLOAT;
  std::vector<int64_t> shape;
  std::vector<char> bytes;
  void* at = nullptr;

  static int64_t Count(const std::vector<int64_t>& shape) {
    int64_t count = 1;
    for (int64_t size : shape) count *= size;
    return count;
  }
  int64_t count() const { return Count(shape); }
  const float* floats() const { return reinterpret_cast<const float*>(bytes.data()); }
};

inline Value Floats(Random* random, const std::vector<int64_t>& shape) {
  Value value{TF_FLOAT, shape, std::vector<char>(Value::Count(shape) * sizeof(float)), nullptr};
  for (int64_t i = 0; i < value.count(); ++i) {
    const float x = static_cast<float>(random->In(-1000, 1000)) / 1000;
    std::memcpy(&value.bytes[i * sizeof(float)], &x, sizeof(x));
  }
  return value;
}

inline Value Int32s(const std::vector<int64_t>& shape, std::initializer_list<int32_t> values) {
  Value value{TF_INT32, shape, std::vector<char>(values.size() * sizeof(int32_t)), nullptr};
  if (values.size() != 0) std::memcpy(value.bytes.data(), values.begin(), value.bytes.size());
  return value;
}

inline Value Bool(bool is) { return {TF_BOOL, {}, {static_cast<char>(is)}, nullptr}; }

// The wire format of protobuf, as much of it as a GraphDef takes.
class Message {
 public:
  Message& Varint(int field, uint64_t value) {
    Raw(static_cast<uint64_t>(field) << 3);
    Raw(value);
    return *this;
  }
  Message& Bytes(int field, const std::string& bytes) {
    Raw(static_cast<uint64_t>(field) << 3 | 2);
    Raw(bytes.size());
    text_ += bytes;
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  void Raw(uint64_t value) {
    for (; value > 127; value >>= 7) text_ += static_cast<char>((value & 127) | 128);
    text_ += static_cast<char>(value);
  }
  std::string text_;
};

// A node under construction; its outputs are known by its name.
class Node {
 public:
  Node(std::string op, std::string name) : op_(std::move(op)), name_(std::move(name)) {}
  Node& In(const std::string& input) {
    inputs_.push_back(input);
    return *this;
  }
  Node& After(const std::string& node) { return In("^" + node); }
  Node& Type(const std::string& name, TF_DataType type) {
    return Set(name, Message().Varint(6, type));
  }
  Node& Text(const std::string& name, const std::string& value) {
    return Set(name, Message().Bytes(2, value));
  }
  Node& Flag(const std::string& name, bool value) { return Set(name, Message().Varint(5, value)); }
  Node& Int(const std::string& name, int value) { return Set(name, Message().Varint(3, value)); }
  Node& Ints(const std::string& name, std::initializer_list<int> values) {
    Message list;
    for (int value : values) list.Varint(3, value);
    return Set(name, Message().Bytes(1, list.text()));
  }
  Node& Tensor(const std::string& name, const Value& value) {
    Message shape;
    for (int64_t size : value.shape) shape.Bytes(2, Message().Varint(1, size).text());
    Message tensor;
    tensor.Varint(1, value.type).Bytes(2, shape.text());
    tensor.Bytes(4, std::string(value.bytes.begin(), value.bytes.end()));
    return Set(name, Message().Bytes(8, tensor.text()));
  }
  const std::string& name() const { return name_; }
  std::string Output(int i) const { return name_ + ":" + std::to_string(i); }
  std::string Encoded() const {
    Message node;
    node.Bytes(1, name_).Bytes(2, op_);
    for (const std::string& input : inputs_) node.Bytes(3, input);
    for (const auto& [key, value] : attributes_) {
      node.Bytes(5, Message().Bytes(1, key).Bytes(2, value).text());
    }
    return node.text();
  }

 private:
  Node& Set(const std::string& name, const Message& value) {
    attributes_[name] = value.text();
    return *this;
  }
  const std::string op_, name_;
  std::vector<std::string> inputs_;
  std::map<std::string, std::string> attributes_;
};

class GraphMaker {
 public:
  // A node whose attribute T, if it has one, is float.
  Node& Add(const std::string& op, std::initializer_list<std::string> inputs, bool typed = true) {
    nodes_.emplace_back(op, op + "_" + std::to_string(nodes_.size()));
    for (const std::string& input : inputs) nodes_.back().In(input);
    if (typed) nodes_.back().Type("T", TF_FLOAT);
    return nodes_.back();
  }
  std::string Input(TF_DataType type = TF_FLOAT) {
    return Add("Placeholder", {}, false).Type("dtype", type).name();
  }
  Node& Constant(const Value& value) {
    return Add("Const", {}, false).Type("dtype", value.type).Tensor("value", value);
  }
  std::string Const(const Value& value) { return Constant(value).name(); }
  std::string Encoded() const {
    constexpr int kProducer = 1482;  // The version of graphs that TensorFlow 2.14 makes.
    Message graph;
    for (const Node& node : nodes_) graph.Bytes(1, node.Encoded());
    return graph.Bytes(4, Message().Varint(1, kProducer).text()).text();
  }

 private:
  std::list<Node> nodes_;  // A list: its elements stay where they are.
};

// A graph in a session of its own.
class Session {
 public:
  Session(const GraphMaker& maker, int threads) {
    const std::string text = maker.Encoded();
    const TF_Buffer buffer = {text.data(), text.size(), nullptr};
    TF_ImportGraphDefOptions* how = TF_NewImportGraphDefOptions();
    TF_GraphImportGraphDef(graph_, &buffer, how, status_);
    TF_DeleteImportGraphDefOptions(how);
    if (code() != TF_OK) return;
    TF_SessionOptions* options = TF_NewSessionOptions();
    // ConfigProto: intra_op_parallelism_threads, inter_op_parallelism_threads.
    const std::string config = Message().Varint(2, threads).Varint(5, 1).text();
    TF_SetConfig(options, config.data(), config.size(), status_);
    session_ = TF_NewSession(graph_, options, status_);
    TF_DeleteSessionOptions(options);
  }
  ~Session() {
    if (session_ != nullptr) {
      TF_CloseSession(session_, status_);
      TF_DeleteSession(session_, status_);
    }
    TF_DeleteGraph(graph_);
    TF_DeleteStatus(status_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Of the steps that made the session.
  TF_Code code() const { return TF_GetCode(status_); }

  // May be called by several threads at once. `message` becomes that of an error.
  TF_Code Run(const std::vector<std::pair<std::string, Value>>& feeds,
              const std::vector<std::string>& fetches, std::vector<Value>* outputs,
              std::string* message) const {
    outputs->clear();
    if (code() != TF_OK) {
      *message = TF_Message(status_);
      return code();
    }
    std::vector<TF_Output> inputs, results;
    std::vector<TF_Tensor*> values, tensors(fetches.size());
    for (const auto& [name, value] : feeds) {
      inputs.push_back(Find(name));
      values.push_back(Tensor(value));
    }
    for (const std::string& name : fetches) results.push_back(Find(name));
    TF_Status* status = TF_NewStatus();
    TF_SessionRun(session_, nullptr, inputs.data(), values.data(), static_cast<int>(inputs.size()),
                  results.data(), tensors.data(), static_cast<int>(results.size()), nullptr, 0,
                  nullptr, status);
    const TF_Code code = TF_GetCode(status);
    *message = TF_Message(status);
    TF_DeleteStatus(status);
    for (TF_Tensor* tensor : values) TF_DeleteTensor(tensor);
    for (TF_Tensor* tensor : tensors) {
      if (tensor == nullptr) continue;
      Value value{TF_TensorType(tensor), {}, {}, nullptr};
      for (int i = 0; i < TF_NumDims(tensor); ++i) value.shape.push_back(TF_Dim(tensor, i));
      const char* bytes = static_cast<const char*>(TF_TensorData(tensor));
      value.bytes.assign(bytes, bytes + TF_TensorByteSize(tensor));
      outputs->push_back(value);
      TF_DeleteTensor(tensor);
    }
    return code;
  }

 private:
  TF_Output Find(const std::string& name) const {
    return {TF_GraphOperationByName(graph_, name.c_str()), 0};
  }
  static TF_Tensor* Tensor(const Value& value) {
    const int dims = static_cast<int>(value.shape.size());
    const size_t size = value.bytes.size();
    if (value.at != nullptr) {
      const auto keep = [](void*, size_t, void*) {};
      return TF_NewTensor(value.type, value.shape.data(), dims, value.at, size, keep, nullptr);
    }
    TF_Tensor* tensor = TF_AllocateTensor(value.type, value.shape.data(), dims, size);
    if (size != 0) std::memcpy(TF_TensorData(tensor), value.bytes.data(), size);
    return tensor;
  }

  TF_Graph* const graph_ = TF_NewGraph();
  TF_Status* const status_ = TF_NewStatus();
  TF_Session* session_ = nullptr;
};
