// Text forms for messages without descriptors, for TensorFlow's own tests alone.
//
// The port generates its messages for protobuf's lite runtime, which has no text form, but many
// tests write their graphs as text and compare messages by it. A file that is compiled with this
// header in front finds protobuf's TextFormat under its name, taking such messages. See
// text_reader.h for how.
#ifndef TFPORT_TESTS_E2E_UPSTREAM_TEXT_FORMAT_H_
#define TFPORT_TESTS_E2E_UPSTREAM_TEXT_FORMAT_H_

#include <google/protobuf/message_lite.h>
#include <google/protobuf/text_format.h>

#include <string>

namespace google::protobuf {

// What the tests use of TextFormat. Parsing fails, as in protobuf, on text that is no message of
// the type.
class TextFormatOfLite {
 public:
  class Parser {
   public:
    bool ParseFromString(const std::string& text, MessageLite* message);
    bool MergeFromString(const std::string& text, MessageLite* message);
  };

  static bool ParseFromString(const std::string& text, MessageLite* message);
  static bool MergeFromString(const std::string& text, MessageLite* message);
  static bool PrintToString(const MessageLite& message, std::string* text);
};

}  // namespace google::protobuf

#define TextFormat TextFormatOfLite

#endif  // TFPORT_TESTS_E2E_UPSTREAM_TEXT_FORMAT_H_
