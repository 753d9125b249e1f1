// The heap of an image is the runtime's, which counts it.
#include <tfport/baremetal.h>

#include "heap.h"

namespace runner {

size_t HeapBytes() { return tfport_bm_heap_used(); }

size_t HeapHighWaterBytes() { return tfport_bm_heap_high_water(); }

}  // namespace runner
