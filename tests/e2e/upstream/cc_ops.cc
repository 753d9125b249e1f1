// Writes TensorFlow's C++ wrappers of ops, cc/ops/NAME.h and NAME.cc, with TensorFlow's own
// generator.
//
// TensorFlow's build links its generator once for every NAME, with the one library that defines the
// ops of it. Here all ops are in one registry (of the host's TensorFlow), so the ops of each NAME
// are picked by a list.
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>

#include "tensorflow/cc/framework/cc_op_gen.h"
#include "tensorflow/cc/framework/cc_op_gen_util.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/platform/env.h"

// Usage: cc_ops LIST API_DEFS FOLDER. A line of LIST is: NAME 0|1 OP...; with 1, ops that
// TensorFlow calls internal (their names begin with an underscore) are written as well, and no API
// definition is read.
int main(int argc, char** argv) {
  if (argc != 4) return 2;
  std::ifstream list(argv[1]);
  std::string line;
  while (std::getline(list, line)) {
    std::istringstream words(line);
    std::string name, op;
    bool internal = false;
    words >> name >> internal;
    std::set<std::string> wanted;
    while (words >> op) wanted.insert(op);

    tensorflow::OpList all, ops;
    tensorflow::OpRegistry::Global()->Export(internal, &all);
    for (const tensorflow::OpDef& each : all.op()) {
      if (wanted.count(each.name())) *ops.add_op() = each;
    }
    tensorflow::ApiDefMap definitions(ops);
    for (const tensorflow::OpDef& each : ops.op()) {
      const std::string path = std::string(argv[2]) + "/api_def_" + each.name() + ".pbtxt";
      tensorflow::Env* env = tensorflow::Env::Default();
      if (!internal && env->FileExists(path).ok()) TF_CHECK_OK(definitions.LoadFile(env, path));
    }
    definitions.UpdateDocs();
    const std::string path = std::string(argv[3]) + "/" + name;
    tensorflow::cc_op::WriteCCOps(ops, definitions, path + ".h", path + ".cc");
    std::cout << name << ": " << ops.op_size() << " ops\n";
  }
  return 0;
}
