#include "absl/absl.h"

namespace absl {
int strong_variable = 1;
int Compute(int x) { return x + version() + strong_variable; }
std::string Name() { return "ours"; }
}  // namespace absl
