// What TensorFlow's model files say, as far as the runner wants to know it. Reads files of any
// content: what is malformed is reported, never followed.
#ifndef TFPORT_RUNNER_GRAPH_FILE_H_
#define TFPORT_RUNNER_GRAPH_FILE_H_

#include <stdint.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tensor.h"

namespace runner {

// One input or output of a signature.
struct Port {
  std::string name;    // The user's, such as "image".
  std::string tensor;  // The graph's, such as "serving_default_image:0"; empty when it is no dense
                       // tensor but a sparse or a composite one.
  bool any_rank = false;
  Shape shape;  // -1 for a dimension that is open.
};

struct Signature {
  std::string key;
  std::vector<Port> inputs;  // Both sorted by name: in the file they have no order.
  std::vector<Port> outputs;
};

// Finds the graph of a SavedModel that has the tag "serve" and no other. `saved_model` is the
// content of saved_model.pb; *meta_graph, a MetaGraphDef, points into it. Returns an empty string,
// or what is wrong.
std::string FindServingGraph(std::string_view saved_model, std::string_view* meta_graph);

// Reads the signatures of a MetaGraphDef, sorted by key, without those that TensorFlow keeps there
// for its own use. Returns an empty string, or what is wrong.
std::string ReadSignatures(std::string_view meta_graph, std::vector<Signature>* signatures);

// The GraphDef of a MetaGraphDef; empty when it has none.
std::string_view GraphOf(std::string_view meta_graph);

struct GraphFacts {
  int64_t nodes = 0;                       // Those of functions included.
  std::map<std::string, std::string> ops;  // Op, or function, to the first node that calls it.
  std::set<std::string> functions;
};

// Reads a GraphDef. Returns an empty string, or what is wrong.
std::string ReadGraph(std::string_view graph_def, GraphFacts* facts);

// The names in an OpList.
std::set<std::string> OpNames(std::string_view op_list);

}  // namespace runner

#endif  // TFPORT_RUNNER_GRAPH_FILE_H_
