// Stands in for another version of abseil.
#ifndef ABSL_STRINGS_STRING_VIEW_H_
#define ABSL_STRINGS_STRING_VIEW_H_

namespace absl {
inline namespace lts_20220623 {

struct string_view {
  const char* data;
  int size;
};

bool EqualsIgnoreCase(string_view a, string_view b);
string_view StripAsciiWhitespace(string_view text);

}  // namespace lts_20220623
}  // namespace absl

#endif  // ABSL_STRINGS_STRING_VIEW_H_
