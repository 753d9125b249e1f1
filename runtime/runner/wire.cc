#include "wire.h"

namespace runner {
namespace {

void AppendVarint(uint64_t value, std::string* message) {
  for (; value >= 0x80; value >>= 7) message->push_back(static_cast<char>(value | 0x80));
  message->push_back(static_cast<char>(value));
}

}  // namespace

bool WireReader::Fail() {
  ok_ = false;
  rest_ = {};
  return false;
}

bool WireReader::ReadVarint(uint64_t* value) {
  *value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (rest_.empty()) return false;
    const uint8_t byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    // Of the tenth byte only one bit has room; protobuf drops the others as well.
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

bool WireReader::Next() {
  if (rest_.empty()) return false;
  uint64_t tag = 0;
  if (!ReadVarint(&tag) || tag > UINT32_MAX || (tag >> 3) == 0) return Fail();
  field_ = static_cast<uint32_t>(tag >> 3);
  size_t length = 0;
  switch (tag & 7) {
    case static_cast<int>(Kind::kVarint):
      kind_ = Kind::kVarint;
      return ReadVarint(&number_) || Fail();
    case static_cast<int>(Kind::kFixed64):
      kind_ = Kind::kFixed64;
      length = 8;
      break;
    case static_cast<int>(Kind::kFixed32):
      kind_ = Kind::kFixed32;
      length = 4;
      break;
    case static_cast<int>(Kind::kBytes): {
      kind_ = Kind::kBytes;
      uint64_t bytes = 0;
      if (!ReadVarint(&bytes) || bytes > rest_.size()) return Fail();
      length = static_cast<size_t>(bytes);
      break;
    }
    default:  // Groups, which no message of TensorFlow has.
      return Fail();
  }
  if (length > rest_.size()) return Fail();
  bytes_ = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

void AppendNumber(uint32_t field, int64_t value, std::string* message) {
  AppendVarint(uint64_t{field} << 3, message);
  AppendVarint(static_cast<uint64_t>(value), message);
}

void AppendBytes(uint32_t field, std::string_view value, std::string* message) {
  AppendVarint(uint64_t{field} << 3 | 2, message);
  AppendVarint(value.size(), message);
  message->append(value);
}

}  // namespace runner
