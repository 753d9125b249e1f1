#include "packed_section.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <tuple>

#include "tensorflow/lite/schema/schema_generated.h"
#include "tfport/tfport.h"

namespace tflite {
namespace tfport {
namespace {

// NEON code may ask as much of packed weights.
constexpr uintptr_t kPointerAlignment = 16;

std::tuple<uint32_t, uint32_t, uint32_t> KeyOf(const PackedWeight& weight) {
  return {weight.kernel, weight.seed, weight.bias};
}

void Judge(PackedSection* section, PackedState state, const char* format, ...) {
  section->state = state;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(section->problem, sizeof(section->problem), format, arguments);
  va_end(arguments);
}

// The mark in the metadata; false when there is none. `mark` stays as it is when it is too short.
bool MarkInMetadata(const void* memory, PackedMark* mark) {
  const Model* model = GetModel(memory);
  if (model->metadata() == nullptr || model->buffers() == nullptr) return false;
  for (const Metadata* entry : *model->metadata()) {
    if (entry->name() == nullptr || strcmp(entry->name()->c_str(), kPackedMetadata) != 0) continue;
    if (entry->buffer() >= model->buffers()->size()) return true;
    const auto* data = model->buffers()->Get(entry->buffer())->data();
    if (data != nullptr && data->size() == sizeof(*mark)) memcpy(mark, data->data(), sizeof(*mark));
    return true;
  }
  return false;
}

bool MarkAtEnd(const uint8_t* file, size_t bytes, PackedMark* mark) {
  if (bytes < sizeof(*mark)) return false;
  memcpy(mark, file + bytes - sizeof(*mark), sizeof(*mark));
  return memcmp(mark->magic, kPackedMagic, sizeof(kPackedMagic)) == 0;
}

// Whether all numbers of the mark and the header stay inside the file.
bool IsSound(const PackedMark& mark, const uint8_t* file, size_t bytes, PackedHeader* header) {
  if (memcmp(mark.magic, kPackedMagic, sizeof(kPackedMagic)) != 0) return false;
  if (mark.end > bytes || mark.begin > mark.end || mark.begin % kPackedAlignment != 0 ||
      mark.end - mark.begin < sizeof(PackedHeader) + sizeof(PackedMark)) {
    return false;
  }
  if (memcmp(&mark, file + mark.end - sizeof(mark), sizeof(mark)) != 0) return false;
  memcpy(header, file + mark.begin, sizeof(*header));
  const size_t room = mark.end - mark.begin - sizeof(PackedHeader) - sizeof(PackedMark);
  return memcmp(header->magic, kPackedMagic, sizeof(kPackedMagic)) == 0 &&
         header->model_bytes <= mark.begin && header->weights <= room / sizeof(PackedWeight);
}

bool WeightsAreInside(const PackedSection& section) {
  const uint32_t least = section.begin + sizeof(PackedHeader);
  const uint32_t most = section.end - sizeof(PackedMark);
  return std::all_of(section.table, section.table + section.weights, [&](const PackedWeight& each) {
    return each.offset >= least && each.offset <= most && each.bytes <= most - each.offset &&
           each.offset % kPackedAlignment == 0;
  });
}

}  // namespace

const PackedWeight* PackedSection::Find(uint32_t seed, const void* kernel, const void* bias) const {
  const uintptr_t start = reinterpret_cast<uintptr_t>(file);
  const uintptr_t places[] = {reinterpret_cast<uintptr_t>(kernel),
                              reinterpret_cast<uintptr_t>(bias)};
  if (places[0] < start || places[0] - start >= end) return nullptr;
  if (bias != nullptr && (places[1] < start || places[1] - start >= end)) return nullptr;
  PackedWeight key = {};
  key.kernel = static_cast<uint32_t>(places[0] - start);
  key.seed = seed;
  key.bias = bias == nullptr ? 0 : static_cast<uint32_t>(places[1] - start);
  const PackedWeight* found =
      std::lower_bound(table, table + weights, key,
                       [](const PackedWeight& a, const auto& b) { return KeyOf(a) < KeyOf(b); });
  return found != table + weights && KeyOf(*found) == KeyOf(key) ? found : nullptr;
}

PackedSection FindPackedSection(const void* memory, size_t bytes) {
  PackedSection section;
  if (memory == nullptr) return section;
  const uint8_t* file = static_cast<const uint8_t*>(memory);
  PackedMark mark = {};
  PackedHeader header;
  if (!MarkInMetadata(memory, &mark) && !MarkAtEnd(file, bytes, &mark)) return section;
  section.file = file;
  section.end = static_cast<uint32_t>(bytes);
  if (!IsSound(mark, file, bytes, &header)) {
    Judge(&section, PackedState::kRefused,
          "the model file is cut short or damaged: its packed weights are not whole; copy it anew");
    return section;
  }
  section.begin = mark.begin;
  section.end = mark.end;
  section.partial = mark.partial != 0 || header.partial != 0;
  const PackedState unfit = section.partial ? PackedState::kRefused : PackedState::kUnfit;
  // Before all that the format lays down.
  if (header.format != kPackedFormat) {
    Judge(&section, unfit,
          "the weights were packed in format %u, but this library reads format %u; pack the model "
          "with this library's tfport-pack",
          static_cast<unsigned>(header.format), static_cast<unsigned>(kPackedFormat));
    return section;
  }
  if (reinterpret_cast<uintptr_t>(file) % kPointerAlignment != 0) {
    Judge(&section, unfit,
          "packed weights are used in place, but the model's memory is not at a multiple of %u; "
          "align it to %u bytes",
          static_cast<unsigned>(kPointerAlignment), static_cast<unsigned>(kPackedAlignment));
    return section;
  }
  section.table = reinterpret_cast<const PackedWeight*>(file + mark.begin + sizeof(header));
  section.weights = header.weights;
  if (PackedTableHash(header, section.table) != header.table_hash || !WeightsAreInside(section) ||
      PackedHash(file, header.model_bytes) != header.model_hash) {
    Judge(&section, PackedState::kRefused,
          "the model file is damaged: its contents do not match their checksum; copy it anew");
    return section;
  }
  if (strncmp(header.library, TfPortVersion(), sizeof(header.library)) != 0) {
    Judge(&section, unfit,
          "the weights were packed by library %.16s for %.32s, but this is %s for %s; pack the "
          "model with this library's tfport-pack",
          header.library, header.target, TfPortVersion(), TfPortTarget());
    return section;
  }
  section.state = PackedState::kUsable;
  return section;
}

}  // namespace tfport
}  // namespace tflite
