// Lays a model and its packed weights out as one file; see tfport/packed_weights.h.
#ifndef TFPORT_PACKER_PACKED_FILE_H_
#define TFPORT_PACKER_PACKED_FILE_H_

#include <stdint.h>

#include <string>
#include <vector>

#include "recording.h"
#include "tensor.h"
#include "tensorflow/lite/model.h"

namespace packer {

struct PackedFile {
  std::vector<uint8_t> bytes;
  size_t model_bytes = 0;    // Of the .tflite in front.
  size_t packed_bytes = 0;   // Of packed weights.
  size_t dropped_bytes = 0;  // Of plain weights that are left out.
};

// `keep_weights` leaves every buffer in the .tflite.
runner::Status Lay(const tflite::FlatBufferModel& model, const Recording& recording,
                   bool keep_weights, PackedFile* file);

// Writes beside `path` and renames, so that nothing half-written has that name.
runner::Status Write(const std::string& path, const std::vector<uint8_t>& bytes);

}  // namespace packer

#endif  // TFPORT_PACKER_PACKED_FILE_H_
