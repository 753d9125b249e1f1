// What tfport adds to the C++ API of TensorFlow Lite; the C functions of the same names in tfport.h
// say what each means.
#ifndef TFPORT_TFPORT_CXX_H_
#define TFPORT_TFPORT_CXX_H_

#include <stddef.h>

#include "tensorflow/lite/interpreter.h"
#include "tensorflow/lite/model.h"

namespace tflite {
namespace tfport {

// See TfPortInterpreterArenaBytes.
size_t InterpreterArenaBytes(Interpreter* interpreter);

// See TfPortModelReleasePages.
size_t ModelReleasePages(const FlatBufferModel& model);

// See TfPortModelResidentBytes.
size_t ModelResidentBytes(const FlatBufferModel& model);

// See TfPortModelPackedBytes.
size_t ModelPackedBytes(const FlatBufferModel& model);

}  // namespace tfport
}  // namespace tflite

#endif  // TFPORT_TFPORT_CXX_H_
