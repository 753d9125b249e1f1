// The allocator hook and its counters. TensorFlow Lite reaches it through tfport_hooks.h, XNNPACK
// through the xnn_allocator below.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xnnpack.h>

#include <algorithm>
#include <atomic>

#define TFPORT_DEFINE_HOOKS
#include "tensorflow/lite/tfport_hooks.h"
#include "tfport/tfport.h"

namespace {

void* DefaultAllocate(void*, size_t alignment, size_t size) {
  void* pointer = nullptr;
  return posix_memalign(&pointer, alignment, size) == 0 ? pointer : nullptr;
}

void DefaultDeallocate(void*, void* pointer) { free(pointer); }

constexpr TfPortAllocator kDefaultAllocator = {nullptr, DefaultAllocate, DefaultDeallocate};

TfPortAllocator g_allocator = kDefaultAllocator;
std::atomic<size_t> g_current{0};
std::atomic<size_t> g_high_water{0};

// Stands right before each block, since neither hook is told the size again when a block is given
// back.
struct Header {
  void* base;      // What the allocator returned.
  size_t size;     // What the user of the block asked for.
  size_t charged;  // What the allocator was asked for.
};

// What malloc promises; NEON code relies on it.
constexpr size_t kMinimumAlignment = 16;

size_t HeaderRoom(size_t alignment) {
  // Both are powers of two or sums of them: no division, which the oldest cores lack.
  return (sizeof(Header) + alignment - 1) & ~(alignment - 1);
}

Header* HeaderOf(void* pointer) { return static_cast<Header*>(pointer) - 1; }

void Charge(size_t bytes) {
  const size_t now = g_current.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  size_t peak = g_high_water.load(std::memory_order_relaxed);
  while (peak < now && !g_high_water.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

void* XnnAllocate(void*, size_t size) { return tfport_allocate(kMinimumAlignment, size); }

void XnnDeallocate(void*, void* pointer) { tfport_deallocate(pointer); }

void* XnnReallocate(void*, void* pointer, size_t size) {
  void* moved = tfport_allocate(kMinimumAlignment, size);
  if (moved != nullptr && pointer != nullptr) {
    memcpy(moved, pointer, std::min(size, HeaderOf(pointer)->size));
    tfport_deallocate(pointer);
  }
  return moved;
}

void* XnnAlignedAllocate(void*, size_t alignment, size_t size) {
  return tfport_allocate(alignment, size);
}

constexpr xnn_allocator kXnnAllocator = {
    nullptr, XnnAllocate, XnnReallocate, XnnDeallocate, XnnAlignedAllocate, XnnDeallocate,
};

}  // namespace

extern "C" {

void* tfport_allocate(size_t alignment, size_t size) {
  alignment = std::max(alignment, kMinimumAlignment);
  const size_t room = HeaderRoom(alignment);
  if (size > SIZE_MAX - room) return nullptr;
  const size_t charged = room + size;
  void* base = g_allocator.allocate(g_allocator.context, alignment, charged);
  if (base == nullptr) return nullptr;
  void* pointer = static_cast<char*>(base) + room;
  *HeaderOf(pointer) = {base, size, charged};
  Charge(charged);
  return pointer;
}

void tfport_deallocate(void* pointer) {
  if (pointer == nullptr) return;
  const Header header = *HeaderOf(pointer);
  g_current.fetch_sub(header.charged, std::memory_order_relaxed);
  g_allocator.deallocate(g_allocator.context, header.base);
}

const struct xnn_allocator* tfport_xnn_allocator(void) { return &kXnnAllocator; }

TfPortStatus TfPortSetAllocator(const TfPortAllocator* allocator) {
  if (allocator != nullptr &&
      (allocator->allocate == nullptr || allocator->deallocate == nullptr)) {
    return kTfPortInvalidArgument;
  }
  if (g_current.load(std::memory_order_relaxed) != 0) return kTfPortBusy;
  g_allocator = allocator != nullptr ? *allocator : kDefaultAllocator;
  return kTfPortOk;
}

void TfPortGetMemoryUsage(TfPortMemoryUsage* usage) {
  usage->current_bytes = g_current.load(std::memory_order_relaxed);
  usage->high_water_bytes = g_high_water.load(std::memory_order_relaxed);
}

void TfPortResetMemoryHighWater(void) {
  g_high_water.store(g_current.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

}  // extern "C"
