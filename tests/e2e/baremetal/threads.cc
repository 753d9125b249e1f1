// Threads as pthreads and the standard library have them, more of them than cores.
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include "check.h"

namespace {

using namespace std::chrono_literals;

// Twelve threads hand a token round.
void PingPong() {
  constexpr int kThreads = 12, kTurns = 2400;
  std::mutex mutex;
  std::condition_variable turn[kThreads];
  int next = 0, sum = 0;
  std::vector<std::thread> threads;
  for (int id = 0; id < kThreads; id++)
    threads.emplace_back([&, id] {
      for (int i = 0; i < kTurns / kThreads; i++) {
        std::unique_lock<std::mutex> lock(mutex);
        turn[id].wait(lock, [&] { return next % kThreads == id; });
        next++;
        sum += id;
        turn[(id + 1) % kThreads].notify_one();
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(next == kTurns);
  CHECK(sum == kTurns / kThreads * (kThreads * (kThreads - 1) / 2));
}

// All that wait are woken, and nobody by a timeout.
void Broadcast() {
  std::mutex mutex;
  std::condition_variable all;
  int waiting = 0;
  bool go = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 10; i++)
    threads.emplace_back([&] {
      std::unique_lock<std::mutex> lock(mutex);
      waiting++;
      all.wait(lock, [&] { return go; });
      waiting--;
    });
  for (bool ready = false; !ready; std::this_thread::yield()) {
    std::lock_guard<std::mutex> lock(mutex);
    ready = waiting == 10;
    go = ready;
  }
  all.notify_all();
  for (std::thread& thread : threads) thread.join();
  CHECK(waiting == 0);
}

// What a thread keeps in registers is its own, across every switch.
void Registers() {
  std::vector<std::thread> threads;
  for (int id = 0; id < 8; id++)
    threads.emplace_back([id] {
      double a = id, b = id + 1, c = id + 2, d = id + 3, e = id + 4, f = id + 5, g = id + 6;
      int i = id, j = 2 * id, k = 3 * id, l = 4 * id;
      for (int round = 0; round < 100; round++) {
        sched_yield();
        a += 1, b += 2, c += 3, d += 4, e += 5, f += 6, g += 7;
        i += 1, j += 2, k += 3, l += 4;
      }
      CHECK(a == id + 100 && b == id + 201 && c == id + 302 && d == id + 403);
      CHECK(e == id + 504 && f == id + 605 && g == id + 706);
      CHECK(i == id + 100 && j == 2 * id + 200 && k == 3 * id + 300 && l == 4 * id + 400);
    });
  for (std::thread& thread : threads) thread.join();
}

// A mutex that all fight for, with and without waiting.
void Contention() {
  std::mutex mutex;
  std::recursive_mutex recursive;
  std::shared_mutex shared;
  long plain = 0, nested = 0, guarded = 0;
  std::vector<std::thread> threads;
  for (int id = 0; id < 8; id++)
    threads.emplace_back([&] {
      for (int i = 0; i < 3000; i++) {
        {
          std::lock_guard<std::mutex> lock(mutex);
          plain++;
        }
        if (i % 4 == 0) {
          std::lock_guard<std::recursive_mutex> outer(recursive);
          std::lock_guard<std::recursive_mutex> inner(recursive);
          nested++;
        }
        if (i % 8 == 0) {
          std::unique_lock<std::shared_mutex> write(shared);
          guarded++;
        } else if (i % 8 == 1) {
          std::shared_lock<std::shared_mutex> read(shared);
          if (guarded < 0) Check(false, "guarded");
        }
        if (i % 500 == 0) std::this_thread::yield();
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(plain == 8 * 3000);
  CHECK(nested == 8 * 750);
  CHECK(guarded == 8 * 375);
}

void Timeouts() {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock<std::mutex> lock(mutex);
  auto begin = std::chrono::steady_clock::now();
  CHECK(never.wait_for(lock, 5ms) == std::cv_status::timeout);
  CHECK(std::chrono::steady_clock::now() - begin >= 5ms);
  CHECK(never.wait_until(lock, std::chrono::system_clock::now() + 2ms) == std::cv_status::timeout);
  std::timed_mutex timed;
  timed.lock();
  std::thread([&] { CHECK(!timed.try_lock_for(3ms)); }).join();
  timed.unlock();
  std::thread([&] {
    CHECK(timed.try_lock_for(3ms));
    timed.unlock();
  }).join();
  // One that is woken in time among many that are not.
  std::condition_variable some;
  bool go = false;
  std::vector<std::thread> threads;
  std::atomic<int> woken{0};
  for (int i = 0; i < 6; i++)
    threads.emplace_back([&] {
      std::unique_lock<std::mutex> own(mutex);
      if (some.wait_for(own, 10s, [&] { return go; })) woken++;
    });
  std::this_thread::sleep_for(1ms);
  go = true;
  lock.unlock();
  some.notify_all();
  for (std::thread& thread : threads) thread.join();
  CHECK(woken == 6);
}

void Futures() {
  auto sum = std::async(std::launch::async, [] { return 40 + 2; });
  auto error =
      std::async(std::launch::async, []() -> int { throw std::logic_error("as planned"); });
  CHECK(sum.get() == 42);
  try {
    error.get();
    CHECK(false);
  } catch (const std::logic_error& e) {
    CHECK(std::string(e.what()) == "as planned");
  }
  static thread_local std::unique_ptr<int> local;
  std::promise<int> promise;
  auto future = promise.get_future();
  std::mutex mutex;
  std::condition_variable over;
  bool done = false;
  std::thread thread([&] {
    local = std::make_unique<int>(1);
    promise.set_value_at_thread_exit(5);
    std::unique_lock<std::mutex> lock(mutex);
    done = true;
    std::notify_all_at_thread_exit(over, std::move(lock));
  });
  {
    std::unique_lock<std::mutex> lock(mutex);
    over.wait(lock, [&] { return done; });
  }
  CHECK(future.get() == 5);
  thread.join();
  std::packaged_task<int(int)> task([](int x) { return 2 * x; });
  auto result = task.get_future();
  std::thread(std::move(task), 4).join();
  CHECK(result.get() == 8);
  auto shared = std::make_shared<int>(1);
  std::thread([&] { std::atomic_store(&shared, std::make_shared<int>(2)); }).join();
  CHECK(*std::atomic_load(&shared) == 2);
}

// An exception in call_once leaves it to the next.
void Once() {
  std::once_flag flag;
  int tries = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; i++)
    threads.emplace_back([&] {
      try {
        std::call_once(flag, [&] {
          std::this_thread::yield();
          if (++tries < 3) throw 1;
        });
      } catch (int) {
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(tries == 3);
}

// When no stack is left, creation fails, and goes on working once one is free again.
void TooMany() {
  std::mutex mutex;
  std::vector<std::thread> threads;
  mutex.lock();
  int code = 0;
  try {
    for (;;) threads.emplace_back([&] { std::lock_guard<std::mutex> lock(mutex); });
  } catch (const std::system_error& error) {
    code = error.code().value();
  }
  CHECK(code == EAGAIN);
  CHECK(threads.size() == 16);
  mutex.unlock();
  for (std::thread& thread : threads) thread.join();
  std::atomic<int> ended{0};
  for (int i = 0; i < 200; i++) {
    std::thread([&] { ended++; }).detach();
    while (ended < i - 10) std::this_thread::yield();
  }
  bool ran = false;
  std::thread([&] { ran = true; }).join();
  CHECK(ran);
}

pthread_key_t key;
std::atomic<int> key_destroyed{0};

void* Body(void* argument) {
  pthread_setspecific(key, argument);
  if (argument == &key) pthread_exit(&key_destroyed);
  return pthread_getspecific(key);
}

void Pthreads() {
  int value = 3;
  void* result = nullptr;
  pthread_t thread;
  CHECK(pthread_key_create(&key, [](void*) { key_destroyed++; }) == 0);
  CHECK(pthread_create(&thread, nullptr, Body, &value) == 0);
  CHECK(pthread_join(thread, &result) == 0 && result == &value);
  CHECK(pthread_join(thread, &result) == ESRCH);
  CHECK(pthread_create(&thread, nullptr, Body, &key) == 0);
  CHECK(pthread_join(thread, &result) == 0 && result == &key_destroyed);
  CHECK(key_destroyed == 2);
  CHECK(pthread_getspecific(key) == nullptr);
  CHECK(pthread_join(pthread_self(), nullptr) == EDEADLK);

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  CHECK(pthread_attr_setstacksize(&attributes, 100 << 20) == EINVAL);
  CHECK(pthread_attr_setstacksize(&attributes, 64 << 10) == 0);

  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
  pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_t checked;
  pthread_mutex_init(&checked, &kind);
  CHECK(pthread_mutex_unlock(&checked) == EPERM);
  CHECK(pthread_mutex_lock(&checked) == 0);
  CHECK(pthread_mutex_lock(&checked) == EDEADLK);
  CHECK(pthread_mutex_trylock(&checked) == EBUSY);
  CHECK(pthread_mutex_destroy(&checked) == EBUSY);
  CHECK(pthread_mutex_unlock(&checked) == 0);

  sem_t free, used;
  sem_init(&free, 0, 2);
  sem_init(&used, 0, 0);
  int produced = 0, consumed = 0;
  std::thread producer([&] {
    for (int i = 0; i < 500; i++) {
      sem_wait(&free);
      produced++;
      sem_post(&used);
    }
  });
  for (int i = 0; i < 500; i++) {
    sem_wait(&used);
    consumed++;
    sem_post(&free);
  }
  producer.join();
  CHECK(produced == 500 && consumed == 500);
  CHECK(sem_trywait(&used) == -1 && errno == EAGAIN);
}

}  // namespace

int main() {
  printf("%ld cores\n", sysconf(_SC_NPROCESSORS_ONLN));
  PingPong();
  Broadcast();
  Registers();
  Contention();
  Timeouts();
  Futures();
  Once();
  TooMany();
  Pthreads();
  return Verdict();
}
