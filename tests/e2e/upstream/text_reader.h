// protobuf's full runtime, for text_format.cc: messages go to it and come from it in the wire
// format.
//
// It is the archive of the recipe protobuf with its namespace renamed once more (see SConstruct),
// because messages of protobuf's own, such as Any, are generated for the lite runtime in the port.
// Descriptors come from the file that TFPORT_DESCRIPTORS names.
#ifndef TFPORT_TESTS_E2E_UPSTREAM_TEXT_READER_H_
#define TFPORT_TESTS_E2E_UPSTREAM_TEXT_READER_H_

#include <string>

namespace tfport_text {

// The text form of a message as bytes; false if it is none of the type. Ends the program on an
// unknown type.
bool Read(const std::string& type, const std::string& text, std::string* bytes);

// The text form of bytes, as DebugString gives it. Ends the program on an unknown type and on bad
// bytes.
std::string Print(const std::string& type, const std::string& bytes);

}  // namespace tfport_text

#endif  // TFPORT_TESTS_E2E_UPSTREAM_TEXT_READER_H_
