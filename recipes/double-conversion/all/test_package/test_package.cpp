#include <double-conversion/double-conversion.h>

#include <cstdio>
#include <cstring>

int main() {
  using double_conversion::DoubleToStringConverter;
  using double_conversion::StringToDoubleConverter;
  char text[32];
  double_conversion::StringBuilder builder(text, sizeof(text));
  // The shortest text that reads back as the same float, which printf has no format for.
  DoubleToStringConverter::EcmaScriptConverter().ToShortestSingle(0.1f, &builder);
  std::puts(builder.Finalize());
  const StringToDoubleConverter parser(StringToDoubleConverter::NO_FLAGS, 0, 0, nullptr, nullptr);
  int used = 0;
  const float value = parser.StringToFloat(text, static_cast<int>(std::strlen(text)), &used);
  return std::strcmp(text, "0.1") == 0 && value == 0.1f && used == 3 ? 0 : 1;
}
