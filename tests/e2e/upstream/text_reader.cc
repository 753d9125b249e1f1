#include "text_reader.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace tfport_text {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::Message;

// A test must not go on with half a text form.
[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "text_reader.cc: %s\n", why.c_str());
  std::abort();
}

const DescriptorPool& Descriptors() {
  static const DescriptorPool* pool = [] {
    const char* path = std::getenv("TFPORT_DESCRIPTORS");
    if (path == nullptr) Fail("TFPORT_DESCRIPTORS is not set");
    std::ifstream stream(path, std::ios::binary);
    google::protobuf::FileDescriptorSet files;
    if (!files.ParseFromIstream(&stream)) Fail(std::string("cannot read ") + path);
    auto* made = new DescriptorPool;
    for (const auto& file : files.file()) {
      if (made->BuildFile(file) == nullptr) Fail("cannot use " + file.name());
    }
    return made;
  }();
  return *pool;
}

std::unique_ptr<Message> Empty(const std::string& type) {
  static auto* factory = new google::protobuf::DynamicMessageFactory;
  const Descriptor* descriptor = Descriptors().FindMessageTypeByName(type);
  if (descriptor == nullptr) Fail("no descriptor of " + type);
  return std::unique_ptr<Message>(factory->GetPrototype(descriptor)->New());
}

}  // namespace

bool Read(const std::string& type, const std::string& text, std::string* bytes) {
  const std::unique_ptr<Message> message = Empty(type);
  return google::protobuf::TextFormat::ParseFromString(text, message.get()) &&
         message->SerializeToString(bytes);
}

std::string Print(const std::string& type, const std::string& bytes) {
  const std::unique_ptr<Message> message = Empty(type);
  if (!message->ParsePartialFromString(bytes)) Fail("cannot read a " + type);
  return message->DebugString();
}

}  // namespace tfport_text
