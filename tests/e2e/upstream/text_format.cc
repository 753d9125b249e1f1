#include "text_format.h"

#include "text_reader.h"

namespace google::protobuf {

bool TextFormatOfLite::ParseFromString(const std::string& text, MessageLite* message) {
  message->Clear();
  return MergeFromString(text, message);
}

bool TextFormatOfLite::MergeFromString(const std::string& text, MessageLite* message) {
  std::string bytes;
  return tfport_text::Read(message->GetTypeName(), text, &bytes) && message->MergeFromString(bytes);
}

bool TextFormatOfLite::PrintToString(const MessageLite& message, std::string* text) {
  *text = tfport_text::Print(message.GetTypeName(), message.SerializePartialAsString());
  return true;
}

bool TextFormatOfLite::Parser::ParseFromString(const std::string& text, MessageLite* message) {
  return TextFormatOfLite::ParseFromString(text, message);
}

bool TextFormatOfLite::Parser::MergeFromString(const std::string& text, MessageLite* message) {
  return TextFormatOfLite::MergeFromString(text, message);
}

}  // namespace google::protobuf

// Called for MessageLite::DebugString where the linker is told to --wrap it. protobuf's own gives
// the address of the message, by which no test can compare two.
extern "C" std::string __wrap__ZNK13tfport_google8protobuf11MessageLite11DebugStringB5cxx11Ev(
    const google::protobuf::MessageLite* message) {
  return tfport_text::Print(message->GetTypeName(), message->SerializePartialAsString());
}
