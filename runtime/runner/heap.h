// How much heap this program uses, counted in the program itself.
//
// The program is linked with -Wl,--wrap for malloc and its kin (heap_wrap_flags in CMakeLists.txt),
// so that every request of every library in a static program passes here. What is counted is
// malloc_usable_size of each block: what the C library set aside, not only what was asked for. An
// emulator's own memory is not part of it.
#ifndef TFPORT_RUNNER_HEAP_H_
#define TFPORT_RUNNER_HEAP_H_

#include <stddef.h>

namespace runner {

// Bytes in use now, and the most since start. Both 0 in a program that was linked without the
// flags.
size_t HeapBytes();
size_t HeapHighWaterBytes();

}  // namespace runner

#endif  // TFPORT_RUNNER_HEAP_H_
