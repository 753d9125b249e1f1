// A model file of the TensorFlow runtime: what kind it is, whether it is whole, what can be run.
#ifndef TFPORT_RUNNER_CORE_MODEL_H_
#define TFPORT_RUNNER_CORE_MODEL_H_

#include <stddef.h>
#include <stdint.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "graph_file.h"
#include "tensor.h"

namespace runner {

// The signature that is run when none is named.
inline constexpr char kDefaultSignature[] = "serving_default";

// A file of at most 2 GiB - 1, which is protobuf's limit, in memory for reading.
class MappedFile {
 public:
  // nullptr when the file cannot be opened; *problem then says why.
  static std::unique_ptr<MappedFile> Open(const std::string& path, std::string* problem);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {data_, size_}; }

 private:
  MappedFile(const char* data, size_t size) : data_(data), size_(size) {}

  const char* data_;
  size_t size_;
};

struct CoreModel {
  bool is_saved_model = false;  // Else a bare GraphDef.
  std::unique_ptr<MappedFile> file;
  std::string_view graph;             // The GraphDef, in `file`.
  std::vector<Signature> signatures;  // Of a SavedModel.
  GraphFacts facts;
  size_t bytes = 0;  // Of all files.
  bool has_variables_file = false;

  // Gives back the memory of `file`; `graph` is empty then.
  void CloseFile() {
    graph = {};
    file.reset();
  }
};

// Opens `path`: a SavedModel folder or a GraphDef. An error has exit code kExitModel.
Status OpenCoreModel(const std::string& path, CoreModel* model);

// The signature that goes by `name`; without a name, serving_default or the only one. An error
// lists those that there are.
Status SelectSignature(const std::vector<Signature>& signatures, const std::string& name,
                       const Signature** signature);

// A status message of TensorFlow in one line, without its marks for nodes and its advice for other
// programs.
std::string PlainMessage(const std::string& message);

// The op for which the library has no definition or no kernel, when that is what `message` says;
// else empty.
std::string MissingOp(const std::string& message);

}  // namespace runner

#endif  // TFPORT_RUNNER_CORE_MODEL_H_
