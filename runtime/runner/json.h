// A small JSON writer: enough for one report on stdout and for string tensors.
#ifndef TFPORT_RUNNER_JSON_H_
#define TFPORT_RUNNER_JSON_H_

#include <stdint.h>

#include <string>
#include <string_view>

#include "tensor.h"

namespace runner {

// Appends `bytes` as a JSON string with its quotes. Bytes that are not UTF-8 become \udc80 to
// \udcff, which Python's "surrogateescape" turns back into the same bytes.
void AppendJsonString(std::string_view bytes, std::string* out);

// `bytes` for a terminal: control characters, but for the tab and the newline, and bytes that are
// not UTF-8 become \x01 and the like. A damaged model may have anything for a name.
std::string Printable(std::string_view bytes);

// Builds one JSON value; commas are its business. Begin and End calls must be balanced.
class JsonWriter {
 public:
  void BeginObject() { Begin('{'); }
  void EndObject() { End('}'); }
  void BeginArray() { Begin('['); }
  void EndArray() { End(']'); }
  void Key(std::string_view key);
  void String(std::string_view value);
  void Integer(int64_t value);
  void Bool(bool value);
  // Shortest text that reads back as the same double; null when it is not finite.
  void Number(double value);
  // An array of integers.
  void Dimensions(const Shape& shape);

  const std::string& text() const { return text_; }

 private:
  void Begin(char bracket);
  void End(char bracket);
  void Separate();

  std::string text_;
  bool first_ = true;  // No comma is due: at the start, after a bracket and after a key.
};

}  // namespace runner

#endif  // TFPORT_RUNNER_JSON_H_
