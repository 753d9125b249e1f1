// Protobuf's wire format, read in place and written field by field. The runner knows a dozen fields
// of TensorFlow's messages; this is all that they need.
#ifndef TFPORT_RUNNER_WIRE_H_
#define TFPORT_RUNNER_WIRE_H_

#include <stdint.h>

#include <string>
#include <string_view>

namespace runner {

// Walks the fields of one message. Never reads outside `message`, which must outlive what bytes()
// returns, and never recurses: a nested message is another reader over bytes().
class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message) {}

  // Moves to the next field; false at the end, and at bytes that are no field.
  bool Next();

  // Whether everything so far was well-formed.
  bool ok() const { return ok_; }

  // Number of the present field.
  uint32_t field() const { return field_; }

  // Whether the present field has this number and holds text, bytes or a message. Protobuf, too,
  // passes over a field of another kind than it expects.
  bool IsBytes(uint32_t field) const { return field_ == field && kind_ == Kind::kBytes; }
  bool IsNumber(uint32_t field) const { return field_ == field && kind_ == Kind::kVarint; }

  // The present field's content, by what it is.
  std::string_view bytes() const { return bytes_; }
  std::string text() const { return std::string(bytes_); }
  uint64_t number() const { return number_; }

 private:
  enum class Kind { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  bool ReadVarint(uint64_t* value);
  bool Fail();

  std::string_view rest_;
  bool ok_ = true;
  uint32_t field_ = 0;
  Kind kind_ = Kind::kVarint;
  uint64_t number_ = 0;
  std::string_view bytes_;
};

// Appends a field to a message. A negative number of an int32 field is given as int64.
void AppendNumber(uint32_t field, int64_t value, std::string* message);
void AppendBytes(uint32_t field, std::string_view value, std::string* message);

}  // namespace runner

#endif  // TFPORT_RUNNER_WIRE_H_
