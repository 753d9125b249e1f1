#include <nsync_cv.h>
#include <nsync_mu.h>
#include <nsync_time.h>

#include <cstdio>
#include <thread>

namespace {

nsync::nsync_mu mutex = NSYNC_MU_INIT;
nsync::nsync_cv changed = NSYNC_CV_INIT;
int turn = 0;

// Two threads add in turns, so each must be woken by the other.
void Add(int parity) {
  for (int i = 0; i < 100; ++i) {
    nsync::nsync_mu_lock(&mutex);
    while (turn % 2 != parity) nsync::nsync_cv_wait(&changed, &mutex);
    ++turn;
    nsync::nsync_cv_broadcast(&changed);
    nsync::nsync_mu_unlock(&mutex);
  }
}

}  // namespace

int main() {
  std::thread other(Add, 1);
  Add(0);
  other.join();
  nsync::nsync_mu_lock(&mutex);
  const nsync::nsync_time soon =
      nsync::nsync_time_add(nsync::nsync_time_now(), nsync::nsync_time_ms(10));
  const int late = nsync::nsync_cv_wait_with_deadline(&changed, &mutex, soon, nullptr);
  nsync::nsync_mu_unlock(&mutex);
  std::printf("%d turns, %s\n", turn, late != 0 ? "timed out" : "woken by nobody");
  return turn == 200 && late != 0 ? 0 : 1;
}
