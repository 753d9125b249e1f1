// What the runner's own tests share.
#ifndef TFPORT_RUNNER_TESTS_CHECK_H_
#define TFPORT_RUNNER_TESTS_CHECK_H_

#include <stdio.h>

namespace runner {

extern int g_failures;

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ++g_failures;                                                   \
    }                                                                 \
  } while (false)

// In core_units.cc: what the engine on TensorFlow needs no TensorFlow for.
void TestCoreParts();

}  // namespace runner

#endif  // TFPORT_RUNNER_TESTS_CHECK_H_
