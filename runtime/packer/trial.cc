#include "trial.h"

#include <string.h>

#include <utility>

#include "seeded.h"

namespace packer {
namespace {

using runner::Status;

// The runner's seeded pattern, for the types that weights can have an influence on.
bool Fill(size_t index, TfLiteTensor* tensor) {
  static constexpr std::pair<TfLiteType, runner::DType> kTypes[] = {
      {kTfLiteFloat32, runner::DType::kFloat32}, {kTfLiteInt8, runner::DType::kInt8},
      {kTfLiteUInt8, runner::DType::kUint8},     {kTfLiteInt16, runner::DType::kInt16},
      {kTfLiteInt32, runner::DType::kInt32},     {kTfLiteInt64, runner::DType::kInt64},
      {kTfLiteBool, runner::DType::kBool},
  };
  for (const auto& [type, dtype] : kTypes) {
    if (tensor->type != type) continue;
    if (tensor->data.raw != nullptr) {
      runner::SeededStream(0, index).Fill(dtype, tensor->bytes / runner::DTypeSize(dtype),
                                          tensor->data.raw);
    }
    return true;
  }
  return false;
}

bool RunOnce(tflite::Interpreter* interpreter) {
  for (size_t i = 0; i < interpreter->inputs().size(); ++i) {
    if (!Fill(i, interpreter->tensor(interpreter->inputs()[i]))) return false;
  }
  return interpreter->Invoke() == kTfLiteOk;
}

}  // namespace

Status Compare(tflite::Interpreter* plain, tflite::Interpreter* packed, std::string* note) {
  if (!RunOnce(plain)) {
    *note = "the model does not run on the seeded input, so the packed file is not tried";
    return {};
  }
  if (!RunOnce(packed)) return {runner::kExitInvoke, "the packed model does not run"};
  for (size_t i = 0; i < plain->outputs().size(); ++i) {
    const TfLiteTensor* want = plain->tensor(plain->outputs()[i]);
    const TfLiteTensor* got = packed->tensor(packed->outputs()[i]);
    if (want->bytes != got->bytes ||
        (want->bytes != 0 && memcmp(want->data.raw, got->data.raw, want->bytes) != 0)) {
      return {runner::kExitInvoke, "output " + std::to_string(i) +
                                       " of the packed model is not the model's own; this is a "
                                       "fault of the packer, so nothing is written"};
    }
  }
  return {};
}

}  // namespace packer
