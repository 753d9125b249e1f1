// What the test programs share: they count what is wrong and end with it.
#ifndef TFPORT_TESTS_BAREMETAL_CHECK_H_
#define TFPORT_TESTS_BAREMETAL_CHECK_H_

#include <atomic>
#include <cstdio>

inline std::atomic<int> wrong{0};

inline void Check(bool right, const char* what) {
  if (right) return;
  if (wrong++ < 20) printf("wrong: %s\n", what);
}

#define CHECK(condition) Check(condition, #condition)

inline int Verdict() {
  printf("%d wrong\n", wrong.load());
  return wrong == 0 ? 0 : 1;
}

#endif
