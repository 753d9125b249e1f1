#include <re2/re2.h>

#include <cstdio>
#include <string>

int main() {
  const RE2 pattern("([[:alpha:]]+)-a(\\d+)");
  std::string family;
  int number = 0;
  if (!RE2::FullMatch("cortex-a7", pattern, &family, &number)) return 1;
  std::string text = "caf\u00e9 \u00fcber alles";
  RE2::GlobalReplace(&text, "\\pL+", "<\\0>");
  std::printf("%s %d %s\n", family.c_str(), number, text.c_str());
  return family == "cortex" && number == 7 && text == "<caf\u00e9> <\u00fcber> <alles>" ? 0 : 1;
}
