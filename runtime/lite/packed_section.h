// Finds the packed weights in a model's memory, and judges whether they are whole and fit.
#ifndef TFPORT_LITE_PACKED_SECTION_H_
#define TFPORT_LITE_PACKED_SECTION_H_

#include <stddef.h>
#include <stdint.h>

#include "tfport/packed_weights.h"

namespace tflite {
namespace tfport {

enum class PackedState {
  kAbsent,   // The model has none.
  kUsable,   // Whole, and for this library.
  kUnfit,    // Cannot be used, but the model has its plain weights too.
  kRefused,  // The file is damaged, or lacks plain weights as well: nothing right can be computed.
};

struct PackedSection {
  PackedState state = PackedState::kAbsent;
  char problem[192] = "";  // One sentence, when unfit or refused.
  const uint8_t* file = nullptr;
  uint32_t begin = 0;
  uint32_t end = 0;
  bool partial = false;
  const PackedWeight* table = nullptr;
  uint32_t weights = 0;

  // Whether a pointer is to a buffer that has no bytes in the .tflite.
  bool Holds(const void* pointer) const {
    const uintptr_t place = reinterpret_cast<uintptr_t>(pointer);
    const uintptr_t start = reinterpret_cast<uintptr_t>(file);
    return file != nullptr && place >= start + begin && place < start + end;
  }

  // The weight with this key, or nullptr.
  const PackedWeight* Find(uint32_t seed, const void* kernel, const void* bias) const;
};

// Looks through the `bytes` bytes of a model at `memory`, which starts with a valid .tflite.
PackedSection FindPackedSection(const void* memory, size_t bytes);

}  // namespace tfport
}  // namespace tflite

#endif  // TFPORT_LITE_PACKED_SECTION_H_
