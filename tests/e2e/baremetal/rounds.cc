// Rounds of four threads, one on each core, that throw, use statics, thread_locals, once-flags,
// errno, the heap and floating-point formatting at the same time. Not one result may be wrong.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <cstdio>
#include <exception>
#include <future>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#ifndef ROUNDS
#define ROUNDS 10000
#endif

extern "C" int __cxa_guard_acquire(unsigned*);
extern "C" void __cxa_guard_release(unsigned*);

namespace {

std::atomic<int> wrong{0};
std::atomic<int> made{0}, destroyed{0};

void Check(bool right, const char* what) {
  if (right) return;
  if (wrong++ < 10) printf("wrong: %s\n", what);
}

struct Counted {
  Counted() { made++; }
  ~Counted() { destroyed++; }
  int value = 41;
};

thread_local Counted counted;
thread_local int plain = 7;
thread_local char aligned alignas(32) = 'a';

// A static that is new in every round, by the functions that the compiler would call for it.
struct Round {
  unsigned guard = 0;
  int built = 0;
  std::once_flag once;
  int called = 0;
  std::atomic<int> arrived{0};
};

template <int N>
int StaticOf() {
  static const int value = [] {
    std::this_thread::yield();
    return N + 1;
  }();
  return value;
}

template <int... N>
int SumOfStatics(std::integer_sequence<int, N...>) {
  return (StaticOf<N>() + ...);
}

__attribute__((noinline)) void Throw(int depth, int value) {
  std::string local(50, 'x');  // something to destroy on the way up
  if (depth == 0) throw std::runtime_error(std::to_string(value));
  Throw(depth - 1, value);
}

void Exceptions(int id, int round) {
  for (int depth = 0; depth < 2; depth++) {
    const int value = id * 1000000 + round * 10 + depth;
    try {
      Throw(depth, value);
      Check(false, "no exception");
    } catch (const std::runtime_error& error) {
      Check(atoi(error.what()) == value, "another thread's exception");
      Check(std::uncaught_exceptions() == 0, "uncaught_exceptions");
      try {
        throw value;
      } catch (int inner) {
        Check(inner == value, "another thread's inner exception");
      }
    }
  }
}

void Work(Round& round, int id, int number) {
  round.arrived++;
  while (round.arrived < 4) __asm volatile("yield");  // all at once, on four cores
  Check(plain == 7 && aligned == 'a' && counted.value == 41, "thread_local at the start");
  Check(reinterpret_cast<uintptr_t>(&aligned) % 32 == 0, "alignment of a thread_local");
  plain = counted.value = id;
  if (__cxa_guard_acquire(&round.guard)) {
    round.built++;
    __cxa_guard_release(&round.guard);
  }
  Check(round.built == 1, "static built once");
  std::call_once(round.once, [&] { round.called++; });
  Check(round.called == 1, "call_once");
  Exceptions(id, number);
  errno = 100 + id;
  char text[40];
  snprintf(text, sizeof text, "%.9f", 1.0 / (id + 1) + number);
  Check(strtod(text, nullptr) - (1.0 / (id + 1) + number) < 1e-8, "formatting and parsing");
  if (number % 16 == 0) {
    std::ostringstream stream;
    stream << number << ' ' << id;
    Check(stream.str() == std::to_string(number) + " " + std::to_string(id), "ostringstream");
  }
  std::vector<std::string> strings(8, std::string(20 + id, 'a' + id));
  for (const std::string& s : strings) Check(s == std::string(20 + id, 'a' + id), "heap");
  Check(errno == 100 + id, "errno");
  Check(plain == id && counted.value == id, "thread_local at the end");
  Check(SumOfStatics(std::make_integer_sequence<int, 32>()) == 32 * 33 / 2, "statics");
}

}  // namespace

int main() {
  if (std::thread::hardware_concurrency() != 4) return 2;  // its threads would wait for the fourth
  for (int number = 0; number < ROUNDS; number++) {
    Round round;
    std::vector<std::thread> threads;
    for (int id = 0; id < 4; id++)
      threads.emplace_back([&round, id, number] { Work(round, id, number); });
    for (std::thread& thread : threads) thread.join();
  }
  Check(made == 4 * ROUNDS && destroyed == made, "every thread_local destroyed");
  printf("%d rounds, %d wrong\n", ROUNDS, wrong.load());
  return wrong == 0 ? 0 : 1;
}
