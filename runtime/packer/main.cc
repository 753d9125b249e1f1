// tfport-pack: writes a model whose weights are packed for this library's microkernels, to be used
// where they are.
#include <stdio.h>
#include <string.h>

#include <exception>

#include "json.h"
#include "packed_file.h"
#include "recording.h"
#include "tensorflow/lite/core/tools/verifier.h"
#include "tfport/packed_weights.h"
#include "tfport/tfport.h"
#include "trial.h"

namespace packer {
namespace {

using runner::Status;

struct Options {
  std::string model;
  std::string output;
  bool keep_weights = false;
  bool json = false;
  bool help = false;
  bool version = false;
};

constexpr char kUsage[] =
    "Usage: tfport-pack MODEL OUTPUT [options]\n\n"
    "Packs the weights of MODEL, a .tflite file, as XNNPACK packs them at start-up, and writes a\n"
    "model with them to OUTPUT. It runs from flash or from a file mapping without a copy in RAM, "
    "on\n"
    "this library or one with the same microkernels.\n"
    "\n"
    "  --keep-weights    keep the plain weights too: the file runs without XNNPACK and in other\n"
    "                    libraries as well, and is about twice as large\n"
    "  --json            print one JSON object\n"
    "  --version, --help\n"
    "\n"
    "Exit codes: those of tfport-run.\n";

// Nothing that an error could leave behind: the model is verified as a whole.
class GraphVerifier : public tflite::TfLiteVerifier {
 public:
  bool Verify(const char* data, int length, tflite::ErrorReporter* reporter) override {
    return tflite::Verify(data, static_cast<size_t>(length), reporter);
  }
};

Status Parse(int argc, char** argv, Options* options) {
  const std::pair<const char*, bool Options::*> switches[] = {
      {"--keep-weights", &Options::keep_weights},
      {"--json", &Options::json},
      {"--help", &Options::help},
      {"-h", &Options::help},
      {"--version", &Options::version},
  };
  for (int i = 1; i < argc; ++i) {
    bool known = false;
    for (const auto& [name, value] : switches) {
      if (strcmp(argv[i], name) != 0) continue;
      options->*value = known = true;
    }
    if (known) continue;
    std::string* operand = options->model.empty() ? &options->model : &options->output;
    if (argv[i][0] == '-' || !operand->empty()) {
      return {runner::kExitUsage, "unknown argument '" + std::string(argv[i]) + "'; see --help"};
    }
    *operand = argv[i];
  }
  if (options->help || options->version || !options->output.empty()) return {};
  return {runner::kExitUsage, "MODEL and OUTPUT are needed; see --help"};
}

void Report(const Options& options, const PackedFile& file, const Recording& recording,
            const std::string& note) {
  std::string reasons = note;
  for (const std::string& reason : recording.left_reasons) {
    reasons += (reasons.empty() ? "" : "; ") + reason;
  }
  if (!options.json) {
    printf("%s: %zu bytes, of them %zu packed weights (%zu); %zu bytes of plain weights left out\n",
           options.output.c_str(), file.bytes.size(), file.packed_bytes, recording.weights.size(),
           file.dropped_bytes);
    if (recording.left_bytes != 0) printf("packed at start-up: %zu bytes\n", recording.left_bytes);
    if (!reasons.empty()) printf("note: %s\n", reasons.c_str());
    return;
  }
  runner::JsonWriter json;
  const auto integer = [&json](const char* key, size_t value) {
    json.Key(key);
    json.Integer(static_cast<int64_t>(value));
  };
  json.BeginObject();
  integer("file_bytes", file.bytes.size());
  integer("model_bytes", file.model_bytes);
  integer("weights", recording.weights.size());
  integer("packed_bytes", file.packed_bytes);
  integer("dropped_bytes", file.dropped_bytes);
  integer("start_up_bytes", recording.left_bytes);
  json.Key("note");
  json.String(reasons);
  json.EndObject();
  printf("%s\n", json.text().c_str());
}

Status Pack(const Options& options) {
  GraphVerifier verifier;
  const auto model =
      tflite::FlatBufferModel::VerifyAndBuildFromFile(options.model.c_str(), &verifier);
  if (model == nullptr || !model->initialized() || model->GetModel()->version() != 3) {
    return {runner::kExitModel, "'" + options.model + "' is not a TensorFlow Lite model"};
  }
  if (model->GetModel()->metadata() != nullptr) {
    for (const tflite::Metadata* entry : *model->GetModel()->metadata()) {
      if (entry->name() != nullptr && entry->name()->str() == tflite::tfport::kPackedMetadata) {
        return {runner::kExitModel,
                "'" + options.model + "' is packed already; pack the model that it was made of"};
      }
    }
  }
  std::unique_ptr<tflite::Interpreter> plain, packed;
  Recording recording;
  Status status = Record(*model, &plain, &recording);
  if (!status.ok()) return status;
  PackedFile file;
  status = Lay(*model, recording, options.keep_weights, &file);
  if (!status.ok()) return status;

  // Tried before it is written.
  const auto packed_model = tflite::FlatBufferModel::VerifyAndBuildFromBuffer(
      reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size(), &verifier);
  if (packed_model == nullptr) return {runner::kExitModel, "the packed model is refused"};
  status = MakeReady(*packed_model, &packed);
  std::string note;
  if (status.ok()) status = Compare(plain.get(), packed.get(), &note);
  if (status.ok()) status = Write(options.output, file.bytes);
  if (status.ok()) Report(options, file, recording, note);
  return status;
}

int Main(int argc, char** argv) {
  Options options;
  Status status = Parse(argc, argv, &options);
  TfPortSetMinimumLogSeverity(kTfPortLogWarning);
  if (status.ok() && options.help) {
    fputs(kUsage, stdout);
  } else if (status.ok() && options.version) {
    printf("tfport-pack %s %s\n", TfPortVersion(), TfPortTarget());
  } else if (status.ok()) {
    try {
      status = Pack(options);
    } catch (const std::exception& problem) {
      status = {runner::kExitInvoke, std::string("the library gave up: ") + problem.what()};
    }
  }
  if (!status.ok()) {
    fprintf(stderr, "tfport-pack: error: %s\n", runner::Printable(status.message).c_str());
  }
  return status.code;
}

}  // namespace
}  // namespace packer

int main(int argc, char** argv) { return packer::Main(argc, argv); }
