#pragma once

#include <sys/resource.h>

#include <chrono>
#include <ctime>

namespace sluice::bench {

// CPU that this thread has used.
inline std::chrono::nanoseconds thread_cpu() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

// CPU that this process has used, user and system, all threads.
inline std::chrono::nanoseconds process_cpu() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

// The most memory that this process has held, in bytes.
inline long long peak_memory() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return 1024LL * used.ru_maxrss;
}

}  // namespace sluice::bench
