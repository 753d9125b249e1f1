// A consumer's own protobuf and abseil, of other versions than those inside the SDK: classes of the
// same names with other contents, and the stock names of functions that TensorFlow calls.
#include <absl/strings/string_view.h>
#include <google/protobuf/message_lite.h>

namespace google {
namespace protobuf {
MessageLite::~MessageLite() = default;
std::string MessageLite::SerializeAsString() const { return "theirs"; }
bool MessageLite::ParseFromArray(const void*, int) { return false; }
int ArenaImpl::calls = 0;
void* ArenaImpl::AllocateAligned(unsigned) { return ++calls, nullptr; }
}  // namespace protobuf
}  // namespace google

namespace absl {
inline namespace lts_20220623 {
bool EqualsIgnoreCase(string_view, string_view) { return false; }
string_view StripAsciiWhitespace(string_view) { return {"theirs", 6}; }
}  // namespace lts_20220623
}  // namespace absl

// 13 when all of it is the consumer's own.
extern "C" int OwnAnswer() {
  google::protobuf::MessageLite message;
  if (message.ParseFromArray("", 0) || absl::EqualsIgnoreCase({"a", 1}, {"a", 1})) return -1;
  return google::protobuf::ArenaImpl::calls == 0
             ? static_cast<int>(message.SerializeAsString().size()) +
                   absl::StripAsciiWhitespace({" ", 1}).size + 1
             : -2;
}
