#ifndef FLATBUFFERS_H_
#define FLATBUFFERS_H_
#define FLATBUFFERS_VERSION_MAJOR 2

template <typename T>
bool IsConstTrue(T t) {
  return !!t;
}

namespace flatbuffers {

class Verifier {
 public:
  virtual ~Verifier() = default;
  long long padding[4] = {0, 0, 0, 0};
  int version = FLATBUFFERS_VERSION_MAJOR;
  int Check();
};

}  // namespace flatbuffers

#endif  // FLATBUFFERS_H_
