// Stands in for another version of protobuf.
#ifndef GOOGLE_PROTOBUF_MESSAGE_LITE_H__
#define GOOGLE_PROTOBUF_MESSAGE_LITE_H__

#include <string>

#define GOOGLE_PROTOBUF_VERSION 4025003

namespace google {
namespace protobuf {

class MessageLite {
 public:
  virtual ~MessageLite();
  std::string SerializeAsString() const;
  bool ParseFromArray(const void* data, int size);
};

struct ArenaImpl {
  static int calls;
  static void* AllocateAligned(unsigned bytes);
};

}  // namespace protobuf
}  // namespace google

#endif  // GOOGLE_PROTOBUF_MESSAGE_LITE_H__
