// A stand-in for a third-party library in the version that the archive carries. ../theirs has the
// same names with another layout and other results, as two releases of one library do.
#pragma once
#include <string>
#include <vector>

namespace absl {

inline int version() { return 1; }

// An inline variable, a static of an inline function, a static of a class template, a thread-local.
inline int counter = 100;
inline int& shared() {
  static int value = version() * 10;
  return value;
}
template <class T>
struct Registry {
  static std::vector<T> items;
};
template <class T>
std::vector<T> Registry<T>::items = {T(1)};
inline thread_local int per_thread = 11;

// A class with virtual functions, defined in headers alone: vtable and type information in comdat
// groups.
struct Base {
  virtual ~Base() = default;
  virtual int size() const { return sizeof(Base); }
};
struct Derived : Base {
  int one = 1;
  int size() const override { return sizeof(Derived) + one; }
};

// Out of line: strong symbols that a consumer's copy defines again.
int Compute(int x);
std::string Name();
extern int strong_variable;

}  // namespace absl
