// XXH32, the hash of packed model files: about one instruction a byte, so that checking costs a
// fraction of packing.
#include <string.h>

#include "tfport/packed_weights.h"

namespace tflite {
namespace tfport {
namespace {

constexpr uint32_t kPrime1 = 0x9e3779b1;
constexpr uint32_t kPrime2 = 0x85ebca77;
constexpr uint32_t kPrime3 = 0xc2b2ae3d;
constexpr uint32_t kPrime4 = 0x27d4eb2f;
constexpr uint32_t kPrime5 = 0x165667b1;

uint32_t RotateLeft(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

uint32_t Word(const uint8_t* data) {
  uint32_t word;
  memcpy(&word, data, sizeof(word));
  return word;
}

uint32_t Round(uint32_t lane, uint32_t word) {
  return RotateLeft(lane + word * kPrime2, 13) * kPrime1;
}

}  // namespace

uint32_t PackedHash(const void* data, size_t bytes) {
  const uint8_t* at = static_cast<const uint8_t*>(data);
  size_t left = bytes;
  uint32_t hash = kPrime5;
  if (left >= 16) {
    uint32_t lane1 = kPrime1 + kPrime2, lane2 = kPrime2, lane3 = 0, lane4 = 0u - kPrime1;
    for (; left >= 16; left -= 16, at += 16) {
      lane1 = Round(lane1, Word(at));
      lane2 = Round(lane2, Word(at + 4));
      lane3 = Round(lane3, Word(at + 8));
      lane4 = Round(lane4, Word(at + 12));
    }
    hash =
        RotateLeft(lane1, 1) + RotateLeft(lane2, 7) + RotateLeft(lane3, 12) + RotateLeft(lane4, 18);
  }
  hash += static_cast<uint32_t>(bytes);
  for (; left >= 4; left -= 4, at += 4) {
    hash = RotateLeft(hash + Word(at) * kPrime3, 17) * kPrime4;
  }
  for (; left > 0; --left, ++at) hash = RotateLeft(hash + *at * kPrime5, 11) * kPrime1;
  hash = (hash ^ hash >> 15) * kPrime2;
  hash = (hash ^ hash >> 13) * kPrime3;
  return hash ^ hash >> 16;
}

uint32_t PackedTableHash(PackedHeader header, const PackedWeight* table) {
  header.table_hash = 0;
  const uint32_t parts[] = {PackedHash(&header, sizeof(header)),
                            PackedHash(table, header.weights * sizeof(PackedWeight))};
  return PackedHash(parts, sizeof(parts));
}

}  // namespace tfport
}  // namespace tflite
