#include <inttypes.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <type_traits>

static_assert(std::is_same<int32_t, int>::value && std::is_same<uint32_t, unsigned>::value, "");
static_assert(std::is_same<decltype(INT32_C(1)), int>::value, "");
static_assert(std::is_same<decltype(INT32_MAX), int>::value, "");
static_assert(sizeof(PRId64) > 1, "");
static_assert(std::chrono::steady_clock::is_steady, "");

int Joined() {
  thread_local int answer = 1;
  std::shared_timed_mutex mutex;
  std::once_flag once;
  std::call_once(once, [&] { std::unique_lock<std::shared_timed_mutex> lock(mutex); });
  std::thread([] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }).join();
  return std::async([] { return answer; }).get();
}
