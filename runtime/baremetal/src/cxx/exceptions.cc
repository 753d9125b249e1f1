// Exception state by thread, and memory for exceptions that does not run out with the heap.
#include "exceptions.h"

#include <cxxabi.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <typeinfo>

#include "../devices/console.h"
#include "../threads/thread.h"

extern "C" exception_globals* __cxa_get_globals() noexcept { return &this_thread->exceptions; }

extern "C" exception_globals* __cxa_get_globals_fast() noexcept { return &this_thread->exceptions; }

namespace {

// What libsupc++ 12 keeps in front of an exception, and the whole of a dependent one.
constexpr size_t kHeader = 128;
constexpr size_t kDependent = 120;

// For std::bad_alloc and its like when the heap is full.
constexpr size_t kReserveSize = 512;
constexpr size_t kReserves = 16;

struct alignas(8) Reserve {
  char bytes[kReserveSize];
};

Reserve reserves[kReserves];
uint32_t taken;

void* FromReserve(size_t size) {
  if (size > kReserveSize) return nullptr;
  uint32_t used = __atomic_load_n(&taken, __ATOMIC_RELAXED);
  for (;;) {
    uint32_t free = ~used & ((1u << kReserves) - 1);
    if (free == 0) return nullptr;
    int which = __builtin_ctz(free);
    if (__atomic_compare_exchange_n(&taken, &used, used | 1u << which, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
      return &reserves[which];
  }
}

void* Allocate(size_t size) {
  void* memory = malloc(size);
  if (!memory) memory = FromReserve(size);
  if (!memory) std::terminate();
  return memory;
}

void Free(void* memory) {
  auto* reserve = static_cast<Reserve*>(memory);
  if (reserve >= reserves && reserve < reserves + kReserves)
    __atomic_fetch_and(&taken, ~(1u << (reserve - reserves)), __ATOMIC_RELEASE);
  else
    free(memory);
}

// The toolchain's own says nothing.
void Terminate() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (!type) abort();
  const char* text = "";
  try {
    throw;
  } catch (const std::exception& exception) {
    text = exception.what();
  } catch (...) {
  }
  tfport_bm_report("tfport: nobody caught an exception of type %s: %s\n", type->name(), text);
  abort();
}

}  // namespace

void tfport_bm_exceptions_init() { std::set_terminate(Terminate); }

extern "C" void* __cxa_allocate_exception(size_t size) noexcept {
  char* memory = static_cast<char*>(Allocate(kHeader + size));
  memset(memory, 0, kHeader);
  return memory + kHeader;
}

extern "C" void __cxa_free_exception(void* exception) noexcept {
  Free(static_cast<char*>(exception) - kHeader);
}

extern "C" void* __cxa_allocate_dependent_exception() noexcept {
  return memset(Allocate(kDependent), 0, kDependent);
}

extern "C" void __cxa_free_dependent_exception(void* exception) noexcept { Free(exception); }
