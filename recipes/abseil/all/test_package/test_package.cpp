#include <cstdio>

#include "absl/container/flat_hash_map.h"
#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"

ABSL_FLAG(int, cores, 4, "a flag with a default");

int main() {
  absl::Mutex mutex;
  absl::MutexLock lock(&mutex);
  absl::flat_hash_map<std::string, int> ages = {{"now", absl::Now() > absl::UnixEpoch()}};
  const absl::Status status =
      absl::NotFoundError(absl::StrCat("core ", absl::GetFlag(FLAGS_cores)));
  std::puts(status.ToString().c_str());
  return status.message() == "core 4" && ages["now"] == 1 ? 0 : 1;
}
