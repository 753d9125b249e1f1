// A .tflite written anew, with some of its buffers outside.
#ifndef TFPORT_PACKER_REWRITE_H_
#define TFPORT_PACKER_REWRITE_H_

#include <stddef.h>
#include <stdint.h>

#include <map>
#include <string>
#include <vector>

#include "tensorflow/lite/schema/schema_generated.h"

namespace packer {

// Where the bytes of a buffer are in the file, instead of in the flatbuffer.
struct Place {
  uint64_t offset;
  uint64_t bytes;
};

// The model with buffers outside, by index, and one more entry of metadata. Everything else is as
// it was: what is there but empty stays there.
std::vector<uint8_t> Rewrite(const tflite::Model& model, const std::map<uint32_t, Place>& outside,
                             const std::string& metadata_name, const void* metadata,
                             size_t metadata_bytes);

}  // namespace packer

#endif  // TFPORT_PACKER_REWRITE_H_
