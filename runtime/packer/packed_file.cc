#include "packed_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "rewrite.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tfport/packed_weights.h"
#include "tfport/tfport.h"

namespace packer {
namespace {

using runner::Status;
using tflite::tfport::kPackedAlignment;
using tflite::tfport::PackedHash;
using tflite::tfport::PackedHeader;
using tflite::tfport::PackedMark;
using tflite::tfport::PackedWeight;

size_t Aligned(size_t bytes) { return (bytes + kPackedAlignment - 1) & ~(kPackedAlignment - 1); }

size_t PlaceOfData(const tflite::Buffer& buffer, const void* file) {
  return static_cast<size_t>(buffer.data()->data() - static_cast<const uint8_t*>(file));
}

// Where each buffer's bytes are in a file -> the buffer's index.
std::map<size_t, uint32_t> BuffersByPlace(const tflite::Model& model, const void* file) {
  std::map<size_t, uint32_t> buffers;
  for (uint32_t i = 0; i < model.buffers()->size(); ++i) {
    const tflite::Buffer& buffer = *model.buffers()->Get(i);
    if (buffer.data() != nullptr && buffer.data()->size() != 0) {
      buffers[PlaceOfData(buffer, file)] = i;
    }
  }
  return buffers;
}

Status RefuseOutsideData(const tflite::Model& model) {
  const Status refused = {runner::kExitModel,
                          "the model keeps data outside its flatbuffer, which cannot be packed"};
  for (const tflite::Buffer* buffer : *model.buffers()) {
    if (buffer->offset() > 1) return refused;
  }
  for (const tflite::SubGraph* graph : *model.subgraphs()) {
    for (const tflite::Operator* node : *graph->operators()) {
      if (node->large_custom_options_offset() > 1) return refused;
    }
  }
  return {};
}

// Places for the table and the weights, from the beginning of the packed section.
class Layout {
 public:
  explicit Layout(const std::vector<Recorded>& weights) {
    size_t at = Aligned(sizeof(PackedHeader) + weights.size() * sizeof(PackedWeight));
    for (const Recorded& each : weights) {
      places_.push_back(at);
      at = Aligned(at + each.data.size());
    }
    bytes_ = at + sizeof(PackedMark);
  }
  size_t operator[](size_t index) const { return places_[index]; }
  size_t bytes() const { return bytes_; }

 private:
  std::vector<size_t> places_;
  size_t bytes_ = 0;
};

// The first weights that a buffer is packed to stand for the buffer; they are at least as long.
Status PlacesOfUnneeded(const tflite::FlatBufferModel& model, const Recording& recording,
                        const Layout& layout, std::map<uint32_t, Place>* outside) {
  const auto buffers = BuffersByPlace(*model.GetModel(), model.allocation()->base());
  for (size_t i = 0; i < recording.weights.size(); ++i) {
    const auto buffer = buffers.find(recording.weights[i].kernel);
    if (buffer == buffers.end() || recording.unneeded.count(buffer->second) == 0) continue;
    const size_t bytes = model.GetModel()->buffers()->Get(buffer->second)->data()->size();
    // Cannot be read by accident beyond the weights, whatever reads it.
    if (bytes > recording.weights[i].data.size()) continue;
    outside->insert({buffer->second, {layout[i], bytes}});
  }
  return {};
}

}  // namespace

Status Lay(const tflite::FlatBufferModel& model, const Recording& recording, bool keep_weights,
           PackedFile* file) {
  Status status = RefuseOutsideData(*model.GetModel());
  if (!status.ok()) return status;
  const Layout layout(recording.weights);
  std::map<uint32_t, Place> outside;
  if (!keep_weights) status = PlacesOfUnneeded(model, recording, layout, &outside);
  if (!status.ok()) return status;

  // The section's place follows from the length of the .tflite, which does not depend on it.
  PackedMark mark = {};
  memcpy(mark.magic, tflite::tfport::kPackedMagic, sizeof(mark.magic));
  mark.partial = outside.empty() ? 0 : 1;
  const auto rewritten = [&](size_t begin) {
    std::map<uint32_t, Place> places = outside;
    for (auto& [buffer, place] : places) place.offset += begin;
    mark.begin = static_cast<uint32_t>(begin);
    mark.end = static_cast<uint32_t>(begin + layout.bytes());
    return Rewrite(*model.GetModel(), places, tflite::tfport::kPackedMetadata, &mark, sizeof(mark));
  };
  const size_t begin = Aligned(rewritten(kPackedAlignment).size());
  const std::vector<uint8_t> front = rewritten(begin);
  if (Aligned(front.size()) != begin || begin + layout.bytes() > INT32_MAX) {
    return {runner::kExitModel, "the model is too large to be packed"};
  }

  const auto buffers = BuffersByPlace(*model.GetModel(), model.allocation()->base());
  const tflite::Model& front_model = *tflite::GetModel(front.data());
  const auto moved = [&](size_t place) -> uint32_t {
    if (place == 0) return 0;
    const uint32_t index = buffers.at(place);
    const tflite::Buffer& buffer = *front_model.buffers()->Get(index);
    return static_cast<uint32_t>(buffer.data() == nullptr ? buffer.offset()
                                                          : PlaceOfData(buffer, front.data()));
  };
  std::vector<PackedWeight> table;
  for (size_t i = 0; i < recording.weights.size(); ++i) {
    const Recorded& each = recording.weights[i];
    if (buffers.count(each.kernel) == 0 || (each.bias != 0 && buffers.count(each.bias) == 0)) {
      return {runner::kExitModel, "XNNPACK reads weights from inside a buffer of the model"};
    }
    PackedWeight weight;
    weight.kernel = moved(each.kernel);
    weight.seed = each.seed;
    weight.bias = moved(each.bias);
    weight.offset = static_cast<uint32_t>(begin + layout[i]);
    weight.bytes = static_cast<uint32_t>(each.data.size());
    weight.hash = PackedHash(each.data.data(), each.data.size());
    table.push_back(weight);
    file->packed_bytes += each.data.size();
  }
  std::sort(table.begin(), table.end(), [](const PackedWeight& a, const PackedWeight& b) {
    return std::tie(a.kernel, a.seed, a.bias) < std::tie(b.kernel, b.seed, b.bias);
  });

  PackedHeader header = {};
  memcpy(header.magic, tflite::tfport::kPackedMagic, sizeof(header.magic));
  header.format = tflite::tfport::kPackedFormat;
  header.model_bytes = static_cast<uint32_t>(front.size());
  header.model_hash = PackedHash(front.data(), front.size());
  header.weights = static_cast<uint32_t>(table.size());
  header.partial = mark.partial;
  snprintf(header.library, sizeof(header.library), "%s", TfPortVersion());
  snprintf(header.target, sizeof(header.target), "%s", TfPortTarget());
  header.table_hash = tflite::tfport::PackedTableHash(header, table.data());

  file->bytes.Resize(begin + layout.bytes());
  const auto put = [&](size_t at, const void* data, size_t bytes) {
    if (bytes != 0) memcpy(file->bytes.data() + at, data, bytes);
  };
  put(0, front.data(), front.size());
  put(begin, &header, sizeof(header));
  put(begin + sizeof(header), table.data(), table.size() * sizeof(PackedWeight));
  for (size_t i = 0; i < recording.weights.size(); ++i) {
    put(begin + layout[i], recording.weights[i].data.data(), recording.weights[i].data.size());
  }
  put(begin + layout.bytes() - sizeof(mark), &mark, sizeof(mark));
  file->model_bytes = front.size();
  for (const auto& [buffer, place] : outside) file->dropped_bytes += place.bytes;
  return {};
}

Status Write(const std::string& path, const AlignedBytes& bytes) {
  const std::string beside = path + ".part";
  FILE* file = fopen(beside.c_str(), "wb");
  bool written = file != nullptr && fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  int problem = written ? 0 : errno;
  if (file != nullptr && fclose(file) != 0 && problem == 0) problem = errno;
  if (problem == 0 && rename(beside.c_str(), path.c_str()) != 0) problem = errno;
  if (problem == 0) return {};
  if (file != nullptr) unlink(beside.c_str());
  return {runner::kExitUsage, "cannot write '" + path + "': " + strerror(problem)};
}

}  // namespace packer
