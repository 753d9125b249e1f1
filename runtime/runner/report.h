// What the runner reports: outputs as files, figures as text or JSON.
#ifndef TFPORT_RUNNER_REPORT_H_
#define TFPORT_RUNNER_REPORT_H_

#include <string>
#include <vector>

#include "engine.h"
#include "options.h"

namespace runner {

struct Report {
  std::vector<double> seconds;
  size_t heap_high_water_bytes = 0;
  EngineFacts facts;
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;
  std::vector<std::string> files;  // Of the outputs, relative to --output.
};

// Makes `folder` and those above it.
Status MakeFolder(const std::string& folder);

// Writes every output into `folder` and notes the files in the report.
Status WriteOutputs(const std::string& folder, const std::vector<OutputView>& outputs,
                    Report* report);

// Prints the report to stdout, as JSON or for people.
void PrintReport(const Options& options, const Engine& engine, const Report& report);

// Prints an error to stderr, and with `json` to stdout as well; returns the exit code.
int Fail(const Status& status, bool json);

}  // namespace runner

#endif  // TFPORT_RUNNER_REPORT_H_
