#include "seeded.h"

#include <inttypes.h>
#include <stdio.h>

namespace runner {
namespace {

// In [-1, 1) by steps of 2^-23, exact in float.
float UnitFloat(uint64_t z) {
  return static_cast<float>(static_cast<int32_t>(z >> 40) - (1 << 23)) * (1.0f / (1 << 23));
}

// The half with value (top - 512) * 2^-9 for top in [0, 1024).
uint16_t UnitHalf(uint64_t z) {
  const int value = static_cast<int>(z >> 54) - 512;
  if (value == 0) return 0;
  const uint32_t sign = value < 0 ? 0x8000u : 0u;
  uint32_t magnitude = static_cast<uint32_t>(value < 0 ? -value : value);
  // Shift the leading bit to place 10, counting the exponent down from that of 2 (10 bits above
  // 2^-9).
  uint32_t exponent = 16;
  while ((magnitude & 0x400u) == 0) {
    magnitude <<= 1;
    --exponent;
  }
  return static_cast<uint16_t>(sign | exponent << 10 | (magnitude & 0x3ffu));
}

}  // namespace

uint64_t SeededStream::Next() {
  state_ += 0x9e3779b97f4a7c15u;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void SeededStream::Fill(DType dtype, size_t elements, void* data) {
  if (dtype == DType::kComplex64 || dtype == DType::kComplex128) {
    dtype = dtype == DType::kComplex64 ? DType::kFloat32 : DType::kFloat64;
    elements *= 2;
  }
  for (size_t i = 0; i < elements; ++i) {
    const uint64_t z = Next();
    switch (dtype) {
      case DType::kFloat16:
        static_cast<uint16_t*>(data)[i] = UnitHalf(z);
        break;
      case DType::kFloat32:
        static_cast<float*>(data)[i] = UnitFloat(z);
        break;
      case DType::kFloat64:
        static_cast<double*>(data)[i] = UnitFloat(z);
        break;
      case DType::kInt8:
      case DType::kUint8:
        static_cast<uint8_t*>(data)[i] = static_cast<uint8_t>(z >> 56);
        break;
      case DType::kInt16:
      case DType::kUint16:
        static_cast<uint16_t*>(data)[i] = static_cast<uint16_t>(z >> 48);
        break;
      case DType::kInt32:
      case DType::kUint32:
        static_cast<uint32_t*>(data)[i] = static_cast<uint32_t>(z >> 63);
        break;
      case DType::kInt64:
      case DType::kUint64:
        static_cast<uint64_t*>(data)[i] = z >> 63;
        break;
      case DType::kBool:
        static_cast<uint8_t*>(data)[i] = static_cast<uint8_t>(z >> 63);
        break;
      case DType::kComplex64:
      case DType::kComplex128:
      case DType::kString:
        return;
    }
  }
}

std::string SeededStream::NextString() {
  char digits[9];
  snprintf(digits, sizeof(digits), "%08" PRIx32, static_cast<uint32_t>(Next() >> 32));
  return digits;
}

}  // namespace runner
