#include "tools/sluice/cli/pause.h"

#include "storage/base/mutex.h"

namespace sluice {

void pause(std::chrono::milliseconds length, const std::stop_token& stop) {
  pause_until(std::chrono::steady_clock::now() + length, stop);
}

void pause_until(std::chrono::steady_clock::time_point end, const std::stop_token& stop) {
  Mutex mutex;
  ConditionVariable never;
  MutexLock lock(mutex);
  never.wait_until(lock, stop, end, [] { return false; });
}

}  // namespace sluice
