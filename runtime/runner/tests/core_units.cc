// The reader of TensorFlow's files, on messages that are written here byte by byte.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core_model.h"
#include "../graph_file.h"
#include "../npy.h"
#include "../session_options.h"
#include "../wire.h"
#include "check.h"

namespace runner {
namespace {

std::string Field(uint32_t field, std::string_view value) {
  std::string message;
  AppendBytes(field, value, &message);
  return message;
}

std::string Field(uint32_t field, int64_t value) {
  std::string message;
  AppendNumber(field, value, &message);
  return message;
}

std::string Entry(std::string_view key, std::string_view value) {
  return Field(1, key) + Field(2, value);
}

std::string TensorInfoBytes(std::string_view tensor, const Shape& shape) {
  std::string dims;
  for (const int64_t size : shape) dims += Field(2, Field(1, size));
  return Field(1, tensor) + Field(2, 1) + Field(3, dims);
}

std::string NodeBytes(std::string_view name, std::string_view op) {
  return Field(1, name) + Field(2, op) + Field(3, "an input") + Field(5, Entry("T", "\x30\x01"));
}

const std::string kGraph =
    Field(1, NodeBytes("x", "Placeholder")) + Field(1, NodeBytes("y", "Relu")) +
    Field(4, Field(1, 1087)) +
    Field(2, Field(1, Field(1, Field(1, "inner")) + Field(3, NodeBytes("z", "Relu"))));

// A SavedModel with the graph above and three signatures.
std::string SavedModelBytes(std::string_view tags = "serve") {
  const std::string two = Field(1, Entry("b", TensorInfoBytes("x:0", {-1, 3}))) +
                          Field(1, Entry("a", Field(1, "w:1"))) +
                          Field(1, Entry("c", TensorInfoBytes("c:0", {}) + Field(2, 9))) +
                          Field(2, Entry("out", TensorInfoBytes("y:0", {2}))) + Field(3, "predict");
  std::string info;
  for (const char tag : tags) info += Field(4, tag == 's' ? "serve" : std::string(1, tag));
  const std::string meta =
      Field(1, tags == "serve" ? Field(4, "serve") : info) + Field(2, kGraph) +
      Field(5, Entry("two", two)) + Field(5, Entry("empty", "")) +
      Field(5, Entry("__saved_model_init_op", Field(2, Entry("op", Field(1, "NoOp")))));
  return Field(1, 1) + Field(2, meta);
}

void TestWire() {
  const std::string bytes(
      "\x08\x96\x01\x12\x03"
      "abc"
      "\x1d\x01\x02\x03\x04\x21\x01\x02\x03\x04\x05\x06\x07\x08"
      "\x2a\x00",
      24);
  WireReader reader(bytes);
  CHECK(reader.Next() && reader.IsNumber(1) && !reader.IsBytes(1) && reader.number() == 150);
  CHECK(reader.Next() && reader.IsBytes(2) && !reader.IsNumber(2) && reader.text() == "abc");
  CHECK(reader.Next() && reader.field() == 3 && !reader.IsNumber(3) && !reader.IsBytes(3));
  CHECK(reader.Next() && reader.field() == 4 && !reader.IsNumber(4) && !reader.IsBytes(4));
  CHECK(reader.Next() && reader.IsBytes(5) && reader.bytes().empty());
  CHECK(!reader.Next() && reader.ok());
  // Cut anywhere but between fields, it is malformed.
  for (size_t length = 0; length < bytes.size(); ++length) {
    WireReader cut(std::string_view(bytes).substr(0, length));
    while (cut.Next()) {
    }
    const bool whole = length == 0 || length == 3 || length == 8 || length == 13 || length == 22;
    CHECK(cut.ok() == whole);
  }
  for (const std::string& bad : {
           std::string("\x00\x00", 2),                                   // Field 0.
           std::string("\x0b\x0c"),                                      // A group.
           std::string("\x0e"),                                          // No such kind.
           std::string("\x0a\xff\xff\xff\xff\x0f"),                      // Longer than the rest.
           std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),  // 2^64 - 1 bytes.
           std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),  // 11 bytes of number.
           std::string("\xff\xff\xff\xff\xff\x01\x00", 7),                   // Field number > 2^29.
       }) {
    WireReader malformed(bad);
    CHECK(!malformed.Next() && !malformed.ok() && !malformed.Next());
  }
  const std::string negative = Field(3, -1);
  CHECK(negative == std::string("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  WireReader back(negative);
  CHECK(back.Next() && static_cast<int64_t>(back.number()) == -1);
  CHECK(Field(16, std::string(200, 'x')).substr(0, 4) == "\x82\x01\xc8\x01");
}

void TestSessionOptions() {
  CHECK(SessionConfigBytes(4) ==
        "\x10\x04\x28\x01\x38\x01\x52\x05\x52\x03\x98\x01\x01\x82\x01\x04\x60\x01\x70\x01");
  CHECK(SessionConfigBytes(64).substr(0, 2) == "\x10\x40");
  CHECK(RunOptionsBytes() == Field(3, -1));
}

void TestSignatures() {
  const std::string file = SavedModelBytes();
  std::string_view meta_graph;
  CHECK(FindServingGraph(file, &meta_graph).empty());
  CHECK(GraphOf(meta_graph) == kGraph);
  std::vector<Signature> signatures;
  CHECK(ReadSignatures(meta_graph, &signatures).empty());
  CHECK(signatures.size() == 2 && signatures[0].key == "empty" && signatures[1].key == "two");
  CHECK(signatures[0].inputs.empty() && signatures[0].outputs.empty());
  const std::vector<Port>& inputs = signatures[1].inputs;
  CHECK(inputs.size() == 3 && signatures[1].outputs.size() == 1);
  CHECK(inputs[0].name == "a" && inputs[0].tensor == "w:1" && inputs[0].any_rank);
  CHECK(inputs[1].name == "b" && inputs[1].shape == (Shape{-1, 3}) && !inputs[1].any_rank);
  CHECK(inputs[2].name == "c" && inputs[2].shape.empty() && !inputs[2].any_rank);
  CHECK(signatures[1].outputs[0].tensor == "y:0" && signatures[1].outputs[0].shape == Shape{2});

  const Signature* chosen = nullptr;
  CHECK(SelectSignature(signatures, "two", &chosen).ok() && chosen == &signatures[1]);
  Status status = SelectSignature(signatures, "three", &chosen);
  CHECK(status.code == kExitInput && status.message.find("'empty', 'two'") != std::string::npos);
  status = SelectSignature(signatures, "", &chosen);
  CHECK(status.code == kExitInput && status.message.find("--signature") != std::string::npos);
  CHECK(SelectSignature({signatures[1]}, "", &chosen).ok());
  CHECK(SelectSignature({}, "", &chosen).code == kExitModel);
  signatures[1].key = "serving_default";
  CHECK(SelectSignature(signatures, "", &chosen).ok() && chosen == &signatures[1]);

  std::string problem = FindServingGraph(SavedModelBytes("gs"), &meta_graph);
  CHECK(problem.find("'g serve'") != std::string::npos);
  problem = FindServingGraph(SavedModelBytes("t") + SavedModelBytes("s"), &meta_graph);
  CHECK(problem.empty());
  CHECK(!FindServingGraph(Field(1, 1), &meta_graph).empty());
  CHECK(!FindServingGraph("\xff", &meta_graph).empty());
  for (const std::string& shape : {
           Field(2, Field(1, -2)),                     // No such size.
           Field(2, "\xff"),                           // No message.
           Field(2, std::string(1, '\x0a') + "\x7f"),  // Cut short.
       }) {
    const std::string port = Field(1, Entry("p", Field(1, "x:0") + Field(3, shape)));
    signatures.clear();
    CHECK(!ReadSignatures(Field(5, Entry("s", port)), &signatures).empty());
  }
  std::string dims;
  for (int i = 0; i < 255; ++i) dims += Field(2, "");
  signatures.clear();
  CHECK(!ReadSignatures(Field(5, Entry("s", Field(1, Entry("p", Field(3, dims))))), &signatures)
             .empty());
}

void TestGraph() {
  GraphFacts facts;
  CHECK(ReadGraph(kGraph, &facts).empty());
  CHECK(facts.nodes == 3 && facts.ops.size() == 2 && facts.ops["Relu"] == "y");
  CHECK(facts.functions == std::set<std::string>{"inner"});
  facts = {};
  CHECK(!ReadGraph("", &facts).empty());
  CHECK(!ReadGraph(Field(1, Field(1, "nameless")), &facts).empty());
  CHECK(!ReadGraph(std::string_view(kGraph).substr(0, kGraph.size() - 1), &facts).empty());
  for (const int64_t type : {1, 3}) {
    const std::string value = Field(8, Field(1, 1) + Field(2, "") + Field(4, "data"));
    const std::string constant = Field(1, "c") + Field(5, Entry("value", value)) +
                                 Field(5, Entry("dtype", Field(6, type))) + Field(2, "Const");
    facts = {};
    const std::string problem = ReadGraph(Field(1, constant), &facts);
    CHECK(problem.empty() == (type == 1) &&
          (type == 1 || problem.find("'c'") != std::string::npos));
  }
  CHECK(OpNames(Field(1, Field(1, "A")) + Field(1, Field(1, "B"))) ==
        (std::set<std::string>{"A", "B"}));
}

void TestMessages() {
  CHECK(MissingOp("Op type not registered 'Foo' in binary running on host. Make sure") == "Foo");
  CHECK(MissingOp("No OpKernel was registered to support Op 'Bar' used by {{node n}}") == "Bar");
  CHECK(MissingOp("No registered 'Baz' OpKernel for CPU devices") == "Baz");
  CHECK(MissingOp("Op type not registered 'cut") == "" && MissingOp("all is well") == "");
  CHECK(PlainMessage("No OpKernel used by {{node a/b}} with [T=1]\nRegistered devices: [CPU]") ==
        "No OpKernel used by node a/b with [T=1]");
  CHECK(PlainMessage("bad\nshape\n\t [[{{node x}}]]") == "bad shape (node 'x')");
  CHECK(PlainMessage("bad\n\t [[{{node x") == "bad (node 'x')");
  CHECK(PlainMessage("bad\n\t [[x]]") == "bad");
  CHECK(PlainMessage(std::string(5000, 'x')).size() < 700);
  CHECK(PlainMessage("{{function_node f}} {{function_node g_1}} bad {{node x}}") == "bad node x");
  CHECK(PlainMessage("{{function_node cut") == "" && PlainMessage("{").size() == 1);
}

void TestOutputs() {
  const std::vector<TensorInfo> outputs = {{"a", DType::kInt8, {}, false},
                                           {"b", DType::kInt8, {}, false}};
  std::vector<size_t> chosen;
  CHECK(ChooseOutputs(outputs, {}, &chosen).ok() && chosen == (std::vector<size_t>{0, 1}));
  chosen.clear();
  CHECK(ChooseOutputs(outputs, {"b", "a"}, &chosen).ok() && chosen == (std::vector<size_t>{1, 0}));
  const Status status = ChooseOutputs(outputs, {"c"}, &chosen);
  CHECK(status.code == kExitInput && status.message.find("'a', 'b'") != std::string::npos);
}

// Any bytes lead to a status: every file cut at every place and with every byte changed.
void TestBrokenFiles() {
  const std::string whole = SavedModelBytes();
  const auto read = [](std::string_view bytes) {
    std::string_view meta_graph;
    std::vector<Signature> signatures;
    GraphFacts facts;
    if (FindServingGraph(bytes, &meta_graph).empty()) {
      ReadSignatures(meta_graph, &signatures);
      ReadGraph(GraphOf(meta_graph), &facts);
    }
    ReadGraph(bytes, &facts);
    ReadSignatures(bytes, &signatures);
    OpNames(bytes);
  };
  for (size_t i = 0; i < whole.size(); ++i) {
    // In memory of just that size, so that a sanitizer sees a byte read too much.
    std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(i));
    read({cut.data(), cut.size()});
    for (const int change : {0, 1, 0x7f, 0x80, 0xff}) {
      std::vector<char> changed(whole.begin(), whole.end());
      changed[i] = static_cast<char>(change);
      read({changed.data(), changed.size()});
    }
  }
}

std::string Refusal(const std::string& path) {
  CoreModel model;
  const Status status = OpenCoreModel(path, &model);
  CHECK(status.code == kExitModel && status.message.find(path) != std::string::npos);
  return status.message;
}

void TestModelKinds() {
  char folder_name[] = "/tmp/tfport-units-XXXXXX";
  const char* folder = mkdtemp(folder_name);
  CHECK(folder != nullptr);
  if (folder == nullptr) return;
  const std::string root = folder;
  const auto write = [&root](const char* name, const std::string& content) {
    CHECK(WriteFile(root + "/" + name, content).empty());
    return root + "/" + name;
  };
  const auto says = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(says(Refusal(root + "/none.pb"), "No such file"));
  CHECK(says(Refusal(write("a.keras", "PK\x03\x04...")), "build.py"));
  CHECK(says(Refusal(write("a.pb", "\x89HDF\r\n\x1a\n...")), "build.py"));
  CHECK(says(Refusal(write("a.h5", "anything")), "SavedModel"));
  CHECK(says(Refusal(write("a.tflite", "\x1c\x01\x01\x01TFL3....")), "TensorFlow Lite"));
  CHECK(says(Refusal(write("b.pb", "")), "empty"));
  CHECK(says(Refusal(write("c.pb", "node {\n  name: \"x\"\n}\n")), "damaged"));
  CHECK(says(Refusal(root), "saved_model.pb cannot be opened"));
  CHECK(says(Refusal(write("saved_model.pb", SavedModelBytes("s").substr(0, 90))), "folder"));
  CHECK(says(Refusal(root), "damaged"));
  write("saved_model.pb", SavedModelBytes());
  CoreModel model;
  CHECK(OpenCoreModel(root, &model).ok());
  CHECK(model.is_saved_model && model.signatures.size() == 2 && model.facts.nodes == 3);
  CHECK(model.bytes > SavedModelBytes().size() && !model.has_variables_file);
  CoreModel graph;
  CHECK(OpenCoreModel(write("graph.pb", kGraph), &graph).ok());
  CHECK(!graph.is_saved_model && graph.bytes == kGraph.size() && graph.graph == kGraph);
  for (const char* name :
       {"a.keras", "a.pb", "a.h5", "a.tflite", "b.pb", "c.pb", "saved_model.pb", "graph.pb"}) {
    CHECK(unlink((root + "/" + name).c_str()) == 0);
  }
  CHECK(mkdir((root + "/d.pb").c_str(), 0700) == 0);
  CHECK(says(Refusal(root + "/d.pb"), "no SavedModel"));
  write("d.pb/saved_model.pbtxt", "text");
  CHECK(says(Refusal(root + "/d.pb"), "text form"));
  unlink((root + "/d.pb/saved_model.pbtxt").c_str());
  CHECK(rmdir((root + "/d.pb").c_str()) == 0 && rmdir(folder) == 0);
}

}  // namespace

void TestCoreParts() {
  TestWire();
  TestSessionOptions();
  TestSignatures();
  TestGraph();
  TestMessages();
  TestOutputs();
  TestBrokenFiles();
  TestModelKinds();
}

}  // namespace runner
