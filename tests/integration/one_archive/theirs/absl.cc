#include "absl/absl.h"

namespace absl {
int strong_variable = 2;
int Compute(int x) { return x * 1000 + version() + strong_variable; }
std::string Name() { return "theirs"; }
}  // namespace absl
