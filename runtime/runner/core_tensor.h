// Tensors of TensorFlow's C API as the runner's.
#ifndef TFPORT_RUNNER_CORE_TENSOR_H_
#define TFPORT_RUNNER_CORE_TENSOR_H_

#include <tensorflow/c/c_api.h>

#include <string>
#include <vector>

#include "engine.h"
#include "tensor.h"

namespace runner {

// The runner's type for one of TensorFlow's; quantised integers are the integers they are stored
// as. False for types that no file can hold, such as resources.
bool ConvertType(TF_DataType type, DType* dtype);

// "float", "resource"
std::string TypeName(TF_DataType type);

// A new tensor of this shape, its strings empty; nullptr when there is no memory.
TF_Tensor* NewTensor(TF_DataType type, const Shape& shape);

// Gives back what NewTensor made; nullptr is allowed.
void DeleteTensor(TF_Tensor* tensor);

// Fills a tensor of strings; false when it has another number of elements.
bool CopyStrings(const std::vector<std::string>& strings, TF_Tensor* tensor);

// Fills in type, shape and content of an output; false when it has none, or of a type that no file
// can hold. The view points into `tensor`.
bool ViewTensor(const TF_Tensor* tensor, OutputView* view);

}  // namespace runner

#endif  // TFPORT_RUNNER_CORE_TENSOR_H_
