// Which kernels the tests are linked with: of the sources that tests.toml names, those for the
// common element types. The others would cost hours and gigabytes of compiling, as in the port
// itself.
#ifndef OPS_TO_REGISTER_H_
#define OPS_TO_REGISTER_H_

namespace tfport_upstream {
namespace {

constexpr const char* kLeftOut[] = {"Eigen::half",
                                    "bfloat16",
                                    "complex64",
                                    "complex128",
                                    "std::complex<float>",
                                    "std::complex<double>",
                                    "int8",
                                    "int16",
                                    "uint16",
                                    "uint32",
                                    "uint64",
                                    nullptr};

// Kernels of these have every type, which their tests ask for.
constexpr const char* kWhole[] = {"Conv2DOp", "FusedConv2DOp", "FusedResizeConv2DUsingGemmOp",
                                  nullptr};

constexpr bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

constexpr bool StartsWith(const char* text, const char* word) {
  for (; *word != 0; ++text, ++word) {
    if (*text != *word) return false;
  }
  return !IsWord(*text);
}

constexpr bool HasWord(const char* text, const char* word) {
  for (const char* at = text; *at != 0; ++at) {
    if ((at == text || !IsWord(at[-1])) && StartsWith(at, word)) return true;
  }
  return false;
}

constexpr bool HasOneOf(const char* text, const char* const* words) {
  for (; *words != nullptr; ++words) {
    if (HasWord(text, *words)) return true;
  }
  return false;
}

}  // namespace
}  // namespace tfport_upstream

#define SHOULD_REGISTER_OP(op) true
#define SHOULD_REGISTER_OP_KERNEL(clz)                            \
  (::tfport_upstream::HasOneOf(clz, ::tfport_upstream::kWhole) || \
   !::tfport_upstream::HasOneOf(clz, ::tfport_upstream::kLeftOut))
#define SHOULD_REGISTER_OP_GRADIENT true

#endif  // OPS_TO_REGISTER_H_
