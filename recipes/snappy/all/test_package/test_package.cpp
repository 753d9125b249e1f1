#include <snappy.h>

#include <cstdio>
#include <string>

int main() {
  std::string input;
  for (int i = 0; i < 20000; ++i) input += static_cast<char>(i % 251 < 200 ? i % 251 : i / 251);
  std::string packed, output;
  snappy::Compress(input.data(), input.size(), &packed);
  if (!snappy::Uncompress(packed.data(), packed.size(), &output)) return 1;
  std::printf("%zu bytes in %zu\n", input.size(), packed.size());
  if (output != input || packed.size() * 2 > input.size()) return 2;
  packed.resize(packed.size() / 2);
  return snappy::Uncompress(packed.data(), packed.size(), &output) ? 3 : 0;
}
