#include "tensor.h"

#include <stdio.h>

#include <algorithm>

namespace runner {
namespace {

struct DTypeFacts {
  const char* name;
  size_t size;
};

// In the order of DType.
constexpr DTypeFacts kFacts[] = {
    {"float16", 2}, {"float32", 4}, {"float64", 8},   {"int8", 1},        {"int16", 2},
    {"int32", 4},   {"int64", 8},   {"uint8", 1},     {"uint16", 2},      {"uint32", 4},
    {"uint64", 8},  {"bool", 1},    {"complex64", 8}, {"complex128", 16}, {"string", 0},
};

}  // namespace

const char* DTypeName(DType dtype) { return kFacts[static_cast<int>(dtype)].name; }

size_t DTypeSize(DType dtype) { return kFacts[static_cast<int>(dtype)].size; }

bool CountElements(const Shape& shape, DType dtype, size_t* elements) {
  const uint64_t most = SIZE_MAX / (DTypeSize(dtype) == 0 ? 1 : DTypeSize(dtype));
  uint64_t count = 1;
  bool empty = false;
  for (const int64_t dim : shape) {
    if (dim < 0) return false;
    if (dim == 0) empty = true;
  }
  for (const int64_t dim : shape) {
    if (empty) break;
    if (static_cast<uint64_t>(dim) > most / count) return false;
    count *= static_cast<uint64_t>(dim);
  }
  *elements = empty ? 0 : static_cast<size_t>(count);
  return true;
}

std::string ShapeText(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    char number[24];
    snprintf(number, sizeof(number), "%s%lld", i == 0 ? "" : ", ",
             static_cast<long long>(shape[i]));
    text += number;
  }
  return text + "]";
}

std::string QuotedList(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "'" : ", '") + name + "'";
  return list.empty() ? "none" : list;
}

Status ChooseOutputs(const std::vector<TensorInfo>& outputs, const std::vector<std::string>& names,
                     std::vector<size_t>* chosen) {
  std::vector<std::string> known;
  for (const TensorInfo& output : outputs) known.push_back(output.name);
  for (const std::string& name : names.empty() ? known : names) {
    const size_t index =
        static_cast<size_t>(std::find(known.begin(), known.end(), name) - known.begin());
    if (index == known.size()) {
      return {kExitInput, "the model has no output '" + name + "'; it has " + QuotedList(known)};
    }
    chosen->push_back(index);
  }
  return {};
}

}  // namespace runner
