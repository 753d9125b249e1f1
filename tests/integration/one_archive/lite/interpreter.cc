#include "tensorflow/lite/interpreter.h"

#include <atomic>
#include <mutex>
#include <stdexcept>

#include "absl/absl.h"
#include "registry.h"

extern "C" int xnn_multiply(int a, int b);

namespace tflite {
namespace {
std::atomic<long long> invocations{0};
std::mutex guard;
}  // namespace

Reporter::~Reporter() = default;

struct Interpreter::Impl {
  Reporter* reporter;
  absl::Derived derived;
};

Interpreter::Interpreter(Reporter* reporter) : impl_(new Impl{reporter, {}}) {}
Interpreter::~Interpreter() = default;

int Interpreter::Invoke(int x) {
  std::lock_guard<std::mutex> lock(guard);
  invocations++;
  absl::Base* base = &impl_->derived;
  int wrong = 0;
  wrong += absl::version() != 1;
  wrong += absl::counter != 100 || absl::shared() != 10 || absl::per_thread != 11;
  wrong += absl::Registry<int>::items.size() != 1;
  wrong += base->size() != static_cast<int>(sizeof(absl::Derived)) + 1;
  wrong += absl::Compute(5) != 7 || absl::Name() != "ours" || absl::strong_variable != 1;
  wrong += dynamic_cast<absl::Derived*>(base) == nullptr;
  try {
    if (x < 0) throw std::runtime_error("negative");
  } catch (const std::exception& error) {
    return impl_->reporter->Report(error.what());
  }
  InlineStatic()++;
  return wrong * 1000000 + KernelCount() * 1000 + xnn_multiply(x, 2);
}

int Interpreter::Verify(flatbuffers::Verifier* verifier) { return verifier->Check(); }

}  // namespace tflite

extern "C" int TfLiteInvoke(int x) {
  struct Quiet : tflite::Reporter {
    int Report(const std::string& text) override { return -static_cast<int>(text.size()); }
  } quiet;
  return tflite::Interpreter(&quiet).Invoke(x);
}

extern "C" int TfLiteUnused(int x) { return absl::Compute(x) + KernelCount(); }
