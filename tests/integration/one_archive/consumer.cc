// Uses its own versions of the libraries that the archive carries, and the archive, in one program.
#include <cstdio>

#include "absl/absl.h"
#include "flatbuffers/flatbuffers.h"
#include "tensorflow/lite/interpreter.h"

extern "C" int TfLiteInvoke(int x);
extern "C" int xnn_multiply(int a, int b) { return a - b; }

struct Reporter : tflite::Reporter {
  int Report(const std::string& text) override { return text == "negative" ? 42 : 0; }
};

int main() {
  int wrong = 0;
  absl::Base* base = new absl::Derived;
  wrong += absl::version() != 2;
  wrong += absl::counter != 20000000000LL || absl::shared() != 2000 || absl::per_thread != 22;
  wrong += absl::Registry<int>::items.size() != 3;
  wrong += base->size() != 2002 || base->added() != std::string("added");
  wrong += absl::Compute(5) != 5004 || absl::Name() != "theirs" || absl::strong_variable != 2;
  wrong += xnn_multiply(5, 2) != 3;
  flatbuffers::Verifier theirs;
  tfport_flatbuffers::Verifier ours;
  wrong += theirs.Check() != 2 || sizeof(theirs) == sizeof(ours);
  Reporter reporter;
  tflite::Interpreter interpreter(&reporter);
  wrong += interpreter.Verify(&ours) != 23;
  wrong += tflite::InlineStatic() != 7;
  int result = interpreter.Invoke(21);
  wrong += tflite::InlineStatic() != 8;  // one object for both sides of the public face
  std::printf("wrong=%d invoke=%d c=%d thrown=%d\n", wrong, result, TfLiteInvoke(4),
              interpreter.Invoke(-1));
  delete base;
}
