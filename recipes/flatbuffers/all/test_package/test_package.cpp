#include <cstdio>
#include <string>
#include <type_traits>

#include "flatbuffers/flatbuffers.h"
#include "flatbuffers/idl.h"

// The application's own flatbuffers would be this namespace without the macro.
static_assert(std::is_same<flatbuffers::Parser, tfport_flatbuffers::Parser>::value, "not renamed");

int main() {
  flatbuffers::Parser parser;
  if (!parser.Parse("table Board { name:string; cores:int; } root_type Board;")) return 1;
  if (!parser.Parse("{ name: \"zuluko\", cores: 4 }")) return 1;
  std::string json;
  if (flatbuffers::GenText(parser, parser.builder_.GetBufferPointer(), &json)) return 1;
  std::puts(json.c_str());
  return json.find("cores: 4") == std::string::npos;
}
