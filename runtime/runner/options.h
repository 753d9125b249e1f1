// The command line of tfport-run.
#ifndef TFPORT_RUNNER_OPTIONS_H_
#define TFPORT_RUNNER_OPTIONS_H_

#include <stdint.h>

#include <string>
#include <utility>
#include <vector>

#include "tensor.h"

namespace runner {

struct Options {
  std::string model;
  std::vector<std::pair<std::string, std::string>> inputs;  // Name and path of a .npy file.
  uint64_t seed = 0;
  std::vector<std::string> fetch;  // Names of outputs; empty for all.
  std::string output;              // Folder for the outputs; empty to write none.
  std::string signature;           // Empty for the model's default one.
  int threads = 1;
  int repeat = 1;
  int warmup = 0;
  bool xnnpack = true;
  bool json = false;
  bool verbose = false;
  bool help = false;
  bool version = false;
};

// What --help prints. `models` says what the runtime runs, such as "a .tflite file".
std::string UsageText(const std::string& models);

// Reads the arguments, without the program's name. An error has exit code kExitUsage and names the
// argument.
Status ParseOptions(const std::vector<std::string>& arguments, Options* options);

}  // namespace runner

#endif  // TFPORT_RUNNER_OPTIONS_H_
