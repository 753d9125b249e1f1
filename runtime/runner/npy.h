// NumPy's .npy files, format versions 1 to 3: C order, little-endian.
#ifndef TFPORT_RUNNER_NPY_H_
#define TFPORT_RUNNER_NPY_H_

#include <stdio.h>

#include <string>
#include <vector>

#include "tensor.h"

namespace runner {

// What the header of a file says.
struct NpyHeader {
  DType dtype = DType::kFloat32;
  Shape shape;
  size_t elements = 0;
  // Bytes of one element in the file. For strings (dtype "S<n>"), n: shorter strings end in zero
  // bytes.
  size_t item_bytes = 0;
  // Where the data starts in the file.
  long data_offset = 0;
};

// Parses the text between the braces of a header, braces included. Returns an empty string, or what
// is wrong.
std::string ParseNpyHeader(const std::string& text, NpyHeader* header);

// Reads the header of the file and checks that the file is as long as it says. Returns an empty
// string, or what is wrong, without the path.
std::string ReadNpyHeader(const std::string& path, NpyHeader* header);

// Reads the elements of a file of which `header` was read into `data`, header.elements *
// header.item_bytes bytes.
std::string ReadNpyData(const std::string& path, const NpyHeader& header, void* data);

// Writes a whole file beside `path` and renames it, so that nobody ever reads half of it. `data`
// has the bytes that `shape` and `dtype` ask for; strings are not possible. Returns an empty
// string, or what is wrong.
std::string WriteNpy(const std::string& path, DType dtype, const Shape& shape, const void* data);

// Writes `text` to `path` in the same way.
std::string WriteFile(const std::string& path, const std::string& text);

}  // namespace runner

#endif  // TFPORT_RUNNER_NPY_H_
