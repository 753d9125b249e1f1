#include "core_tensor.h"

namespace runner {
namespace {

struct TypeFacts {
  TF_DataType type;
  DType dtype;
};

constexpr TypeFacts kTypes[] = {
    {TF_HALF, DType::kFloat16},        {TF_FLOAT, DType::kFloat32},
    {TF_DOUBLE, DType::kFloat64},      {TF_INT8, DType::kInt8},
    {TF_INT16, DType::kInt16},         {TF_INT32, DType::kInt32},
    {TF_INT64, DType::kInt64},         {TF_UINT8, DType::kUint8},
    {TF_UINT16, DType::kUint16},       {TF_UINT32, DType::kUint32},
    {TF_UINT64, DType::kUint64},       {TF_BOOL, DType::kBool},
    {TF_COMPLEX64, DType::kComplex64}, {TF_COMPLEX128, DType::kComplex128},
    {TF_STRING, DType::kString},       {TF_QINT8, DType::kInt8},
    {TF_QUINT8, DType::kUint8},        {TF_QINT16, DType::kInt16},
    {TF_QUINT16, DType::kUint16},      {TF_QINT32, DType::kInt32},
};

// Elements of a tensor, which TensorFlow has checked.
size_t Elements(const TF_Tensor* tensor) {
  return static_cast<size_t>(TF_TensorElementCount(tensor));
}

}  // namespace

bool ConvertType(TF_DataType type, DType* dtype) {
  for (const TypeFacts& facts : kTypes) {
    if (facts.type != type) continue;
    *dtype = facts.dtype;
    return true;
  }
  return false;
}

std::string TypeName(TF_DataType type) {
  DType dtype;
  if (ConvertType(type, &dtype)) return DTypeName(dtype);
  switch (type) {
    case TF_BFLOAT16:
      return "bfloat16";
    case TF_RESOURCE:
      return "resource";
    case TF_VARIANT:
      return "variant";
    default:
      return "number " + std::to_string(static_cast<int>(type));
  }
}

TF_Tensor* NewTensor(TF_DataType type, const Shape& shape) {
  const size_t size = type == TF_STRING ? sizeof(TF_TString) : TF_DataTypeSize(type);
  size_t elements = 0;
  if (!CountElements(shape, DType::kInt8, &elements) || elements > SIZE_MAX / size) {
    return nullptr;
  }
  TF_Tensor* tensor =
      TF_AllocateTensor(type, shape.data(), static_cast<int>(shape.size()), elements * size);
  if (tensor == nullptr || (elements > 0 && TF_TensorData(tensor) == nullptr)) {
    TF_DeleteTensor(tensor);
    return nullptr;
  }
  if (type == TF_STRING) {
    TF_TString* texts = static_cast<TF_TString*>(TF_TensorData(tensor));
    for (size_t i = 0; i < elements; ++i) TF_StringInit(&texts[i]);
  }
  return tensor;
}

void DeleteTensor(TF_Tensor* tensor) {
  if (tensor != nullptr && TF_TensorType(tensor) == TF_STRING) {
    TF_TString* texts = static_cast<TF_TString*>(TF_TensorData(tensor));
    for (size_t i = 0; i < Elements(tensor); ++i) TF_StringDealloc(&texts[i]);
  }
  TF_DeleteTensor(tensor);
}

bool CopyStrings(const std::vector<std::string>& strings, TF_Tensor* tensor) {
  if (strings.size() != Elements(tensor)) return false;
  TF_TString* texts = static_cast<TF_TString*>(TF_TensorData(tensor));
  for (size_t i = 0; i < strings.size(); ++i) {
    TF_StringCopy(&texts[i], strings[i].data(), strings[i].size());
  }
  return true;
}

bool ViewTensor(const TF_Tensor* tensor, OutputView* view) {
  if (tensor == nullptr || !ConvertType(TF_TensorType(tensor), &view->info.dtype)) return false;
  view->info.any_rank = false;
  view->info.shape.clear();
  for (int i = 0; i < TF_NumDims(tensor); ++i) view->info.shape.push_back(TF_Dim(tensor, i));
  view->data = TF_TensorData(tensor);
  size_t elements = 0;
  if (!CountElements(view->info.shape, view->info.dtype, &elements)) return false;
  if (elements == 0) return true;
  if (view->data == nullptr) return false;
  if (view->info.dtype != DType::kString) {
    return TF_TensorByteSize(tensor) >= elements * DTypeSize(view->info.dtype);
  }
  const TF_TString* texts = static_cast<const TF_TString*>(view->data);
  for (size_t i = 0; i < elements; ++i) {
    view->strings.emplace_back(TF_StringGetDataPointer(&texts[i]), TF_StringGetSize(&texts[i]));
  }
  return true;
}

}  // namespace runner
