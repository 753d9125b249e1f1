// Lays a model and its packed weights out as one file; see tfport/packed_weights.h.
#ifndef TFPORT_PACKER_PACKED_FILE_H_
#define TFPORT_PACKER_PACKED_FILE_H_

#include <stdint.h>

#include <string>
#include <vector>

#include "recording.h"
#include "tensor.h"
#include "tensorflow/lite/model.h"
#include "tfport/packed_weights.h"

namespace packer {

// Memory that begins where a packed file may.
class AlignedBytes {
 public:
  // Zeroed; what there was is gone.
  void Resize(size_t bytes) {
    storage_.assign(bytes + tflite::tfport::kPackedAlignment, 0);
    const size_t over =
        reinterpret_cast<uintptr_t>(storage_.data()) % tflite::tfport::kPackedAlignment;
    data_ = storage_.data() + (tflite::tfport::kPackedAlignment - over);
    size_ = bytes;
  }
  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  std::vector<uint8_t> storage_;
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

struct PackedFile {
  AlignedBytes bytes;
  size_t model_bytes = 0;    // Of the .tflite in front.
  size_t packed_bytes = 0;   // Of packed weights.
  size_t dropped_bytes = 0;  // Of plain weights that are left out.
};

// `keep_weights` leaves every buffer in the .tflite.
runner::Status Lay(const tflite::FlatBufferModel& model, const Recording& recording,
                   bool keep_weights, PackedFile* file);

// Writes beside `path` and renames, so that nothing half-written has that name.
runner::Status Write(const std::string& path, const AlignedBytes& bytes);

}  // namespace packer

#endif  // TFPORT_PACKER_PACKED_FILE_H_
