#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

namespace runner {
namespace {

// Length of the UTF-8 sequence at the start of `bytes`, or 0 when there is none.
size_t Utf8Length(std::string_view bytes) {
  const unsigned char first = static_cast<unsigned char>(bytes[0]);
  if (first < 0x80) return 1;
  size_t length = 0;
  uint32_t code = 0;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
    code = first & 0x1fu;
  } else if ((first & 0xf0) == 0xe0) {
    length = 3;
    code = first & 0x0fu;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    code = first & 0x07u;
  }
  if (length == 0 || bytes.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    const unsigned char next = static_cast<unsigned char>(bytes[i]);
    if ((next & 0xc0) != 0x80) return 0;
    code = (code << 6) | (next & 0x3fu);
  }
  // Overlong forms, surrogates and codes past the end of Unicode.
  if (length == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) return 0;
  if (length == 4 && (code < 0x10000 || code > 0x10ffff)) return 0;
  return length;
}

}  // namespace

void AppendJsonString(std::string_view bytes, std::string* out) {
  out->push_back('"');
  while (!bytes.empty()) {
    const size_t length = Utf8Length(bytes);
    const unsigned char byte = static_cast<unsigned char>(bytes[0]);
    char escape[8];
    if (length == 0) {
      snprintf(escape, sizeof(escape), "\\udc%02x", byte);
      out->append(escape);
      bytes.remove_prefix(1);
      continue;
    }
    if (byte == '"' || byte == '\\') {
      out->push_back('\\');
      out->push_back(static_cast<char>(byte));
    } else if (byte < 0x20 || byte == 0x7f) {
      snprintf(escape, sizeof(escape), "\\u%04x", byte);
      out->append(escape);
    } else {
      out->append(bytes.substr(0, length));
    }
    bytes.remove_prefix(length);
  }
  out->push_back('"');
}

std::string Printable(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    size_t length = Utf8Length(bytes);
    const unsigned char byte = static_cast<unsigned char>(bytes[0]);
    const bool control = (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f;
    if (length == 0 || control) {
      char escape[8];
      snprintf(escape, sizeof(escape), "\\x%02x", byte);
      text += escape;
      length = 1;
    } else {
      text += bytes.substr(0, length);
    }
    bytes.remove_prefix(length);
  }
  return text;
}

void JsonWriter::Begin(char bracket) {
  Separate();
  text_.push_back(bracket);
  first_ = true;
}

void JsonWriter::End(char bracket) {
  text_.push_back(bracket);
  first_ = false;
}

void JsonWriter::Separate() {
  if (!first_) text_.append(", ");
  first_ = false;
}

void JsonWriter::Key(std::string_view key) {
  Separate();
  AppendJsonString(key, &text_);
  text_.append(": ");
  first_ = true;
}

void JsonWriter::String(std::string_view value) {
  Separate();
  AppendJsonString(value, &text_);
}

void JsonWriter::Integer(int64_t value) {
  Separate();
  char digits[24];
  snprintf(digits, sizeof(digits), "%" PRId64, value);
  text_.append(digits);
}

void JsonWriter::Bool(bool value) {
  Separate();
  text_.append(value ? "true" : "false");
}

void JsonWriter::Number(double value) {
  Separate();
  if (!isfinite(value)) {
    text_.append("null");
    return;
  }
  char digits[32];
  for (int precision = 6; precision <= 17; ++precision) {
    snprintf(digits, sizeof(digits), "%.*g", precision, value);
    if (strtod(digits, nullptr) == value) break;
  }
  text_.append(digits);
}

void JsonWriter::Dimensions(const Shape& shape) {
  BeginArray();
  for (const int64_t dim : shape) Integer(dim);
  EndArray();
}

}  // namespace runner
