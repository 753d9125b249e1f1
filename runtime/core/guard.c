/* Ends a program on a CPU that the library is not made for, before TensorFlow's initialisers die of
 * SIGILL there. Compiled for plain ARMv7-A, as cpu.c is. */
#include <string.h>
#include <tfport/core.h>
#include <unistd.h>

enum { kExitCpu = 7 }; /* As tfport-run has it. */

/* The first priority that is not the compiler's own; protobuf starts at 102, the registrations of
 * TensorFlow have none and come last. */
__attribute__((constructor(101))) static void CheckCpu(void) {
  const char* lacking = TfPortCoreCheckCpu();
  if (lacking == NULL) return;
  if (write(STDERR_FILENO, lacking, strlen(lacking)) < 0 || write(STDERR_FILENO, "\n", 1) < 0) {
    /* Then only the exit code tells. */
  }
  _exit(kExitCpu);
}
