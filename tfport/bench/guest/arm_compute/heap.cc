// The heap of a dynamic program: the library's own calls of malloc pass no wrapper of ours, so the
// C library is asked what it has handed out, pages mapped for large blocks included.
#include "heap.h"

#include <malloc.h>

namespace runner {

size_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// What is held when somebody asks; the C library keeps no record of the most there was.
size_t HeapHighWaterBytes() { return HeapBytes(); }

}  // namespace runner
