// std::chrono's clocks with the resolution of the machine's counter.
#include <time.h>

#include <chrono>

namespace {

std::chrono::nanoseconds Read(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

namespace std::chrono {
inline namespace _V2 {

const bool system_clock::is_steady;
const bool steady_clock::is_steady;

system_clock::time_point system_clock::now() noexcept {
  return time_point(duration_cast<duration>(Read(CLOCK_REALTIME)));
}

steady_clock::time_point steady_clock::now() noexcept { return time_point(Read(CLOCK_MONOTONIC)); }

}  // namespace _V2
}  // namespace std::chrono
