// malloc() from four cores, aligned memory, and what the heap says of itself.
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <new>
#include <thread>
#include <vector>

#include "check.h"
#include "tfport/baremetal.h"

namespace {

struct alignas(64) Wide {
  char bytes[100];
};

void Churn(unsigned seed) {
  struct Piece {
    unsigned char* at;
    size_t size;
    unsigned char mark;
  };
  std::vector<Piece> pieces;
  for (int i = 0; i < 4000; i++) {
    seed = seed * 1664525u + 1013904223u;
    size_t size = 1 + (seed >> 16) % (seed & 0x40 ? 40 : 3000);
    if (pieces.size() < 50) {
      auto mark = static_cast<unsigned char>(seed >> 8);
      auto* at = static_cast<unsigned char*>(seed & 0x80 ? memalign(64, size) : malloc(size));
      Check(at != nullptr, "malloc");
      Check((seed & 0x80) == 0 || reinterpret_cast<uintptr_t>(at) % 64 == 0, "memalign");
      memset(at, mark, size);
      pieces.push_back({at, size, mark});
    } else {
      size_t which = (seed >> 10) % pieces.size();
      Piece piece = pieces[which];
      for (size_t b = 0; b < piece.size; b++)
        if (piece.at[b] != piece.mark) {
          Check(false, "contents");
          break;
        }
      free(piece.at);
      pieces[which] = pieces.back();
      pieces.pop_back();
    }
  }
  for (const Piece& piece : pieces) free(piece.at);
}

}  // namespace

int main() {
  std::thread([] {}).join();
  size_t before = tfport_bm_heap_used();
  std::vector<std::thread> threads;
  threads.reserve(4);
  size_t with_vector = tfport_bm_heap_used();
  CHECK(with_vector > before);
  for (unsigned id = 0; id < 4; id++) threads.emplace_back(Churn, id * 77 + 1);
  for (std::thread& thread : threads) thread.join();
  CHECK(tfport_bm_heap_used() == with_vector);

  void* aligned = nullptr;
  CHECK(posix_memalign(&aligned, 4096, 10) == 0 &&
        reinterpret_cast<uintptr_t>(aligned) % 4096 == 0);
  free(aligned);
  CHECK(posix_memalign(&aligned, 3, 10) == EINVAL);
  aligned = aligned_alloc(256, 512);
  CHECK(reinterpret_cast<uintptr_t>(aligned) % 256 == 0);
  free(aligned);
  auto* wide = new Wide[3];
  CHECK(reinterpret_cast<uintptr_t>(wide) % 64 == 0);
  delete[] wide;
  CHECK(tfport_bm_heap_used() == with_vector);

  void* large = malloc(20 << 20);
  memset(large, 1, 20 << 20);
  CHECK(tfport_bm_heap_used() >= 20u << 20);
  CHECK(tfport_bm_heap_high_water() >= 20u << 20);
  free(large);
  CHECK(tfport_bm_heap_used() == with_vector);
  CHECK(tfport_bm_heap_high_water() >= 20u << 20);
  CHECK(tfport_bm_heap_high_water() < 24u << 20);
  CHECK(tfport_bm_heap_limit() > 400u << 20);
  void* volatile impossible = malloc(0x7fffffff);
  CHECK(impossible == nullptr);
  try {
    impossible = operator new(tfport_bm_heap_limit() + 1);
    CHECK(false);
  } catch (const std::bad_alloc&) {
  }
  return Verdict();
}
