// What the runner asks of a runtime. One runtime is linked into a program; it defines MakeEngine.
#ifndef TFPORT_RUNNER_ENGINE_H_
#define TFPORT_RUNNER_ENGINE_H_

#include <stddef.h>
#include <stdint.h>

#include <memory>
#include <string>
#include <vector>

#include "options.h"
#include "tensor.h"

namespace runner {

// An output after an inference; `data` points into the engine until the next call.
struct OutputView {
  TensorInfo info;
  const void* data = nullptr;
  std::vector<std::string> strings;  // Instead of data, when the type is kString.
};

// Figures that only the runtime knows; bytes.
struct EngineFacts {
  bool xnnpack = false;
  int64_t nodes = 0;
  int64_t delegated_nodes = 0;
  std::vector<std::string> kernels;
  size_t arena_bytes = 0;
  // What the runtime holds beside the arena before the first inference: packed weights and their
  // bookkeeping.
  size_t packed_weights_bytes = 0;
  size_t packed_in_place_bytes = 0;  // Of packed weights that are used where the model file is.
  size_t model_bytes = 0;
  size_t mapped_model_bytes = 0;  // Of the model file, in memory now.
};

// Calls come in the order of declaration.
class Engine {
 public:
  virtual ~Engine() = default;

  virtual const char* runtime() const = 0;  // As --runtime of build.py has it, such as "lite".
  virtual const char* models() const = 0;   // What it runs, such as "a .tflite file".
  virtual const char* version() const = 0;
  virtual const char* target() const = 0;

  // Whether the runtime's log goes to stderr; errors always do.
  virtual void SetVerbose(bool verbose) = 0;

  // Loads and checks options.model and selects options.signature and options.fetch.
  virtual Status Load(const Options& options) = 0;

  virtual const std::vector<TensorInfo>& inputs() const = 0;

  // Index of the input that goes by `name`, or -1.
  virtual int FindInput(const std::string& name) const = 0;

  // Fixes the shape of every input and allocates what an inference needs.
  virtual Status Prepare(const std::vector<Shape>& shapes) = 0;

  // Where the *bytes bytes of a numeric input go; nullptr when it has none. Asked for anew
  // each time.
  virtual void* InputData(size_t index, size_t* bytes) = 0;

  // Whether an inference leaves its inputs as they were, so that the next one need not set them
  // again.
  virtual bool KeepsInputs() const = 0;

  // Sets a string input.
  virtual Status SetStrings(size_t index, const std::vector<std::string>& strings) = 0;

  virtual Status Invoke() = 0;

  virtual Status Outputs(std::vector<OutputView>* outputs) = 0;

  virtual EngineFacts Facts() = 0;
};

std::unique_ptr<Engine> MakeEngine();

// nullptr, or a sentence that names what this CPU lacks; runs on any CPU.
const char* LackingCpuFeature();

}  // namespace runner

#endif  // TFPORT_RUNNER_ENGINE_H_
