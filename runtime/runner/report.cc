#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "json.h"
#include "npy.h"

namespace runner {
namespace {

// "3_StatefulPartitionedCall_0": the index keeps names apart that differ only in what is replaced.
std::string OutputFileName(size_t index, const OutputView& output) {
  std::string name = std::to_string(index) + "_";
  for (const char letter : output.info.name.substr(0, 96)) {
    const bool plain = (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
                       (letter >= 'A' && letter <= 'Z') || letter == '.' || letter == '-';
    name += plain ? letter : '_';
  }
  return name + (output.info.dtype == DType::kString ? ".json" : ".npy");
}

void AppendTensors(const std::vector<TensorInfo>& tensors, const std::vector<std::string>* files,
                   JsonWriter* json) {
  json->BeginArray();
  for (size_t i = 0; i < tensors.size(); ++i) {
    json->BeginObject();
    json->Key("name");
    json->String(tensors[i].name);
    json->Key("dtype");
    json->String(DTypeName(tensors[i].dtype));
    json->Key("shape");
    json->Dimensions(tensors[i].shape);
    if (files != nullptr && i < files->size()) {
      json->Key("file");
      json->String((*files)[i]);
    }
    json->EndObject();
  }
  json->EndArray();
}

void PrintJson(const Options& options, const Engine& engine, const Report& report) {
  const EngineFacts& facts = report.facts;
  JsonWriter json;
  const auto text = [&json](const char* key, std::string_view value) {
    json.Key(key);
    json.String(value);
  };
  const auto integer = [&json](const char* key, int64_t value) {
    json.Key(key);
    json.Integer(value);
  };
  json.BeginObject();
  text("model", options.model);
  text("runtime", engine.runtime());
  text("version", engine.version());
  text("target", engine.target());
  integer("threads", options.threads);
  json.Key("xnnpack");
  json.Bool(facts.xnnpack);
  integer("delegated_nodes", facts.delegated_nodes);
  integer("nodes", facts.nodes);
  json.Key("kernels");
  json.BeginArray();
  for (const std::string& name : facts.kernels) json.String(name);
  json.EndArray();
  json.Key("inputs");
  AppendTensors(report.inputs, nullptr, &json);
  json.Key("outputs");
  AppendTensors(report.outputs, &report.files, &json);
  json.Key("seconds_per_inference");
  json.BeginArray();
  for (const double seconds : report.seconds) json.Number(seconds);
  json.EndArray();
  integer("arena_bytes", static_cast<int64_t>(facts.arena_bytes));
  integer("packed_weights_bytes", static_cast<int64_t>(facts.packed_weights_bytes));
  integer("packed_in_place_bytes", static_cast<int64_t>(facts.packed_in_place_bytes));
  integer("heap_high_water_bytes", static_cast<int64_t>(report.heap_high_water_bytes));
  integer("model_bytes", static_cast<int64_t>(facts.model_bytes));
  integer("mapped_model_bytes", static_cast<int64_t>(facts.mapped_model_bytes));
  json.EndObject();
  printf("%s\n", json.text().c_str());
}

void PrintText(const Options& options, const Engine& engine, const Report& report) {
  const EngineFacts& facts = report.facts;
  double total = 0;
  double least = 0;
  for (const double seconds : report.seconds) {
    total += seconds;
    if (least == 0 || seconds < least) least = seconds;
  }
  printf("%s: %s %s for %s, %d thread%s\n", options.model.c_str(), engine.runtime(),
         engine.version(), engine.target(), options.threads, options.threads == 1 ? "" : "s");
  for (const TensorInfo& input : report.inputs) {
    printf("  input   %s %s %s\n", Printable(input.name).c_str(), DTypeName(input.dtype),
           ShapeText(input.shape).c_str());
  }
  for (const TensorInfo& output : report.outputs) {
    printf("  output  %s %s %s\n", Printable(output.name).c_str(), DTypeName(output.dtype),
           ShapeText(output.shape).c_str());
  }
  printf("  time    %.3f ms per inference, %.3f ms at best, of %zu\n",
         1e3 * total / static_cast<double>(report.seconds.size()), 1e3 * least,
         report.seconds.size());
  printf(
      "  memory  arena %zu, packed weights %zu, heap high-water %zu, model in memory %zu of %zu "
      "bytes\n",
      facts.arena_bytes, facts.packed_weights_bytes, report.heap_high_water_bytes,
      facts.mapped_model_bytes, facts.model_bytes);
  printf("  xnnpack %lld of %lld nodes\n", static_cast<long long>(facts.delegated_nodes),
         static_cast<long long>(facts.nodes));
  for (const std::string& name : facts.kernels) printf("  kernel  %s\n", name.c_str());
}

}  // namespace

#ifdef TFPORT_NO_FOLDERS

// A debugger serves files only. A folder that is missing shows when a file is made in it.
Status MakeFolder(const std::string&) { return {}; }

#else

Status MakeFolder(const std::string& folder) {
  for (size_t end = 0; end != std::string::npos;) {
    end = folder.find('/', end + 1);
    const std::string part = folder.substr(0, end);
    if (mkdir(part.c_str(), 0777) != 0 && errno != EEXIST && errno != EROFS) {
      return {kExitUsage, "cannot make the folder '" + part + "': " + strerror(errno)};
    }
  }
  struct stat facts;
  if (stat(folder.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) {
    return {kExitUsage, "'" + folder + "' is not a folder"};
  }
  return {};
}

#endif

Status WriteOutputs(const std::string& folder, const std::vector<OutputView>& outputs,
                    Report* report) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const OutputView& output = outputs[i];
    const std::string file = OutputFileName(i, output);
    const std::string path = folder + "/" + file;
    std::string problem;
    if (output.info.dtype == DType::kString) {
      JsonWriter json;
      json.BeginObject();
      json.Key("name");
      json.String(output.info.name);
      json.Key("dtype");
      json.String("string");
      json.Key("shape");
      json.Dimensions(output.info.shape);
      json.Key("data");
      json.BeginArray();
      for (const std::string& text : output.strings) json.String(text);
      json.EndArray();
      json.EndObject();
      problem = WriteFile(path, json.text() + "\n");
    } else {
      problem = WriteNpy(path, output.info.dtype, output.info.shape, output.data);
    }
    if (!problem.empty()) return {kExitUsage, "'" + path + "': " + problem};
    report->files.push_back(file);
  }
  return {};
}

void PrintReport(const Options& options, const Engine& engine, const Report& report) {
  if (options.json) {
    PrintJson(options, engine, report);
  } else {
    PrintText(options, engine, report);
  }
}

int Fail(const Status& status, bool json) {
  fprintf(stderr, "tfport-run: error: %s\n", Printable(status.message).c_str());
  if (json) {
    JsonWriter writer;
    writer.BeginObject();
    writer.Key("error");
    writer.BeginObject();
    writer.Key("code");
    writer.Integer(status.code);
    writer.Key("message");
    writer.String(status.message);
    writer.EndObject();
    writer.EndObject();
    printf("%s\n", writer.text().c_str());
  }
  return status.code;
}

}  // namespace runner
