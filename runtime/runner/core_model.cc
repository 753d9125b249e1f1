#include "core_model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace runner {
namespace {

constexpr char kSavedModelFile[] = "saved_model.pb";

Status Refused(const std::string& path, const std::string& why) {
  return {kExitModel, "the model '" + path + "' " + why};
}

bool Exists(const std::string& path) {
  struct stat facts;
  return stat(path.c_str(), &facts) == 0;
}

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Bytes of the files in `folder`, and in at most `depth` levels of folders below it.
size_t FolderBytes(const std::string& folder, int depth) {
  size_t bytes = 0;
  DIR* listing = opendir(folder.c_str());
  if (listing == nullptr) return 0;
  while (const dirent* entry = readdir(listing)) {
    const std::string name = entry->d_name;
    const std::string path = folder + "/" + name;
    struct stat facts;
    if (name == "." || name == ".." || stat(path.c_str(), &facts) != 0) continue;
    if (S_ISREG(facts.st_mode)) bytes += static_cast<size_t>(facts.st_size);
    if (S_ISDIR(facts.st_mode) && depth > 0) bytes += FolderBytes(path, depth - 1);
  }
  closedir(listing);
  return bytes;
}

// What a file is that is no GraphDef; nullptr when it may be one.
const char* OtherKind(const std::string& path, std::string_view bytes) {
  const bool named_keras =
      EndsWith(path, ".keras") || EndsWith(path, ".h5") || EndsWith(path, ".hdf5");
  if (named_keras || StartsWith(bytes, "\x89HDF\r\n\x1a\n") || StartsWith(bytes, "PK\x03\x04")) {
    return "is a Keras file, which only Python reads: run the SavedModel that build.py made of it, "
           "in share/tfport/models of the SDK";
  }
  if (bytes.size() >= 8 && bytes.substr(4, 4) == "TFL3") {
    return "is a TensorFlow Lite model; this tfport-run is for TensorFlow's own: use the one of "
           "--runtime lite";
  }
  if (EndsWith("/" + path, std::string("/") + kSavedModelFile)) {
    return "is the inner part of a SavedModel; name the folder that it lies in";
  }
  return nullptr;
}

Status OpenSavedModel(const std::string& path, CoreModel* model) {
  model->is_saved_model = true;
  std::string problem;
  model->file = MappedFile::Open(path + "/" + kSavedModelFile, &problem);
  if (model->file == nullptr) {
    if (Exists(path + "/saved_model.pbtxt")) {
      return Refused(path, "is a SavedModel in text form; the board reads the binary form only");
    }
    return Refused(path, std::string("is a folder, but no SavedModel: its ") + kSavedModelFile +
                             " " + problem);
  }
  std::string_view meta_graph;
  problem = FindServingGraph(model->file->bytes(), &meta_graph);
  if (problem.empty()) problem = ReadSignatures(meta_graph, &model->signatures);
  model->graph = GraphOf(meta_graph);
  if (problem.empty()) problem = ReadGraph(model->graph, &model->facts);
  if (!problem.empty()) return Refused(path, "is no SavedModel that can be run: " + problem);
  model->bytes = FolderBytes(path, 3);
  model->has_variables_file = Exists(path + "/variables/variables.index");
  return {};
}

Status OpenGraph(const std::string& path, CoreModel* model) {
  std::string problem;
  model->file = MappedFile::Open(path, &problem);
  if (model->file == nullptr) return Refused(path, problem);
  model->graph = model->file->bytes();
  model->bytes = model->graph.size();
  if (const char* other = OtherKind(path, model->graph)) return Refused(path, other);
  problem = ReadGraph(model->graph, &model->facts);
  if (!problem.empty()) return Refused(path, "is no graph of TensorFlow: " + problem);
  return {};
}

// What stands in `message` between `before` and the next quote; empty when `before` is not there.
std::string QuotedAfter(const std::string& message, const char* before) {
  const size_t found = message.find(before);
  if (found == std::string::npos) return "";
  const size_t start = found + strlen(before);
  const size_t end = message.find('\'', start);
  return end == std::string::npos ? "" : message.substr(start, end - start);
}

}  // namespace

std::unique_ptr<MappedFile> MappedFile::Open(const std::string& path, std::string* problem) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat facts;
  if (file < 0 || fstat(file, &facts) != 0) {
    *problem = std::string("cannot be opened: ") + strerror(errno);
    if (file >= 0) close(file);
    return nullptr;
  }
  void* data = MAP_FAILED;
  if (!S_ISREG(facts.st_mode)) {
    *problem = "is not a file";
  } else if (facts.st_size == 0) {
    *problem = "is empty";
  } else if (facts.st_size > INT32_MAX) {
    *problem = "is larger than 2 GiB, more than TensorFlow reads";
  } else {
    data = mmap(nullptr, static_cast<size_t>(facts.st_size), PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED) *problem = std::string("cannot be mapped: ") + strerror(errno);
  }
  close(file);
  if (data == MAP_FAILED) return nullptr;
  return std::unique_ptr<MappedFile>(
      new MappedFile(static_cast<const char*>(data), static_cast<size_t>(facts.st_size)));
}

MappedFile::~MappedFile() { munmap(const_cast<char*>(data_), size_); }

Status OpenCoreModel(const std::string& path, CoreModel* model) {
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0) {
    return Refused(path, std::string("cannot be opened: ") + strerror(errno));
  }
  return S_ISDIR(facts.st_mode) ? OpenSavedModel(path, model) : OpenGraph(path, model);
}

Status SelectSignature(const std::vector<Signature>& signatures, const std::string& name,
                       const Signature** signature) {
  std::vector<std::string> known;
  for (const Signature& each : signatures) {
    known.push_back(each.key);
    if (each.key != (name.empty() ? kDefaultSignature : name)) continue;
    *signature = &each;
    return {};
  }
  if (!name.empty()) {
    return {kExitInput, "the model has no signature '" + name + "'; it has " + QuotedList(known)};
  }
  if (known.empty()) return {kExitModel, "the model has no signature that could be run"};
  if (known.size() > 1) {
    return {kExitInput, std::string("the model has no signature '") + kDefaultSignature +
                            "'; choose one of " + QuotedList(known) + " with --signature"};
  }
  *signature = &signatures.front();
  return {};
}

std::string PlainMessage(const std::string& message) {
  // Attributes and advice that follow can be pages long.
  constexpr size_t kMost = 600;
  // What follows names the node that failed, and those whose functions it is in.
  constexpr char kNode[] = "\n\t [[{{node ";
  constexpr char kFunction[] = "{{function_node ";
  std::string node;
  const size_t trace = message.find("\n\t [[");
  if (trace != std::string::npos && message.compare(trace, strlen(kNode), kNode) == 0) {
    const size_t start = trace + strlen(kNode);
    node = message.substr(start, message.find("}}", start) - start);
  }
  std::string text = message.substr(0, trace);
  text = text.substr(0, text.find(" in binary running on "));
  text = text.substr(0, text.find("\nRegistered devices:"));
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, strlen(kFunction), kFunction) == 0) {
      // The name that TensorFlow made up for a function tells nobody anything.
      i = std::min(text.find("}} ", i), text.size() - 3) + 2;
    } else if (text.compare(i, 2, "{{") == 0 || text.compare(i, 2, "}}") == 0) {
      ++i;
    } else if (text[i] == '\n' || text[i] == '\t') {
      if (!plain.empty() && plain.back() != ' ') plain += ' ';
    } else {
      plain += text[i];
    }
  }
  if (plain.size() > kMost) plain = plain.substr(0, kMost) + "...";
  return node.empty() ? plain : plain + " (node '" + node + "')";
}

std::string MissingOp(const std::string& message) {
  for (const char* before : {"Op type not registered '",
                             "No OpKernel was registered to support Op '", "No registered '"}) {
    const std::string op = QuotedAfter(message, before);
    if (!op.empty()) return op;
  }
  return "";
}

}  // namespace runner
