// What XNNPACK packs when a model is made ready, and which of the model's buffers nobody else
// needs.
#ifndef TFPORT_PACKER_RECORDING_H_
#define TFPORT_PACKER_RECORDING_H_

#include <stddef.h>
#include <stdint.h>

#include <set>
#include <string>
#include <vector>

#include "tensor.h"
#include "tensorflow/lite/interpreter.h"
#include "tensorflow/lite/model.h"

namespace packer {

// Packed weights and the key that XNNPACK asks for them by, with places in the model's file.
struct Recorded {
  uint32_t seed = 0;
  size_t kernel = 0;
  size_t bias = 0;  // 0 for none.
  std::vector<uint8_t> data;
};

struct Recording {
  std::vector<Recorded> weights;
  // Bytes that XNNPACK packs at start-up all the same, and why: a reason each.
  size_t left_bytes = 0;
  std::set<std::string> left_reasons;
  // Indices of buffers that are read in packed form only.
  std::set<uint32_t> unneeded;
};

// Makes the model ready, with the default delegates, and records. `interpreter` is ready then.
runner::Status Record(const tflite::FlatBufferModel& model,
                      std::unique_ptr<tflite::Interpreter>* interpreter, Recording* recording);

// An interpreter with its memory allocated; open dimensions of its inputs are 1.
runner::Status MakeReady(const tflite::FlatBufferModel& model,
                         std::unique_ptr<tflite::Interpreter>* interpreter);

}  // namespace packer

#endif  // TFPORT_PACKER_RECORDING_H_
