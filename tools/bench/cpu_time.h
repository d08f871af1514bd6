#pragma once

#include <sys/resource.h>

#include <chrono>
#include <ctime>

#include "storage/base/cpu_time.h"

namespace sluice::bench {

// CPU that this process has used, user and system, all threads.
inline std::chrono::nanoseconds process_cpu() { return cpu_time(CLOCK_PROCESS_CPUTIME_ID); }

// The most memory that this process has held, in bytes.
inline long long peak_memory() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return 1024LL * used.ru_maxrss;
}

}  // namespace sluice::bench
