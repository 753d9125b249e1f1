// The input that stands in when the user gives none: the same bytes on every machine.
//
// Element k of input i is made from z = mix(s + (k + 1) * 0x9e3779b97f4a7c15), the k-th output of
// splitmix64 with start value s = seed + i * 0xd1342543de82ef95, all modulo 2^64:
//
//   float16               top 10 bits of z * 2^-9 - 1
//   float32, float64      top 24 bits of z * 2^-23 - 1, so both types hold the same numbers in [-1,
//   1) complex64/128         elements 2k and 2k + 1 of the float stream int8, uint8           top 8
//   bits of z int16, uint16         top 16 bits of z int32/64, uint32/64   top bit of z: such
//   inputs are mostly indices, lengths and masks bool                  top bit of z string the top
//   32 bits of z as 8 hexadecimal digits
//
// tfport/inputs.py holds the same generator; a test compares the two.
#ifndef TFPORT_RUNNER_SEEDED_H_
#define TFPORT_RUNNER_SEEDED_H_

#include <stddef.h>
#include <stdint.h>

#include <string>

#include "tensor.h"

namespace runner {

class SeededStream {
 public:
  // The stream of input number `index`.
  SeededStream(uint64_t seed, size_t index)
      : state_(seed + static_cast<uint64_t>(index) * 0xd1342543de82ef95u) {}

  // The next 64 bits.
  uint64_t Next();

  // Writes `elements` elements of a type other than string.
  void Fill(DType dtype, size_t elements, void* data);

  // The next string.
  std::string NextString();

 private:
  uint64_t state_;
};

}  // namespace runner

#endif  // TFPORT_RUNNER_SEEDED_H_
