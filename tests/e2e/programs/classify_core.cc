// classify_core MODEL_FOLDER GRAPH.pb IMAGE.npy, by the C++ API: the same picture through a
// SavedModel and through a bare graph, whose answers must be the same number.
#include <tensorflow/cc/saved_model/loader.h>
#include <tensorflow/cc/saved_model/tag_constants.h>
#include <tensorflow/core/public/session.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// Messages are protobuf's, in a namespace that is not a consumer's own.
static_assert(std::is_base_of<tfport_google::protobuf::MessageLite, tensorflow::GraphDef>::value,
              "GraphDef is no message");

namespace {

using tensorflow::Tensor;

bool Read(const char* path, Tensor* image) {
  std::ifstream file(path, std::ios::binary);
  unsigned char start[10];
  file.read(reinterpret_cast<char*>(start), sizeof(start));
  file.seekg(start[8] + 256 * start[9], std::ios::cur);
  auto values = image->flat<float>();
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(sizeof(float) * static_cast<size_t>(values.size())));
  return static_cast<bool>(file);
}

bool Run(tensorflow::Session* session, const std::string& input, const std::string& output,
         const Tensor& image, std::pair<int, float>* best) {
  std::vector<Tensor> outputs;
  const tensorflow::Status status = session->Run({{input, image}}, {output}, {}, &outputs);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return false;
  }
  const auto scores = outputs[0].flat<float>();
  const float* top = std::max_element(scores.data(), scores.data() + scores.size());
  *best = {static_cast<int>(top - scores.data()), *top};
  return true;
}

// The placeholder of a graph, and the node that no other takes.
std::pair<std::string, std::string> Ends(const tensorflow::GraphDef& graph) {
  std::set<std::string> taken;
  std::pair<std::string, std::string> ends;
  for (const tensorflow::NodeDef& node : graph.node()) {
    for (const std::string& name : node.input()) taken.insert(name.substr(0, name.find(':')));
  }
  for (const tensorflow::NodeDef& node : graph.node()) {
    if (node.op() == "Placeholder") ends.first = node.name();
    if (taken.count(node.name()) == 0) ends.second = node.name();
  }
  return ends;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 1;
  Tensor image(tensorflow::DT_FLOAT, tensorflow::TensorShape({1, 227, 227, 3}));
  if (!Read(argv[3], &image)) return 2;
  tensorflow::SessionOptions options;
  options.config.set_intra_op_parallelism_threads(2);

  tensorflow::SavedModelBundleLite bundle;
  tensorflow::Status status = tensorflow::LoadSavedModel(
      options, tensorflow::RunOptions(), argv[1], {tensorflow::kSavedModelTagServe}, &bundle);
  if (!status.ok()) return std::fprintf(stderr, "%s\n", status.ToString().c_str()), 3;
  const tensorflow::SignatureDef& signature = bundle.GetSignatures().at("serving_default");
  std::pair<int, float> first, second;
  if (!Run(bundle.GetSession(), signature.inputs().begin()->second.name(),
           signature.outputs().begin()->second.name(), image, &first)) {
    return 4;
  }

  tensorflow::GraphDef graph;
  status = tensorflow::ReadBinaryProto(tensorflow::Env::Default(), argv[2], &graph);
  if (!status.ok()) return std::fprintf(stderr, "%s\n", status.ToString().c_str()), 5;
  const std::unique_ptr<tensorflow::Session> session(tensorflow::NewSession(options));
  status = session->Create(graph);
  if (!status.ok()) return std::fprintf(stderr, "%s\n", status.ToString().c_str()), 6;
  const auto [input, output] = Ends(graph);
  if (!Run(session.get(), input, output, image, &second)) return 7;
  if (first.first != second.first) return 8;
  std::printf("nodes %d\n%d %.6f\n", graph.node_size(), second.first,
              static_cast<double>(second.second));
  return 0;
}
