// Giving back the pages of a model file once XNNPACK holds its own copy of the weights.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/lite/allocation.h"
#include "tensorflow/lite/c/c_api_internal.h"
#define TFPORT_DEFINE_HOOKS
#include "tensorflow/lite/tfport_hooks.h"
#include "tfport/tfport.h"
#include "tfport/tfport_cxx.h"

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace {

// Returns the mapping behind a model, or nullptr when its bytes are not TensorFlow Lite's own
// mapping of a file: pages of anything else would be lost, not read again.
const tflite::MMAPAllocation* MappingOf(const tflite::Allocation* allocation) {
  if (allocation == nullptr || allocation->type() != tflite::Allocation::Type::kMMap ||
      !allocation->valid()) {
    return nullptr;
  }
  return static_cast<const tflite::MMAPAllocation*>(allocation);
}

#ifdef __linux__
// Sums up "Rss:" of this process's mappings of one file. The file is found by name, not by address:
// under an emulator the addresses of smaps are the host's, and on overlay file systems its device
// numbers are not stat's.
size_t ResidentBytesOfFile(int fd) {
  char link[32];
  char name[1024];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, name, sizeof(name) - 1);
  if (length <= 0) return 0;
  name[length] = '\0';
  FILE* smaps = fopen("/proc/self/smaps", "re");
  if (smaps == nullptr) return 0;
  size_t bytes = 0;
  bool inside = false;
  char line[1280];
  while (fgets(line, sizeof(line), smaps) != nullptr) {
    // A mapping starts with its lower-case hexadecimal address, a fact about it with a capital.
    if ((line[0] >= '0' && line[0] <= '9') || (line[0] >= 'a' && line[0] <= 'f')) {
      line[strcspn(line, "\n")] = '\0';
      const char* path = strchr(line, '/');
      inside = path != nullptr && strcmp(path, name) == 0;
    } else if (inside && strncmp(line, "Rss:", 4) == 0) {
      bytes += strtoul(line + 4, nullptr, 10) * 1024;
    }
  }
  fclose(smaps);
  return bytes;
}
#endif

}  // namespace

extern "C" size_t tfport_release_pages(const tflite::Allocation* allocation) {
  const tflite::MMAPAllocation* mapping = MappingOf(allocation);
  if (mapping == nullptr) return 0;
#ifdef __linux__
  // The mapping is read-only and shared with the file, so its pages are clean and come back on
  // demand.
  if (madvise(const_cast<void*>(mapping->mmapped_buffer()), mapping->mmapped_buffer_size(),
              MADV_DONTNEED) != 0) {
    return 0;
  }
  return mapping->mmapped_buffer_size();
#else
  return 0;
#endif
}

namespace tflite {
namespace tfport {

size_t ModelReleasePages(const FlatBufferModel& model) {
  return tfport_release_pages(model.allocation());
}

size_t ModelResidentBytes(const FlatBufferModel& model) {
#ifdef __linux__
  const MMAPAllocation* mapping = MappingOf(model.allocation());
  return mapping == nullptr ? 0 : ResidentBytesOfFile(mapping->fd());
#else
  (void)model;
  return 0;
#endif
}

}  // namespace tfport
}  // namespace tflite

extern "C" {

size_t TfPortModelReleasePages(const TfLiteModel* model) {
  return model == nullptr ? 0 : tflite::tfport::ModelReleasePages(*model->impl);
}

size_t TfPortModelResidentBytes(const TfLiteModel* model) {
  return model == nullptr ? 0 : tflite::tfport::ModelResidentBytes(*model->impl);
}

}  // extern "C"
