#include "flatbuffers/flatbuffers.h"

namespace flatbuffers {
int Verifier::Check() { return IsConstTrue(version) ? version : 0; }
}  // namespace flatbuffers
