// What Debian 12's C library headers make code ask for, and glibc 2.28 does not offer.
//
// The definitions end up as local symbols of the one archive, so a program that is linked against a
// newer glibc keeps using that for its own code. Only symbols that an object of ours really asks
// for are taken from this file's archive member by the linker, hence one section per function.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// libstdc++ of GCC 11 and later skips atomic operations while this is true. A glibc that does not
// know the variable cannot keep it up to date, so the safe answer stands for good: there may be
// other threads.
const char __libc_single_threaded = 0;

// Until 2.32 the stat family was inline in every program. The kernel's stat64 is glibc's struct
// stat64.
_Static_assert(sizeof(struct stat64) == 104, "struct stat64 must be the kernel's");

static int narrow(const struct stat64* from, struct stat* to) {
  if ((off_t)from->st_size != from->st_size || (blkcnt_t)from->st_blocks != from->st_blocks ||
      (ino_t)from->st_ino != from->st_ino) {
    errno = EOVERFLOW;
    return -1;
  }
  *to = (struct stat){0};
  to->st_dev = from->st_dev;
  to->st_ino = (ino_t)from->st_ino;
  to->st_mode = from->st_mode;
  to->st_nlink = from->st_nlink;
  to->st_uid = from->st_uid;
  to->st_gid = from->st_gid;
  to->st_rdev = from->st_rdev;
  to->st_size = (off_t)from->st_size;
  to->st_blksize = from->st_blksize;
  to->st_blocks = (blkcnt_t)from->st_blocks;
  to->st_atim = from->st_atim;
  to->st_mtim = from->st_mtim;
  to->st_ctim = from->st_ctim;
  return 0;
}

int fstatat64(int folder, const char* path, struct stat64* result, int flags) {
  return (int)syscall(SYS_fstatat64, folder, path, result, flags);
}

int fstat64(int file, struct stat64* result) { return (int)syscall(SYS_fstat64, file, result); }

int stat64(const char* path, struct stat64* result) { return fstatat64(AT_FDCWD, path, result, 0); }

int lstat64(const char* path, struct stat64* result) {
  return fstatat64(AT_FDCWD, path, result, AT_SYMLINK_NOFOLLOW);
}

int fstatat(int folder, const char* path, struct stat* result, int flags) {
  struct stat64 wide;
  return fstatat64(folder, path, &wide, flags) == 0 ? narrow(&wide, result) : -1;
}

int fstat(int file, struct stat* result) {
  struct stat64 wide;
  return fstat64(file, &wide) == 0 ? narrow(&wide, result) : -1;
}

int stat(const char* path, struct stat* result) { return fstatat(AT_FDCWD, path, result, 0); }

int lstat(const char* path, struct stat* result) {
  return fstatat(AT_FDCWD, path, result, AT_SYMLINK_NOFOLLOW);
}

pid_t gettid(void) { return (pid_t)syscall(SYS_gettid); }

// The deadline, moved to the clock that the older functions wait on. A jump of the wall clock
// during the wait moves it too; that is how every condition variable of GCC 8's library behaved.
static struct timespec on_wall_clock(clockid_t clock, const struct timespec* deadline) {
  if (clock == CLOCK_REALTIME) return *deadline;
  const long kSecond = 1000000000L;
  struct timespec there, wall;
  clock_gettime(clock, &there);
  clock_gettime(CLOCK_REALTIME, &wall);
  wall.tv_sec += deadline->tv_sec - there.tv_sec;
  wall.tv_nsec += deadline->tv_nsec - there.tv_nsec;
  if (wall.tv_nsec < 0) {
    wall.tv_nsec += kSecond;
    wall.tv_sec -= 1;
  } else if (wall.tv_nsec >= kSecond) {
    wall.tv_nsec -= kSecond;
    wall.tv_sec += 1;
  }
  return wall;
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const struct timespec* deadline) {
  const struct timespec wall = on_wall_clock(clock, deadline);
  return pthread_cond_timedwait(condition, mutex, &wall);
}

int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock,
                            const struct timespec* deadline) {
  const struct timespec wall = on_wall_clock(clock, deadline);
  return pthread_mutex_timedlock(mutex, &wall);
}
