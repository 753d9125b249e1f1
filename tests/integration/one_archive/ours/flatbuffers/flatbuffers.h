#ifndef FLATBUFFERS_H_
#define FLATBUFFERS_H_
#define FLATBUFFERS_VERSION_MAJOR 23

template <typename T>
bool IsConstTrue(T t) {
  return !!t;
}

namespace flatbuffers {

class Verifier {
 public:
  int version = FLATBUFFERS_VERSION_MAJOR;
  int Check();
};

}  // namespace flatbuffers

#endif  // FLATBUFFERS_H_
