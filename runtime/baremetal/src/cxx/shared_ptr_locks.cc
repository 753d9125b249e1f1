// The locks behind std::atomic_load and std::atomic_store of a shared_ptr.
#include <cstdint>
#include <memory>
#include <mutex>

namespace std {

namespace {

constexpr unsigned char kLocks = 16;
constexpr unsigned char kNone = kLocks;

mutex& Lock(unsigned char key) {
  static mutex locks[kLocks];
  return locks[key];
}

unsigned char KeyOf(const void* address) {
  uintptr_t value = reinterpret_cast<uintptr_t>(address);
  return (value >> 3 ^ value >> 7 ^ value >> 13) % kLocks;
}

}  // namespace

_Sp_locker::_Sp_locker(const void* pointer) noexcept : _M_key1(KeyOf(pointer)), _M_key2(kNone) {
  Lock(_M_key1).lock();
}

_Sp_locker::_Sp_locker(const void* first, const void* second) noexcept
    : _M_key1(KeyOf(first)), _M_key2(KeyOf(second)) {
  if (_M_key1 > _M_key2) swap(_M_key1, _M_key2);
  Lock(_M_key1).lock();
  if (_M_key1 == _M_key2)
    _M_key2 = kNone;
  else
    Lock(_M_key2).lock();
}

_Sp_locker::~_Sp_locker() {
  if (_M_key2 != kNone) Lock(_M_key2).unlock();
  Lock(_M_key1).unlock();
}

}  // namespace std
