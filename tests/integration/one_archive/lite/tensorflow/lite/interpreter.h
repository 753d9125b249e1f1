// The public C++ face: exposes flatbuffers, as TensorFlow Lite's does, and nothing else of others.
#pragma once
#include <memory>
#include <string>

#include "flatbuffers/flatbuffers.h"

namespace tflite {

class Reporter {
 public:
  virtual ~Reporter();
  virtual int Report(const std::string& text) = 0;
};

class Interpreter {
 public:
  explicit Interpreter(Reporter* reporter);
  ~Interpreter();
  int Invoke(int x);
  int Verify(flatbuffers::Verifier* verifier);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

inline int& InlineStatic() {
  static int value = 7;
  return value;
}

}  // namespace tflite
