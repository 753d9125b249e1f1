/* Time: both clocks are the machine's counter, the realtime one from an epoch. */
#include "clock.h"

#include <errno.h>
#include <limits.h>
#include <reent.h>
#include <sys/time.h>
#include <sys/times.h>
#include <unistd.h>

#include "../threads/thread.h"
#include "tfport/baremetal.h"

#define NANOSECONDS 1000000000

static struct timespec of_ticks(uint64_t ticks) {
  uint32_t hz = tfport_bm_ticks_per_second();
  uint64_t rest = ticks % hz;
  return (struct timespec){(time_t)(ticks / hz), (long)(rest * NANOSECONDS / hz)};
}

/* Rounded up: to sleep means at least as long. */
static uint64_t to_ticks(int64_t seconds, long nanoseconds) {
  uint32_t hz = tfport_bm_ticks_per_second();
  if (seconds < 0) return 0;
  if (seconds > INT32_MAX) return NO_DEADLINE - 1;
  return (uint64_t)seconds * hz + ((uint64_t)nanoseconds * hz + NANOSECONDS - 1) / NANOSECONDS;
}

uint64_t tfport_bm_deadline(clockid_t clock, const struct timespec* time) {
  int64_t seconds = time->tv_sec;
  if (clock != CLOCK_MONOTONIC) seconds -= tfport_bm_epoch();
  return to_ticks(seconds, time->tv_nsec);
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) {
    errno = EINVAL;
    return -1;
  }
  *time = of_ticks(tfport_bm_ticks());
  if (clock == CLOCK_REALTIME) time->tv_sec += tfport_bm_epoch();
  return 0;
}

int clock_getres(clockid_t clock, struct timespec* resolution) {
  if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) {
    errno = EINVAL;
    return -1;
  }
  if (resolution) *resolution = of_ticks(1);
  return 0;
}

static void sleep_until(uint64_t deadline) {
  spin_lock(&tfport_bm_scheduler);
  tfport_bm_wait(this_thread, deadline);
  spin_unlock(&tfport_bm_scheduler);
}

int nanosleep(const struct timespec* time, struct timespec* rest) {
  if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NANOSECONDS) {
    errno = EINVAL;
    return -1;
  }
  sleep_until(tfport_bm_ticks() + to_ticks(time->tv_sec, time->tv_nsec));
  if (rest) *rest = (struct timespec){0, 0};
  return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec* time,
                    struct timespec* rest) {
  if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) return EINVAL;
  if (!(flags & TIMER_ABSTIME)) return nanosleep(time, rest) ? errno : 0;
  sleep_until(tfport_bm_deadline(clock, time));
  return 0;
}

int usleep(useconds_t microseconds) {
  struct timespec time = {(time_t)(microseconds / 1000000), (long)(microseconds % 1000000) * 1000};
  return nanosleep(&time, 0);
}

unsigned sleep(unsigned seconds) {
  struct timespec time = {(time_t)seconds, 0};
  nanosleep(&time, 0);
  return 0;
}

int _gettimeofday_r(struct _reent* state, struct timeval* time, void* zone) {
  (void)state, (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

/* clock() counts the time since the machine's counter began: there is one program. */
clock_t _times_r(struct _reent* state, struct tms* times) {
  (void)state;
  clock_t ticks = (clock_t)(tfport_bm_ticks() * CLOCKS_PER_SEC / tfport_bm_ticks_per_second());
  *times = (struct tms){.tms_utime = ticks};
  return ticks;
}
