// glibc's functions that a static program chooses as it starts, called through their addresses.
//
// GNU ld (2.40) puts the address of such a function's resolver into the program without the Thumb
// bit as soon as one call to it needs a veneer, which happens in programs with more than 16 MB of
// code: they then die of an illegal instruction before main(). Linked with --wrap, all calls go to
// these two, by ordinary veneers.

#include <cstddef>

extern "C" {
void* __real_memcpy(void* to, const void* from, std::size_t bytes);
void* __real_memchr(const void* in, int byte, std::size_t bytes);

// volatile: GCC would call the functions directly if it knew what these hold.
static void* (*const volatile copy)(void*, const void*, std::size_t) = __real_memcpy;
static void* (*const volatile find)(const void*, int, std::size_t) = __real_memchr;

void* __wrap_memcpy(void* to, const void* from, std::size_t bytes) { return copy(to, from, bytes); }
void* __wrap_memchr(const void* in, int byte, std::size_t bytes) { return find(in, byte, bytes); }
}
