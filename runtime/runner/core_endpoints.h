// What goes into a graph and what comes out of it, as places in TensorFlow's graph.
#ifndef TFPORT_RUNNER_CORE_ENDPOINTS_H_
#define TFPORT_RUNNER_CORE_ENDPOINTS_H_

#include <tensorflow/c/c_api.h>

#include <string>
#include <vector>

#include "graph_file.h"
#include "tensor.h"

namespace runner {

struct Endpoint {
  TF_Output output;
  TF_DataType type;
  std::string tensor;  // The graph's name for it, such as "x:0".
  TensorInfo info;     // By the user's name.
};

struct Endpoints {
  std::vector<Endpoint> inputs;
  std::vector<Endpoint> outputs;
};

// Finds the tensors of a signature.
Status SignatureEndpoints(TF_Graph* graph, const Signature& signature, Endpoints* ends);

// The inputs of a bare graph are its placeholders, its outputs what no operation takes. Both go by
// the names of their nodes and are sorted by them, as in the signature that build.py gives such a
// graph.
Status GraphEndpoints(TF_Graph* graph, Endpoints* ends);

}  // namespace runner

#endif  // TFPORT_RUNNER_CORE_ENDPOINTS_H_
