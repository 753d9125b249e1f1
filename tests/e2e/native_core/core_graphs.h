// Graphs for tests of TensorFlow core, node by node, and the tensors to run them with.
#pragma once

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "tensorflow/core/framework/attr_value.pb.h"
#include "tensorflow/core/framework/graph.pb.h"
#include "tensorflow/core/framework/node_def.pb.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/framework/tensor.pb.h"
#include "tensorflow/core/framework/tensor_shape.h"
#include "tensorflow/core/framework/versions.pb.h"
#include "tensorflow/core/public/version.h"

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
  void Fill(tensorflow::Tensor* tensor) {
    auto flat = tensor->flat<float>();
    for (int64_t i = 0; i < flat.size(); ++i) flat(i) = static_cast<float>(In(-1000, 1000)) / 1000;
  }
  tensorflow::Tensor Floats(std::initializer_list<int64_t> shape) {
    tensorflow::Tensor tensor(tensorflow::DT_FLOAT, tensorflow::TensorShape(shape));
    Fill(&tensor);
    return tensor;
  }

 private:
  uint64_t state_ = 1;
};

inline tensorflow::Tensor Int32s(std::initializer_list<int64_t> shape,
                                 std::initializer_list<int32_t> values) {
  tensorflow::Tensor tensor(tensorflow::DT_INT32, tensorflow::TensorShape(shape));
  int64_t i = 0;
  for (int32_t value : values) tensor.flat<int32_t>()(i++) = value;
  return tensor;
}

// A node under construction; its outputs are known by its name.
class Node {
 public:
  explicit Node(tensorflow::NodeDef* def) : def_(def) {}
  Node& Type(const char* name, tensorflow::DataType type) {
    (*def_->mutable_attr())[name].set_type(type);
    return *this;
  }
  Node& Ints(const char* name, std::initializer_list<int> values) {
    auto* list = (*def_->mutable_attr())[name].mutable_list();
    list->clear_i();
    for (int value : values) list->add_i(value);
    return *this;
  }
  Node& Text(const char* name, const std::string& value) {
    (*def_->mutable_attr())[name].set_s(value);
    return *this;
  }
  Node& Flag(const char* name, bool value) {
    (*def_->mutable_attr())[name].set_b(value);
    return *this;
  }
  Node& Int(const char* name, int value) {
    (*def_->mutable_attr())[name].set_i(value);
    return *this;
  }
  Node& After(const std::string& node) {
    def_->add_input("^" + node);
    return *this;
  }
  Node& In(const std::string& input) {
    def_->add_input(input);
    return *this;
  }
  tensorflow::NodeDef* def() { return def_; }
  std::string name() const { return def_->name(); }
  std::string Output(int i) const { return def_->name() + ":" + std::to_string(i); }

 private:
  tensorflow::NodeDef* def_;
};

class GraphMaker {
 public:
  GraphMaker() { graph_.mutable_versions()->set_producer(TF_GRAPH_DEF_VERSION); }

  // A node whose attribute T, if it has one, is float.
  Node Add(const std::string& op, std::initializer_list<std::string> inputs, bool typed = true) {
    tensorflow::NodeDef* def = graph_.add_node();
    def->set_name(op + "_" + std::to_string(graph_.node_size()));
    def->set_op(op);
    for (const std::string& input : inputs) def->add_input(input);
    Node node(def);
    return typed ? node.Type("T", tensorflow::DT_FLOAT) : node;
  }
  std::string Input(tensorflow::DataType type = tensorflow::DT_FLOAT) {
    return Add("Placeholder", {}, false).Type("dtype", type).name();
  }
  Node Constant(const tensorflow::Tensor& value) {
    Node node = Add("Const", {}, false).Type("dtype", value.dtype());
    value.AsProtoTensorContent((*node.def()->mutable_attr())["value"].mutable_tensor());
    return node;
  }
  std::string Const(const tensorflow::Tensor& value) { return Constant(value).name(); }

  const tensorflow::GraphDef& graph() const { return graph_; }

 private:
  tensorflow::GraphDef graph_;
};
