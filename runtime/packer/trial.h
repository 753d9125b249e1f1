// One inference of the model and of its packed file on the same input.
#ifndef TFPORT_PACKER_TRIAL_H_
#define TFPORT_PACKER_TRIAL_H_

#include <string>

#include "tensor.h"
#include "tensorflow/lite/interpreter.h"

namespace packer {

// Compares every output bit by bit. An error is a packed file that must not be used. `note` says
// why there was nothing to compare, if so: the model does not run on the seeded input either.
runner::Status Compare(tflite::Interpreter* plain, tflite::Interpreter* packed, std::string* note);

}  // namespace packer

#endif  // TFPORT_PACKER_TRIAL_H_
