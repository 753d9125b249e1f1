// The same library in the version of the consumer.
#pragma once
#include <string>
#include <vector>

namespace absl {

inline int version() { return 2; }

inline long long counter = 20000000000LL;
inline int& shared() {
  static int value = version() * 1000;
  return value;
}
template <class T>
struct Registry {
  static std::vector<T> items;
};
template <class T>
std::vector<T> Registry<T>::items = {T(1), T(2), T(3)};
inline thread_local int per_thread = 22;

struct Base {
  virtual ~Base() = default;
  virtual const char* added() const { return "added"; }
  virtual int size() const { return 1000; }
};
struct Derived : Base {
  long long one = 1, two = 2, three = 3;
  int size() const override { return 2000 + static_cast<int>(two); }
};

int Compute(int x);
std::string Name();
extern int strong_variable;

}  // namespace absl
