// Tensors as the runner sees them, whatever runtime holds them.
#ifndef TFPORT_RUNNER_TENSOR_H_
#define TFPORT_RUNNER_TENSOR_H_

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

namespace runner {

enum class DType {
  kFloat16,
  kFloat32,
  kFloat64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kBool,
  kComplex64,
  kComplex128,
  kString,
};

// The name NumPy gives the type, such as "float32"; "string" for strings.
const char* DTypeName(DType dtype);

// Bytes of one element; 0 for strings.
size_t DTypeSize(DType dtype);

using Shape = std::vector<int64_t>;

// Number of elements; 1 for a scalar. Returns false when a dimension is negative or the bytes
// exceed the address space.
bool CountElements(const Shape& shape, DType dtype, size_t* elements);

// "[1, 227, 227, 3]"
std::string ShapeText(const Shape& shape);

// What an input or output is; -1 in `shape` is a dimension that each inference may choose.
struct TensorInfo {
  std::string name;
  DType dtype = DType::kFloat32;
  Shape shape;
  bool any_rank = false;  // The model does not even say how many dimensions; `shape` is empty.
};

// The result of a step: exit code 0, or another one and a sentence for the user.
struct Status {
  int code = 0;
  std::string message;
  bool ok() const { return code == 0; }
};

// Exit codes of tfport-run, the same for every runtime.
enum ExitCode {
  kExitOk = 0,
  kExitUsage = 2,
  kExitModel = 3,
  kExitUnsupportedOp = 4,
  kExitInput = 5,
  kExitInvoke = 6,
  kExitCpu = 7,
};

// "'a', 'b'", or "none" when there are none.
std::string QuotedList(const std::vector<std::string>& names);

// Finds the outputs that go by `names`, in the order of the names; all without names. An error
// lists the outputs that there are.
Status ChooseOutputs(const std::vector<TensorInfo>& outputs, const std::vector<std::string>& names,
                     std::vector<size_t>* chosen);

}  // namespace runner

#endif  // TFPORT_RUNNER_TENSOR_H_
