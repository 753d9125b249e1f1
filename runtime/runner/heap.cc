#include "heap.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>

#include <atomic>

namespace {

// Signed: blocks that the C library handed out before or beside the wrappers come back through
// them.
std::atomic<intptr_t> g_current{0};
std::atomic<intptr_t> g_high_water{0};

void* Count(void* pointer) {
  if (pointer == nullptr) return nullptr;
  const intptr_t bytes = static_cast<intptr_t>(malloc_usable_size(pointer));
  const intptr_t now = g_current.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  intptr_t peak = g_high_water.load(std::memory_order_relaxed);
  while (peak < now && !g_high_water.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
  return pointer;
}

void Discount(void* pointer) {
  if (pointer == nullptr) return;
  g_current.fetch_sub(static_cast<intptr_t>(malloc_usable_size(pointer)),
                      std::memory_order_relaxed);
}

size_t AtLeastZero(intptr_t bytes) { return bytes < 0 ? 0 : static_cast<size_t>(bytes); }

}  // namespace

extern "C" {

void* __real_malloc(size_t size);
void* __real_calloc(size_t count, size_t size);
void* __real_realloc(void* pointer, size_t size);
void* __real_memalign(size_t alignment, size_t size);
void __real_free(void* pointer);

void* __wrap_malloc(size_t size) { return Count(__real_malloc(size)); }

void* __wrap_calloc(size_t count, size_t size) { return Count(__real_calloc(count, size)); }

void* __wrap_realloc(void* pointer, size_t size) {
  const intptr_t before =
      pointer == nullptr ? 0 : static_cast<intptr_t>(malloc_usable_size(pointer));
  void* moved = __real_realloc(pointer, size);
  // A failed realloc leaves the old block alone; size 0 frees it.
  if (moved == nullptr && size != 0) return nullptr;
  g_current.fetch_sub(before, std::memory_order_relaxed);
  return Count(moved);
}

void* __wrap_memalign(size_t alignment, size_t size) {
  return Count(__real_memalign(alignment, size));
}

void* __wrap_aligned_alloc(size_t alignment, size_t size) {
  return Count(__real_memalign(alignment, size));
}

int __wrap_posix_memalign(void** pointer, size_t alignment, size_t size) {
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* block = Count(__real_memalign(alignment, size));
  if (block == nullptr) return ENOMEM;
  *pointer = block;
  return 0;
}

void __wrap_free(void* pointer) {
  Discount(pointer);
  __real_free(pointer);
}

}  // extern "C"

namespace runner {

size_t HeapBytes() { return AtLeastZero(g_current.load(std::memory_order_relaxed)); }

size_t HeapHighWaterBytes() { return AtLeastZero(g_high_water.load(std::memory_order_relaxed)); }

}  // namespace runner
