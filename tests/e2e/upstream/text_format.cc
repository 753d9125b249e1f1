#include "text_format.h"

#undef TextFormat

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace google::protobuf {
namespace {

// Ends the program: a test must not go on with half a text form.
[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "text_format.cc: %s\n", why.c_str());
  std::abort();
}

const DescriptorPool& Descriptors() {
  static const DescriptorPool* pool = [] {
    const char* path = std::getenv("TFPORT_DESCRIPTORS");
    if (path == nullptr) Fail("TFPORT_DESCRIPTORS is not set");
    std::ifstream stream(path, std::ios::binary);
    FileDescriptorSet files;
    if (!files.ParseFromIstream(&stream)) Fail(std::string("cannot read ") + path);
    auto* made = new DescriptorPool;
    for (const FileDescriptorProto& file : files.file()) {
      if (made->BuildFile(file) == nullptr) Fail("cannot use " + file.name());
    }
    return made;
  }();
  return *pool;
}

// An empty message of the full runtime, of the type of a lite one.
std::unique_ptr<Message> Twin(const MessageLite& message) {
  static auto* factory = new DynamicMessageFactory;
  const Descriptor* type = Descriptors().FindMessageTypeByName(message.GetTypeName());
  if (type == nullptr) Fail("no descriptor of " + message.GetTypeName());
  return std::unique_ptr<Message>(factory->GetPrototype(type)->New());
}

std::unique_ptr<Message> FilledTwin(const MessageLite& message) {
  std::unique_ptr<Message> twin = Twin(message);
  if (!twin->ParsePartialFromString(message.SerializePartialAsString())) {
    Fail("cannot copy a " + message.GetTypeName());
  }
  return twin;
}

}  // namespace

bool TextFormatOfLite::ParseFromString(const std::string& text, MessageLite* message) {
  message->Clear();
  return MergeFromString(text, message);
}

bool TextFormatOfLite::MergeFromString(const std::string& text, MessageLite* message) {
  std::unique_ptr<Message> twin = Twin(*message);
  return TextFormat::ParseFromString(text, twin.get()) &&
         message->MergeFromString(twin->SerializeAsString());
}

bool TextFormatOfLite::PrintToString(const MessageLite& message, std::string* text) {
  return TextFormat::PrintToString(*FilledTwin(message), text);
}

bool TextFormatOfLite::Parser::ParseFromString(const std::string& text, MessageLite* message) {
  return TextFormatOfLite::ParseFromString(text, message);
}

bool TextFormatOfLite::Parser::MergeFromString(const std::string& text, MessageLite* message) {
  return TextFormatOfLite::MergeFromString(text, message);
}

}  // namespace google::protobuf

// Called for MessageLite::DebugString where the linker is told to --wrap it. protobuf's own gives the address
// of the message, by which no test can compare two.
extern "C" std::string __wrap__ZNK12tfport_google8protobuf11MessageLite11DebugStringEv(
    const google::protobuf::MessageLite* message) {
  return google::protobuf::FilledTwin(*message)->DebugString();
}
