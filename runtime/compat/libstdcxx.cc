// What GCC 12's C++ headers make code ask for, and the libstdc++ of GCC 8 (GLIBCXX_3.4.25) does not
// offer.
//
// Each function has the mangled name of the missing one, and does the same through symbols that the
// older library has. On ARM constructors return their object, so the stand-ins do. The definitions
// end up as local symbols of the one archive.

#include <cstdio>
#include <cstdlib>
#include <new>
#include <sstream>
#include <string>

extern "C" {

// std::__throw_bad_array_new_length(), GLIBCXX_3.4.29.
[[noreturn]] void _ZSt28__throw_bad_array_new_lengthv() { throw std::bad_array_new_length(); }

// std::__glibcxx_assert_fail(file, line, function, condition), GLIBCXX_3.4.30.
[[noreturn]] void _ZSt21__glibcxx_assert_failPKciS0_S0_(const char* file, int line,
                                                        const char* function,
                                                        const char* condition) {
  if (file != nullptr && function != nullptr && condition != nullptr) {
    std::fprintf(stderr, "%s:%d: %s: Assertion '%s' failed.\n", file, line, function, condition);
  }
  std::abort();
}

// std::string::reserve(), which gives unused memory back, GLIBCXX_3.4.29.
void _ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE7reserveEv(std::string* self) {
  if (self->capacity() > self->size()) std::string(*self).swap(*self);
}

// Default constructors of the string streams, GLIBCXX_3.4.26. C1 makes a whole object; C2, a base.
void* _ZNSt7__cxx1115basic_stringbufIcSt11char_traitsIcESaIcEEC1Ev(void* self) {
  return new (self) std::stringbuf(std::ios_base::in | std::ios_base::out);
}
void* _ZNSt7__cxx1115basic_stringbufIcSt11char_traitsIcESaIcEEC2Ev(void* self) {
  return new (self) std::stringbuf(std::ios_base::in | std::ios_base::out);
}
void* _ZNSt7__cxx1119basic_ostringstreamIcSt11char_traitsIcESaIcEEC1Ev(void* self) {
  return new (self) std::ostringstream(std::ios_base::out);
}
void* _ZNSt7__cxx1119basic_istringstreamIcSt11char_traitsIcESaIcEEC1Ev(void* self) {
  return new (self) std::istringstream(std::ios_base::in);
}
void* _ZNSt7__cxx1118basic_stringstreamIcSt11char_traitsIcESaIcEEC1Ev(void* self) {
  return new (self) std::stringstream(std::ios_base::in | std::ios_base::out);
}

}  // extern "C"
