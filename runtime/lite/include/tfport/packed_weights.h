// Weights that are packed at build time and used in place: the part of a model file that holds
// them, and how to record them. tfport-pack writes such files; an application needs none of this.
//
// The file is a .tflite, then, at a multiple of 64 bytes:
//
//   PackedHeader, PackedWeight[weights]   the table, in the order of (kernel, seed, bias)
//   the weights                           each at a multiple of 64 bytes
//   PackedMark                            the last bytes of the file
//
// and the same PackedMark is the metadata kPackedMetadata of the .tflite. Two marks, so that no
// single damage makes a file look as if it had no packed weights. A buffer of the model whose
// kernel is packed may have no bytes in the .tflite; its offset and size then point at the packed
// weights, where nothing reads it. All numbers are little-endian, all offsets from the file's
// start.
#ifndef TFPORT_PACKED_WEIGHTS_H_
#define TFPORT_PACKED_WEIGHTS_H_

#include <stddef.h>
#include <stdint.h>

namespace tflite {
namespace tfport {

constexpr char kPackedMetadata[] = "tfport_packed_weights";
constexpr char kPackedMagic[8] = {'t', 'f', 'p', 'o', 'r', 't', 'P', 'W'};
// Counts up with every change to this layout, or to what XNNPACK packs.
constexpr uint32_t kPackedFormat = 2;
constexpr size_t kPackedAlignment = 64;

struct PackedMark {
  char magic[8];     // kPackedMagic.
  uint32_t begin;    // Where the header is.
  uint32_t end;      // Where the file ends.
  uint32_t partial;  // 1 when a buffer of the model has no bytes in the .tflite, else 0.
};

struct PackedHeader {
  char magic[8];         // kPackedMagic.
  uint32_t format;       // kPackedFormat.
  uint32_t table_hash;   // Of the header, with 0 here, and the table.
  uint32_t model_bytes;  // Of the .tflite.
  uint32_t model_hash;
  uint32_t weights;  // Length of the table.
  uint32_t partial;  // As in the mark.
  char library[16];  // TfPortVersion() of the library that packed.
  char target[32];   // Its TfPortTarget().
};

// The key of XNNPACK's look-up, with places in the file for its pointers, and what it finds.
struct PackedWeight {
  uint32_t kernel;
  uint32_t seed;
  uint32_t bias;    // 0 for none.
  uint32_t offset;  // Where the packed weights are.
  uint32_t bytes;
  uint32_t hash;
};

// XXH32 with seed 0.
uint32_t PackedHash(const void* data, size_t bytes);

// What table_hash is for this header and its table.
uint32_t PackedTableHash(PackedHeader header, const PackedWeight* table);

// A weight that XNNPACK has packed; pointers are valid during the call only.
struct PackedEvent {
  uint32_t seed;
  const void* kernel;
  const void* bias;
  const void* data;
  size_t bytes;
  bool asked;  // Whether XNNPACK looked it up first, and would not have packed had it been there.
};

// Calls `record` for each weight that XNNPACK packs from now on, in any interpreter; nullptr ends
// it. Not for use while another thread is inside the library.
void RecordPackedWeights(void (*record)(void* context, const PackedEvent& event), void* context);

}  // namespace tfport
}  // namespace tflite

#endif  // TFPORT_PACKED_WEIGHTS_H_
